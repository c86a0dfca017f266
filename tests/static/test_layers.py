# SPDX-License-Identifier: Apache-2.0
"""No file includes a layer above its own, and no daemon includes another (docs/architecture.md, "Layers")."""

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# What each folder of src may include, besides itself.
MAY_INCLUDE = {
    "shared": set(),
    "config": {"shared"},
    "store": {"shared", "config"},
    "tls": {"shared", "config"},
    "http": {"shared", "config", "tls"},
    "daemon": {"shared", "config", "tls", "http"},
    "server": {"shared", "config", "store", "tls", "http", "daemon"},
    "proxy": {"shared", "config", "store", "tls", "http", "daemon"},
    "auth": {"shared", "config", "store", "tls", "http", "daemon"},
    "jobs": {"shared", "config", "store", "tls", "http", "daemon"},
    "spawn": {"shared", "config"},
    "containers": {"shared", "config", "store", "tls", "http", "daemon"},
    "certs": {"shared", "config", "store", "tls", "http"},
    "cli": {"shared", "config", "tls", "http"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z0-9_]+)/', re.MULTILINE)


def sources():
    return [path for path in (TOP / "src").rglob("*") if path.suffix in (".c", ".h", ".cc")]


def test_every_folder_is_known():
    folders = {path.relative_to(TOP / "src").parts[0] for path in sources()}
    assert folders <= set(MAY_INCLUDE)


def test_no_include_points_upwards():
    wrong = []
    for path in sources():
        layer = path.relative_to(TOP / "src").parts[0]
        for included in INCLUDE.findall(path.read_text()):
            if included != layer and included not in MAY_INCLUDE[layer]:
                wrong.append(f"{path.relative_to(TOP)} includes {included}/")
    assert wrong == []


def test_headers_do_not_include_each_other_in_a_circle():
    graph = {}
    for path in sources():
        name = str(path.relative_to(TOP / "src"))
        graph[name] = [i for i in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE)]
    state = {}

    def visit(name, trail):
        if state.get(name) == "done" or name not in graph:
            return
        assert name not in trail, " -> ".join([*trail, name])
        for included in graph[name]:
            visit(included, [*trail, name])
        state[name] = "done"

    for name in graph:
        visit(name, [])
