# SPDX-License-Identifier: Apache-2.0
"""ccodesctl on a real system: what it says of the units, and what it does to them over D-Bus."""

import json

import pytest
from server import CONFIG, SERVICE, SOCKETS


def test_status_shows_the_service_and_its_sockets(server):
    server.started()
    text = server.machine.output("ccodesctl", "status")
    for word in ("ccodes-server", "active", "80", "443"):
        assert word in text
    assert "\x1b" not in text, "colours only on a terminal"
    json.loads(server.machine.output("ccodesctl", "status", "--json"))


def test_status_of_a_service_that_waits(server):
    server.stop()
    assert "ccodes-server" in server.machine.run("ccodesctl", "status", check=False).out
    assert server.state() == "inactive", "looking must not start it"


def test_config_check(server):
    assert server.machine.run("ccodesctl", "config", "check").ok
    server.write_config(CONFIG + "\n[serverr]\n")
    result = server.machine.run("ccodesctl", "config", "check", check=False)
    assert not result.ok and "[serverr]" in result.err and "[server]" in result.err


@pytest.mark.parametrize("verb, state", [("stop", "inactive"), ("start", "active"), ("restart", "active")])
def test_start_stop_restart(server, verb, state):
    server.started()
    server.machine.run("ccodesctl", verb, timeout=90)
    assert server.state() == state


def test_disable_and_enable(server):
    machine = server.machine
    server.started()
    machine.run("ccodesctl", "disable", timeout=90)
    assert server.state() == "inactive"
    assert not server.curl("http://127.0.0.1/", check=False).ok
    machine.run("ccodesctl", "enable", timeout=90)
    for unit in SOCKETS:
        assert server.state(unit) == "active"
    assert server.get("http://localhost/small.txt").status == 200
    assert server.state(SERVICE) == "active"
