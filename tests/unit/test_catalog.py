# SPDX-License-Identifier: Apache-2.0
"""The journal's catalogue: an entry for each MESSAGE_ID, fit to be read, with fields that exist, and in a form that
systemd's own parser takes."""
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATALOG = ROOT / "policy" / "ccodes.catalog"
HEADER = ROOT / "src" / "shared" / "message_id.h"


def message_ids():
    return dict(re.findall(r'^#define (MESSAGE_ID_\w+) "([^"]*)"$', HEADER.read_text(), re.MULTILINE))


def parse(text):
    """Yields (name in the comment, id, headers, body), strictly in the form that our entries have."""
    _, *parts = re.split(r"(?m)^# (?=MESSAGE_ID_)", text)
    for part in parts:
        match = re.fullmatch(r"(MESSAGE_ID_\w+)\n-- (\w+)\n((?:[A-Z][\w-]*: [^\n]+\n)+)\n(.+)", part.rstrip("\n"), re.DOTALL)
        assert match, f"not of our form:\n{part}"
        yield match[1], match[2], dict(line.split(": ", 1) for line in match[3].splitlines()), match[4]


ENTRIES = list(parse(CATALOG.read_text()))


def test_every_message_id_has_one_entry_in_the_same_order():
    assert [(name, number) for name, number, _, _ in ENTRIES] == list(message_ids().items())
    assert len(re.findall(r"(?m)^-- ", CATALOG.read_text())) == len(ENTRIES)


def test_message_ids_are_random():
    numbers = list(message_ids().values())
    assert len(numbers) == len(set(numbers)) > 10
    for number in numbers:
        assert re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", number), f"{number} is not of systemd-id128 new"


@pytest.mark.parametrize("name, headers, body", [(name, headers, body) for name, _, headers, body in ENTRIES])
def test_entries_say_what_happened_and_what_to_do(name, headers, body):
    assert list(headers) == ["Subject", "Defined-By", "Support"]
    assert headers["Defined-By"] == "Container Codes"
    assert headers["Subject"][0].isupper() and not headers["Subject"].endswith(".") and len(headers["Subject"]) <= 72
    paragraphs = body.split("\n\n")
    assert len(paragraphs) == 2, "one paragraph for what happened, one for what to do"
    for paragraph in paragraphs:
        assert paragraph.endswith("."), f"{name}: no end of a sentence"
    assert all(len(line) <= 88 and line == line.strip() for line in body.splitlines())


def test_fields_are_written_by_the_code():
    sources = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.c"))
    for field in sorted(set(re.findall(r"@(\w+)@", CATALOG.read_text()))):
        assert f'"{field}"' in sources, f"nothing in src writes the field {field}"


def test_systemd_takes_the_catalogue(tmp_path):
    if not shutil.which("journalctl"):
        pytest.skip("journalctl is not installed")
    folder = tmp_path / "usr/lib/systemd/catalog"
    folder.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(CATALOG, folder)

    def journalctl(*arguments):
        run = subprocess.run(["journalctl", f"--root={tmp_path}", *arguments], capture_output=True, text=True, check=False)
        assert run.returncode == 0 and not run.stderr, run.stderr
        return run.stdout

    journalctl("--update-catalog")
    for _, number, headers, body in ENTRIES:
        lines = [f"{key}: {value}" for key, value in headers.items()]
        assert journalctl("--dump-catalog", number).rstrip("\n") == "\n".join([f"-- {number}", *lines, "", body])
    assert len(journalctl("--list-catalog").splitlines()) == len(ENTRIES)
