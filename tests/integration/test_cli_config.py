# SPDX-License-Identifier: Apache-2.0
"""ccodesctl config: check, show, get, schema, diff."""

import json
import os
import subprocess
import tomllib

import pytest

from cli import CCODESCTL, ccodesctl, ccodesctl_json
from daemon import BUILD

GOOD = """\
[[server.listener]]
name = "http"
address = "127.0.0.1:0"

[[site]]
name = "blog"
root = "{root}"
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "conf.d").mkdir()
    file = tmp_path / "ccodes.toml"
    file.write_text(GOOD.format(root=tmp_path))
    return file


def test_check(config):
    result = ccodesctl("config", "check", "-c", config, check=0)
    assert result.stderr == "" and str(config) in result.stdout
    assert ccodesctl_json("config", "check", "-c", config) == {
        "result": "valid", "file": str(config), "files_checked": True}


def test_check_says_every_fault_by_its_place(config):
    config.write_text(config.read_text() + '[serverr]\n[http.limits]\nmax_body = "many"\n')
    (config.parent / "conf.d/10-more.toml").write_text("[log]\nlevle = 1\n")
    result = ccodesctl("config", "check", "-c", config, check=1)
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert any(line.startswith(f"{config}:8:1: ") and "did you mean [server]" in line for line in lines)
    assert any(line.startswith(f"{config}:10:1: ") and "max_body" in line for line in lines)
    assert any(line.startswith(f"{config.parent}/conf.d/10-more.toml:2:1: ") and "level" in line for line in lines)

    told = ccodesctl_json("config", "check", "-c", config, check=1)
    assert told["result"] == "invalid" and len(told["faults"]) == 3
    assert {fault["line"] for fault in told["faults"]} == {8, 10, 2}


TLS = """\
[[server.listener]]
name = "https"
address = "127.0.0.1:0"
tls = true

