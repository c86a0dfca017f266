# SPDX-License-Identifier: Apache-2.0
"""What ccodesctl says without a daemon: help, mistakes, causes, versions, colours."""

import json
import os
import re
import subprocess
import termios

import pytest

from cli import CCODESCTL, ccodesctl, ccodesctl_json


def verbs():
    """As the help lists them."""
    lines = ccodesctl("--help", check=0).stdout.splitlines()
    found = [re.match(r"  ((?:config )?[a-z]+)(?: [\[A-Z]\S*)?  +\S", line) for line in lines]
    return [match[1] for match in found if match]


def test_every_command_has_help():
    assert {"status", "config check", "logs", "run", "apply", "install", "version"} <= set(verbs())
    for verb in verbs():
        words = verb.split()
        for result in (ccodesctl(*words, "--help", check=0), ccodesctl("help", *words, check=0)):
            assert result.stdout.startswith(f"Usage: ccodesctl {verb} ") and result.stderr == ""


def test_no_command_is_a_mistake():
    result = ccodesctl(check=2)
    assert result.stdout == "" and result.stderr.startswith("Usage: ")
    assert "config check" in ccodesctl("config", check=2).stderr
    for words in (["config", "--help"], ["help", "config"]):
        assert "config check" in ccodesctl(*words, check=0).stdout


@pytest.mark.parametrize("words, part", [
    (["stats"], "did you mean 'status'"),
    (["config", "chek"], "no command 'config chek'; did you mean 'config check'?"),
    (["config", "x"], "no command 'config x'; try 'ccodesctl config --help'"),
    (["help", "stats"], "no command 'stats'; did you mean 'status'?"),
    (["help", "config", "chek"], "did you mean 'config check'?"),
    (["status", "--jsn"], "did you mean '--json'"),
    (["status", "x"], "one argument too many, 'x'"),
    (["config", "get"], "KEY is missing"),
    (["logs", "--since", "soon"], "is no moment"),
    (["logs", "--priority", "warn"], "did you mean 'warning'"),
    (["logs", "--lines", "few"], "--lines takes a number"),
    (["logs", "--unit", "sever"], "did you mean 'server'"),
    (["status", "--color", "blue"], "auto, always or never"),
    (["run"], "a folder, or --config FILE"),
    (["run", "--config", "x", "--dir", "y"], "with --config"),
])
def test_mistakes(words, part):
    result = ccodesctl(*words, check=2)
    assert part in result.stderr and result.stdout == ""
    told = ccodesctl(*words, "--json")
    if "jsn" not in words[-1]:
        assert json.loads(told.stdout) == {"result": "failed", "message": told.stderr.partition(": ")[2].strip()}


def test_global_options_before_the_command():
    assert json.loads(ccodesctl("--json", "version", check=0).stdout)["version"]
    assert ccodesctl("--color", "never", "version", check=0).stdout.startswith("ccodesctl ")
    assert ccodesctl("--version", check=0).stdout == ccodesctl("version", check=0).stdout


def test_explain():
    causes = ccodesctl_json("explain")
    assert len(causes) > 20 and len({cause["code"] for cause in causes}) == len(causes)
    for cause in (causes[0], causes[-1]):
        assert ccodesctl_json("explain", cause["code"]) == cause
        text = ccodesctl("explain", cause["code"], check=0).stdout
        assert cause["code"] in text and cause["advice"][:40] in text
    assert "did you mean 'no-site'" in ccodesctl("explain", "nosite", check=1).stderr


def test_colours_only_where_wanted():
    def coloured(*words, **environment):
        return "\033[" in ccodesctl("explain", "no-site", *words, environment=environment, check=0).stdout

    assert not coloured()
    assert coloured("--color=always")
    assert coloured("--color=always", NO_COLOR="1")


def on_terminal(environment, words=("explain", "no-site"), columns=80):
    """What a terminal gets to see."""
    ours, its = os.openpty()
    termios.tcsetwinsize(its, (24, columns))
    process = subprocess.Popen([CCODESCTL, *words], stdout=its, stdin=subprocess.DEVNULL,
                               env={**os.environ, "TERM": "xterm", **environment})
    os.close(its)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(10) == 0
    return seen


def test_a_terminal_has_colours_unless_it_says_otherwise():
    environment = {"NO_COLOR": ""}
    assert b"\033[" in on_terminal(environment)
    assert b"\033[" not in on_terminal({"NO_COLOR": "1"})
    assert b"\033[" not in on_terminal({**environment, "TERM": "dumb"})


def test_a_narrow_terminal_gets_the_whole_help():
    def seen(text):
        return " ".join(text.split())

    for words in (["--help"], ["run", "--help"], ["logs", "--help"], ["explain"]):
        narrow = on_terminal({"NO_COLOR": "1"}, words, columns=60).decode()
        assert seen(narrow) == seen(ccodesctl(*words, check=0).stdout)
        assert max(len(line.rstrip()) for line in narrow.splitlines()) <= 60


@pytest.mark.parametrize("words", [["--version"], ["explain"], ["explain", "--json"], ["config", "schema"]],
                         ids=lambda words: " ".join(words))
def test_a_full_disk_is_noticed(words):
    with open("/dev/full", "w") as full:
        result = subprocess.run([CCODESCTL, *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (1, "ccodesctl: not all of it could be written\n")
