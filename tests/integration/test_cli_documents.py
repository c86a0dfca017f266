# SPDX-License-Identifier: Apache-2.0
"""What is made from the table of commands: completion in three shells, and the manual pages; and what the README says."""

import os
import re
import shutil
import subprocess

import pytest

from cli import ccodesctl
from daemon import BUILD, TOP

COMPLETIONS = BUILD / "src/cli/reference"
PAGES = [BUILD / "docs/ccodesctl.1", BUILD / "docs/ccodes.toml.5", TOP / "docs/man/ccodes-auth.8",
         TOP / "docs/man/ccodes-server.8", TOP / "docs/man/ccodes.7"]

BASH = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
compopt() { :; }
_ccodesctl
printf '%s\n' "${COMPREPLY[@]}"
"""


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    return program


def bash(*words, folder=None):
    result = subprocess.run(["bash", "--norc", "-c", BASH, "bash", COMPLETIONS / "ccodesctl", "ccodesctl", *words],
                            capture_output=True, text=True, check=True, cwd=folder)
    assert result.stderr == ""
    return result.stdout.split()


def fish(*words):
    line = " ".join(["ccodesctl", *words])
    result = subprocess.run([need("fish"), "--no-config", "-c", f"source {COMPLETIONS}/ccodesctl.fish; complete -C '{line}'"],
                            capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return [answer.split("\t")[0] for answer in result.stdout.splitlines()]


@pytest.mark.parametrize("complete", [bash, fish], ids=["bash", "fish"])
class TestShell:
    def test_commands(self, complete):
        assert {"status", "config", "run", "apply", "logs"} <= set(complete(""))
        assert complete("sta") in (["start", "status"], ["status", "start"])
        assert complete("config", "s") in (["show", "schema"], ["schema", "show"])
        assert "check" not in complete("")
        assert {"users", "tokens", "keys"} <= set(complete(""))
        assert complete("tokens", "re") == ["revoke"]

    def test_options(self, complete):
        assert {"--follow", "--unit", "--json"} <= set(complete("logs", "--"))
        assert "--follow" not in complete("status", "--")
        assert complete("config", "show", "--ori") == ["--origin"]
        assert complete("--color", "always", "config", "show", "--run") == ["--running"]

    def test_values(self, complete):
        assert complete("explain", "no-s") == ["no-site"]
        assert complete("config", "get", "http.limits.max_b") == ["http.limits.max_body"]
        assert complete("logs", "--priority", "w") == ["warning"]
        assert complete("logs", "-p", "w") == ["warning"]
        assert sorted(complete("users", "add", "--role", "")) == ["admin", "operator", "viewer"]
        assert sorted(complete("restart", "")) == ["auth", "server"]
        assert complete("status", "--color", "al") == ["always"]


def test_bash_takes_values_behind_equals_signs():
    assert bash("logs", "--priority", "=", "w") == ["warning"]
    assert bash("logs", "--priority", "=") == "emerg alert crit err warning notice info debug".split()


def test_bash_completes_files_and_folders(tmp_path):
    (tmp_path / "file.toml").touch()
    (tmp_path / "folder").mkdir()
    assert sorted(bash("config", "check", "--config", "f", folder=tmp_path)) == ["file.toml", "folder"]
    assert bash("run", "--dir", "f", folder=tmp_path) == ["folder"]
    assert bash("run", "--workers", "f", folder=tmp_path) == []


def test_zsh():
    """Completes in a real zsh on a pseudo-terminal."""
    need("zsh")
    script = r"""
    zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z "PS1='>'; stty -echo; fpath=($1 \$fpath); autoload -Uz compinit && compinit -u -D; LISTMAX=0"
    zpty -w z "zstyle ':completion:*' list-grouped false; echo REA''DY"
    zpty -m -r z out '*READY*'
    zpty -w -n z "$2"$'\t'
    for i in {1..100}; do
        zpty -t -r z part && out+=$part
        [[ $out == *$3* ]] && { print found; break }
        sleep 0.1
    done
    print -r -- "$out" | tail -c 600
    zpty -d z
    """
    for line, expected in (("ccodesctl sta", "status"), ("ccodesctl config g", "config get"), ("ccodesctl tokens rev", "tokens revoke"),
                           ("ccodesctl explain no-s", "no-site"), ("ccodesctl logs --fol", "--follow")):
        result = subprocess.run(["zsh", "-f", "-c", script, "zsh", str(COMPLETIONS), line, expected],
                                capture_output=True, text=True, timeout=60, env={**os.environ, "TERM": "vt100"})
        assert result.stdout.startswith("found"), (line, result.stdout, result.stderr)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_manual_pages_have_no_warning(page):
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"}
    result = subprocess.run([need("man"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
                            capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    text = subprocess.run(["man", "-E", "ascii", "-l", page], capture_output=True, text=True, env=environment, check=True).stdout
    assert "NAME" in text and "SEE ALSO" in text and "@" + "COMMANDS" not in text


def test_the_manual_page_names_every_command_and_option():
    text = subprocess.run([need("man"), "-E", "ascii", "-l", PAGES[0]], capture_output=True, text=True, check=True,
                          env={**os.environ, "MANWIDTH": "200"}).stdout
    for part in ("config check", "apply", "uninstall", "--follow", "--running", "--json", "EXIT STATUS"):
        assert part in text


def test_the_configuration_of_the_readme_fits_a_fresh_installation(tmp_path):
    """What ccodes-prepare writes, the example that is installed, and what the README tells people to add."""
    prepare = (TOP / "units/ccodes-prepare.in").read_text()
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/https.toml").write_text(
        re.search(r"<<END\n(.*?)\nEND\n", prepare, re.DOTALL)[1].replace("$certificates", "/etc/ccodes/certificates"))
    readme = re.findall(r"```toml\n(.*?)```", (TOP / "README.md").read_text(), re.DOTALL)
    assert readme
    config = tmp_path / "ccodes.toml"
    config.write_text("\n".join([(TOP / "docs/examples/ccodes.toml").read_text(), *readme]))
    assert ccodesctl("config", "check", "--no-files", "-c", config, check=0).stderr == ""
    root = re.search(r"^site=(.*)", prepare, re.MULTILINE)[1]
    assert ccodesctl("config", "get", "-c", config, "site[default].root", check=0).stdout.strip() == f'"{root}"'
    assert f"`{root}`" in (TOP / "README.md").read_text()
