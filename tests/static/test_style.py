# SPDX-License-Identifier: Apache-2.0
"""What every source file has: the licence's line, the format that .clang-format fixes, no forbidden shapes."""

import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
FORMAT_VERSION = 14  # of clang-format in Debian 12; others format differently


def tracked(*suffixes):
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout
    paths = [TOP / name for name in listing.decode().split("\0") if name]
    return [path for path in paths if path.suffix in suffixes and path.exists()]


def clang_format():
    for name in (f"clang-format-{FORMAT_VERSION}", "clang-format"):
        try:
            version = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
        except (FileNotFoundError, subprocess.CalledProcessError):
            continue
        if f"version {FORMAT_VERSION}." in version:
            return name
    return None


def test_format():
    program = clang_format()
    if program is None:
        pytest.skip(f"clang-format {FORMAT_VERSION} is not packaged here: other versions format differently")
    files = tracked(".c", ".h", ".cc")
    result = subprocess.run([program, "--dry-run", "--Werror", *map(str, files)], capture_output=True, text=True)
    wrong = sorted({line.split(":")[0] for line in result.stderr.splitlines() if ": error:" in line})
    assert wrong == [], "run clang-format -i on these"


def test_licence_line():
    without = [str(path.relative_to(TOP)) for path in tracked(".c", ".h", ".cc", ".py", ".ts", ".tsx", ".sh")
               if "SPDX-License-Identifier: Apache-2.0" not in path.read_text()[:400]]
    assert without == []


def test_each_c_file_says_what_it_owns():
    silent = []
    for path in tracked(".c", ".cc"):
        if not re.match(r"(/\*|//) SPDX[^\n]*\n\n?(/\*|//)", path.read_text()):
            silent.append(str(path.relative_to(TOP)))
    assert silent == []


def test_no_drawer_files():
    drawers = [str(path.relative_to(TOP)) for path in tracked(".c", ".h")
               if path.stem in {"utils", "util", "common", "misc", "helpers"}]
    assert drawers == []


def test_structs_are_not_hidden():
    hidden = []
    for path in tracked(".c", ".h"):
        if re.search(r"^typedef (struct|union|enum)\b", path.read_text(), re.MULTILINE):
            hidden.append(str(path.relative_to(TOP)))
    assert hidden == []
