# SPDX-License-Identifier: Apache-2.0
"""Files stop at 800 lines and functions at 100; the largest of each are printed (CONTRIBUTING.md, "Size")."""

import json
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FILE_STOP, FUNCTION_STOP, SHOWN = 800, 100, 5
SUFFIXES = {".c", ".h", ".cc", ".py", ".ts", ".tsx", ".sh"}


def tracked():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout
    paths = [TOP / name for name in listing.decode().split("\0") if name]
    return [path for path in paths if path.suffix in SUFFIXES and path.exists()]


def largest(sizes, what, stop):
    sizes.sort(reverse=True)
    for lines, name in sizes[:SHOWN]:
        print(f"{lines:5} lines  {what} {name}")
    return [f"{name}: {lines} lines, the stop is {stop}" for lines, name in sizes if lines > stop]


def test_files():
    sizes = [(len(path.read_bytes().splitlines()), str(path.relative_to(TOP))) for path in tracked()]
    assert largest(sizes, "file", FILE_STOP) == []


def test_functions():
    files = [str(path) for path in tracked() if path.suffix in {".c", ".cc", ".h"}]
    tags = subprocess.run(["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=f", "--kinds-C++=f", "-f", "-",
                           *files], capture_output=True, text=True, check=True).stdout
    sizes = []
    for line in tags.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            name = f"{Path(tag['path']).relative_to(TOP)}:{tag['line']} {tag['name']}"
            sizes.append((tag["end"] - tag["line"] + 1, name))
    assert sizes
    assert largest(sizes, "function", FUNCTION_STOP) == []