[[certificate]]
name = "own"
certificate = "{folder}/own.pem"
key = "{folder}/own.key"
"""

# What stands in conf.d/10-more.toml, and the line and column of what is wrong with it.
MISPLACED = {
    "a name of an earlier file": ('[[site]]\nroot = "{folder}"\nname = "blog"\nhosts = ["a"]\n', 3, 1),
    "a host of an earlier site": ('[[site]]\nname = "a"\nroot = "{folder}"\nhosts = ["a"]\n'
                                  '[[site]]\nname = "b"\nroot = "{folder}"\nhosts = [\n  "b",\n  "A",\n]\n', 10, 3),
    "a root that is missing": ('[[site]]\nname = "a"\nhosts = ["a"]\nroot = "/is/not/there"\n', 4, 1),
    "a pattern of a rule": ('[[site]]\nname = "a"\nhosts = ["a"]\nroot = "{folder}"\n[[site.rule]]\npath = "/a"\n'
                            'redirect = "/$1"\n', 5, 1),
    "a certificate that is missing": (TLS, 8, 1),
    "a name that no certificate has": (TLS.replace("tls = true", 'tls = true\ncertificates = ["own", "other"]'), 5, 24),
    "ciphers that do not exist": (TLS + '[tls]\nciphers = "WRONG"\n', 11, 1),
}


@pytest.mark.parametrize("case", MISPLACED)
def test_check_names_the_place(config, case):
    text, line, column = MISPLACED[case]
    more = config.parent / "conf.d/10-more.toml"
    more.write_text(text.format(folder=config.parent))
    told = ccodesctl_json("config", "check", "-c", config, check=1)
    assert [(fault["file"], fault["line"], fault["column"]) for fault in told["faults"]] == [(str(more), line, column)]
    assert str(more) not in told["faults"][0]["message"].partition("see ")[0] and told["more_faults"] == 0


def test_check_names_the_file_of_a_key(config):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=own", "-keyout", config.parent / "old.key", "-out", config.parent / "own.pem"],
                   check=True, capture_output=True)
    more = config.parent / "conf.d/10-more.toml"
    more.write_text(TLS.format(folder=config.parent))

    def place():
        fault, = ccodesctl_json("config", "check", "-c", config, check=1)["faults"]
        return fault["file"], fault["line"], fault["column"]

    assert place() == (str(more), 9, 1)  # there is none
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", config.parent / "own.key"], check=True,
                   capture_output=True)
    assert place() == (str(more), 9, 1)  # it does not belong to the certificate
    (config.parent / "own.pem").write_text("no certificate")
    assert place() == (str(more), 8, 1)


def test_check_names_a_file_that_cannot_be_read(config):
    more = config.parent / "conf.d/10-more.toml"
    more.mkdir()
    assert ccodesctl_json("config", "check", "-c", config, check=1)["faults"] == [
        {"file": str(more), "line": None, "column": None, "message": "cannot be read: Is a directory"}]


def test_check_counts_what_it_does_not_show(config):
    config.write_text("".join(f"unknown{i} = 1\n" for i in range(14)) + config.read_text())
    told = ccodesctl_json("config", "check", "-c", config, check=1)
    assert [fault["line"] for fault in told["faults"]] == list(range(1, 11)) and told["more_faults"] == 4


def test_check_looks_at_the_files(config):
    config.write_text(config.read_text().replace(str(config.parent), "/is/not/there"))
    result = ccodesctl("config", "check", "-c", config, check=1)
    assert "/is/not/there" in result.stderr and not result.stderr.startswith("ccodes-server: ")
    assert ccodesctl("config", "check", "--no-files", "-c", config, check=0).stderr == ""


def test_check_without_the_daemon_says_so(config, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {"CCODES_LIBEXECDIR": str(empty)}
    result = ccodesctl("config", "check", "-c", config, check=0, environment=environment)
    assert "were not looked at" in result.stderr and str(empty) in result.stderr
    assert ccodesctl_json("config", "check", "-c", config, environment=environment)["files_checked"] is False


def test_check_says_what_will_not_start(config):
    config.write_text("[server]\nworkers = 1\n")
    result = ccodesctl("config", "check", "-c", config, check=0)
    assert "no [[server.listener]] is configured" in result.stderr


def test_a_missing_file(tmp_path):
    assert "missing.toml" in ccodesctl("config", "show", "-c", tmp_path / "missing.toml", check=1).stderr


def test_show(config):
    text = ccodesctl("config", "show", "-c", config, check=0).stdout
    shown = tomllib.loads(text)
    assert shown["site"][0]["name"] == "blog" and "max_body" in shown["http"]["limits"]
    as_json = ccodesctl_json("config", "show", "-c", config)
    assert as_json["site"][0]["root"] == str(config.parent)

    again = config.parent / "again.toml"
    again.write_text(text)
    assert ccodesctl_json("config", "show", "-c", again) == as_json


def test_show_says_where_a_value_comes_from(config):
    extra = config.parent / "conf.d/extra.toml"
    extra.write_text('[http.limits]\nmax_body = "2M"\n')
    lines = ccodesctl("config", "show", "--origin", "-c", config, check=0).stdout.splitlines()
    assert f'max_body = "2M" # from {extra}:2' in lines
    assert any(line.startswith("workers = ") and line.endswith("# default") for line in lines)


def test_get(config):
    def get(key, *words):
        return ccodesctl("config", "get", key, "-c", config, *words, check=0).stdout

    assert get("site[blog].root") == f'"{config.parent}"\n'
    assert get("http.limits.max_body") == '"16M"\n'
    assert get("http.limits.max_body", "--origin") == '"16M" # default\n'
    assert get("site[blog].name", "--origin").endswith(f"# from {config}:6\n")
    assert json.loads(get("site[blog].fallback", "--json")) is None
    assert json.loads(get("server", "--json"))["workers"] == 0
    assert "did you mean 'max_body'" in ccodesctl("config", "get", "http.limits.max_bdy", "-c", config, check=1).stderr


def test_schema(config):
    schema = json.loads(ccodesctl("config", "schema", check=0).stdout)
    assert schema["type"] == "object" and "server" in schema["properties"]
    installed = BUILD / "docs/ccodes.schema.json"
    assert json.loads(installed.read_text())["properties"] == schema["properties"]


def test_diff_and_running(config, run):
    server = run("--config", config)

    def diff(*words, **options):
        return ccodesctl("config", "diff", "-c", config, "--socket", server.socket, *words, **options)

    assert "What runs is what is configured" in diff(check=0).stdout
    running = ccodesctl_json("config", "show", "--running", "--socket", server.socket)
    assert running == ccodesctl_json("config", "show", "-c", config)

    config.write_text(config.read_text() + 'listing = true\n[server]\nworkers = 7\n[[server.listener]]\n'
                      'name = "more"\naddress = "127.0.0.1:1"\n')
    assert json.loads(diff("--json", check=0).stdout) == [
        {"key": "server.workers", "before": "0", "after": "7", "effect": "restart"},
        {"key": "server.listener[more]", "before": None, "effect": "socket",
         "after": json.loads(diff("--json").stdout)[1]["after"]},
        {"key": "site[blog].listing", "before": "false", "after": "true", "effect": "reload"}]
    text = diff(check=0).stdout
    assert "server.workers" in text and "0 → 7" in text and "ccodesctl apply" in text
    assert ccodesctl("config", "get", "site[blog].listing", "--running", "--socket", server.socket,
                     check=0).stdout == "false\n"
    assert ccodesctl("reload", "--socket", server.socket, check=0)
    assert [entry["key"] for entry in json.loads(diff("--json", check=0).stdout)] == [
        "server.workers", "server.listener[more]"], "what a reload cannot change is still not what runs"
    assert "server.workers" in diff(check=0).stdout
    result = ccodesctl("config", "show", "--running", "--origin", "--socket", server.socket, check=2)
    assert "--origin" in result.stderr


def test_no_running_server(config, tmp_path):
    gone = tmp_path / "gone.sock"
    assert str(gone) in ccodesctl("config", "diff", "-c", config, "--socket", gone, check=3).stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without rights")
def test_no_right_to_connect(config, run, tmp_path):
    server = run("--config", config)
    os.chmod(tmp_path, 0o755)

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    program = os.open(CCODESCTL, os.O_RDONLY)  # a user without rights may not get at it by its path
    result = ccodesctl("config", "show", "--running", "--socket", server.socket, check=4, preexec_fn=become_nobody,
                       executable=f"/proc/self/fd/{program}", pass_fds=[program])
    os.close(program)
    assert "no right to connect" in result.stderr and "sudo" in result.stderr
