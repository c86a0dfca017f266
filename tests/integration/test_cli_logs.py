# SPDX-License-Identifier: Apache-2.0
"""ccodesctl logs, on a journal that is made for the test: what is shown, in which form, and until when."""

import json
import shutil
import subprocess
import time

import pytest

from cli import CCODESCTL, ccodesctl
from daemon import until

REMOTE = shutil.which("systemd-journal-remote", path="/lib/systemd:/usr/lib/systemd")
BOOT = "0123456789abcdef0123456789abcdef"
NOW = int(time.time())
UNIT, STANDBY = "ccodes-server.service", "ccodes-server@standby.service"


def entry(age, message, unit=UNIT, priority=6, **fields):
    return {"__REALTIME_TIMESTAMP": (NOW - age) * 1000000, "__MONOTONIC_TIMESTAMP": (NOW - age) * 1000000,
            "_BOOT_ID": BOOT, "_SYSTEMD_UNIT": unit, "SYSLOG_IDENTIFIER": unit.partition(".")[0], "_PID": 77,
            "PRIORITY": priority, "MESSAGE": message, **fields}


ENTRIES = [
    entry(7200, "two hours ago"),
    entry(600, "GET / 404", CCODES_CAUSE="no-site", CCODES_STATUS=404),
    entry(500, "GET /a 404", CCODES_CAUSE="file-not-found", CCODES_STATUS=404),
    entry(400, "of another unit", unit="nginx.service"),
    entry(300, "from the standby", unit=STANDBY, priority=4),
    entry(200, "Started ccodes-server.service", unit="init.scope", UNIT=UNIT, _PID=1, SYSLOG_IDENTIFIER="systemd"),
    entry(150, "systemd of another unit", unit="init.scope", UNIT="nginx.service", _PID=1),
    entry(100, "it broke", priority=3),
    entry(50, "first line\nsecond \033[31mline", CCODES_NOTE=b"\xff\x00raw"),
]


def export(entries):
    """The journal's export format."""
    out = b""
    for one in entries:
        for name, value in one.items():
            value = value if isinstance(value, bytes) else str(value).encode()
            if b"\n" in value or b"\0" in value:
                out += name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
            else:
                out += name.encode() + b"=" + value + b"\n"
        out += b"\n"
    return out


def write(folder, entries, name="system"):
    folder.mkdir(exist_ok=True)
    made = subprocess.run([REMOTE, "--output", folder / f"{name}.journal", "-"], input=export(entries),
                          capture_output=True)
    assert made.returncode == 0, made.stderr


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    if REMOTE is None:
        pytest.skip("there is no systemd-journal-remote (package of the same name) to make a journal with")
    folder = tmp_path_factory.mktemp("journal")
    write(folder, ENTRIES)
    return folder


@pytest.fixture
def messages(journal):
    def show(*words):
        out = ccodesctl("logs", "-D", journal, "--json", *words, check=0).stdout
        return [json.loads(line)["MESSAGE"] for line in out.splitlines()]

    return show


OURS = [one["MESSAGE"] for one in ENTRIES if "another" not in one["MESSAGE"]]


def test_entries_of_our_units_and_of_systemd_about_them(messages):
    assert messages() == OURS


def test_units(messages):
    assert messages("--unit", "server") == OURS
    assert messages("--unit", STANDBY) == ["from the standby"]
    assert messages("-u", "nginx.service") == ["of another unit", "systemd of another unit"]
    assert messages("-u", STANDBY, "-u", "nginx.service") == ["of another unit", "from the standby",
                                                              "systemd of another unit"]


def test_lines(messages):
    assert messages("-n", 2) == OURS[-2:]
    assert messages("--lines", 0) == []
    assert messages("--lines", "all") == OURS
    assert messages("-n", 1000) == OURS


def test_times(messages):
    def ago(seconds):  # however long ago this file was loaded
        return f"@{NOW - seconds}"

    assert messages("--since", "90min") == OURS[1:]
    assert messages("--until", "90min ago") == OURS[:1]
    assert messages("--since", ago(3600), "--until", ago(280)) == OURS[1:4]
    assert messages("--since", ago(100)) == OURS[-2:]
    assert messages("--since", ago(3600), "-n", 1) == OURS[-1:]
    assert messages("--since", ago(60), "-n", 3) == OURS[-1:]
    assert messages("--since", ago(-10)) == []


def test_priorities(messages):
    assert messages("-p", "warning") == ["from the standby", "it broke"]
    assert messages("-p", "3") == ["it broke"]
    assert messages("-p", "emerg") == []
    assert messages("-p", "debug") == OURS


def test_fields(messages):
    assert messages("CCODES_CAUSE=no-site") == ["GET / 404"]
    assert messages("CCODES_CAUSE=no-site", "CCODES_CAUSE=file-not-found") == ["GET / 404", "GET /a 404"]
    assert messages("CCODES_CAUSE=no-site", "CCODES_STATUS=404") == ["GET / 404"]
    assert messages("CCODES_CAUSE=no-site", "CCODES_STATUS=200") == []
    assert messages("CCODES_STATUS=404", "-u", STANDBY) == []


def test_a_field_that_is_none(journal):
    for field in ("cause", "lower=x", "=x", ""):
        assert "FIELD=VALUE" in ccodesctl("logs", "-D", journal, field, check=1).stderr


def test_json_has_every_field(journal):
    line = ccodesctl("logs", "-D", journal, "--json", "-n", 1, check=0).stdout
    last = json.loads(line)
    assert last["PRIORITY"] == "6" and last["_SYSTEMD_UNIT"] == UNIT and last["__CURSOR"]
    assert last["__REALTIME_TIMESTAMP"] == str((NOW - 50) * 1000000)
    assert last["CCODES_NOTE"] == "\ufffd\0raw"


def test_text(journal):
    out = ccodesctl("logs", "-D", journal, check=0).stdout
    when = time.strftime("%b %d %H:%M:%S", time.localtime(NOW - 100))
    assert f"{when} ccodes-server[77]: it broke\n" in out
    assert "ccodes-server[77]: first line\n                second \\x1b[31mline\n" in out


def test_no_entries_say_so(journal, tmp_path):
    assert "No entries" in ccodesctl("logs", "-D", journal, "CCODES_CAUSE=none", check=0).stderr
    assert str(tmp_path / "none") in ccodesctl("logs", "-D", tmp_path / "none", check=1).stderr


def test_follow(journal, tmp_path):
    folder = tmp_path / "journal"
    shutil.copytree(journal, folder)
    with (tmp_path / "out").open("wb") as out:
        follower = subprocess.Popen([CCODESCTL, "logs", "-D", folder, "--json", "--follow", "-n", "1"], stdout=out)
    try:
        def seen():
            return [json.loads(line)["MESSAGE"] for line in (tmp_path / "out").read_text().splitlines()]

        until(lambda: seen() == OURS[-1:], "the last entry is shown")
        write(folder, [entry(-60, "new"), entry(-61, "of another unit", unit="nginx.service"), entry(-62, "newer")],
              name="more")
        until(lambda: seen()[1:] == ["new", "newer"], "new entries are shown")
        assert follower.poll() is None
    finally:
        follower.terminate()
        follower.wait(10)


def test_a_follower_ends_with_its_reader(journal):
    follower = subprocess.Popen([CCODESCTL, "logs", "-D", journal, "--follow"], stdout=subprocess.PIPE, text=True)
    assert follower.stdout.readline()
    follower.stdout.close()
    assert follower.wait(10) == 0
