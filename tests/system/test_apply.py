# SPDX-License-Identifier: Apache-2.0
"""ccodesctl apply: addresses come, go and change while the others are served; a failing step leaves a serving instance."""

import json

import pytest
from server import CONFIG, SERVICE, SOCKETS, STANDBY

MORE = '\n[[server.listener]]\nname = "more"\naddress = "127.0.0.1:{}"\n'
MORE_SOCKET = "ccodes-server-more.socket"


@pytest.fixture
def changed(server):
    """The test changes the configuration: the next one gets it back."""
    yield server
    server.machine.run("systemctl", "stop", MORE_SOCKET, "ccodes-server-http.socket", SERVICE, STANDBY, check=False)
    server.forget_units()


def apply(server, text, check=True):
    server.write_config(text)
    return server.machine.run("ccodesctl", "apply", timeout=90, check=check)


def answers(server, port):
    return server.curl(f"http://127.0.0.1:{port}/small.txt", check=False).ok


def settled(server):
    assert (server.state(), server.state(STANDBY)) == ("active", "inactive")
    assert server.failed_units() == ""


def test_a_listener_comes_changes_and_goes(changed):
    changed.started()
    with changed.load() as report:
        apply(changed, CONFIG + MORE.format(8080))
        assert answers(changed, 8080)
        apply(changed, CONFIG + MORE.format(8081))
        assert answers(changed, 8081) and not answers(changed, 8080)
        apply(changed, CONFIG)
        assert not answers(changed, 8081)
        assert changed.state(MORE_SOCKET) == "inactive"
    assert report["lost"] == 0, report["examples"]
    settled(changed)


def test_an_address_changes_after_a_reload_of_systemd(changed):
    """Which takes the socket away from the unit that is called active all the same."""
    changed.started()
    apply(changed, CONFIG + MORE.format(8080))
    with changed.load() as report:
        changed.write_config(CONFIG + MORE.format(8081))
        changed.machine.run("systemctl", "daemon-reload")
        changed.machine.run("ccodesctl", "apply", timeout=90)
    assert report["lost"] == 0, report["examples"]
    assert answers(changed, 8081) and not answers(changed, 8080)
    settled(changed)


def test_every_address_changes(changed):
    changed.started()
    apply(changed, CONFIG.replace('"80"', '"8080"').replace('"443"', '"8443"'))
    assert answers(changed, 8080) and not answers(changed, 80)
    assert changed.curl("https://localhost:8443/small.txt", check=False).ok
    settled(changed)
    apply(changed, CONFIG)
    assert answers(changed, 80)


def test_a_service_that_does_not_run_is_started(changed):
    changed.stop()
    result = apply(changed, CONFIG + MORE.format(8080))
    assert "starting" in result.err
    assert answers(changed, 8080)
    settled(changed)


def test_sockets_that_went_stale_while_it_did_not_run(changed):
    changed.started()
    changed.stop()
    apply(changed, CONFIG.replace('"80"', '"8080"'))
    assert answers(changed, 8080) and not answers(changed, 80)
    settled(changed)


def test_a_standby_that_cannot_start(changed):
    pid = changed.started()
    changed.machine.script(f"""
        mkdir -p /run/systemd/system/ccodes-server@.service.d
        printf '[Service]\\nExecStartPre=/bin/sh -c "echo no luck today; exit 3"\\n' \\
            > /run/systemd/system/ccodes-server@.service.d/99-test.conf
    """)
    try:
        result = apply(changed, CONFIG.replace("max-age=0", "max-age=5"), check=False)
        assert result.code == 1
        assert "no luck today" in result.err, "the journal's last lines say why"
        assert f"{SERVICE} serves on as before" in result.err
        assert changed.main_pid() == pid and answers(changed, 80)
        assert changed.state(STANDBY) in ("inactive", "failed"), "it is not tried for ever"
    finally:
        changed.machine.script(f"""
            rm -r /run/systemd/system/ccodes-server@.service.d
            systemctl daemon-reload
            systemctl reset-failed {STANDBY} || true
        """)
    apply(changed, CONFIG)
    settled(changed)


def test_a_main_instance_that_cannot_come_back(changed):
    changed.started()
    changed.machine.script("""
        mkdir -p /run/systemd/system/ccodes-server.service.d
        printf '[Service]\\nExecStartPre=/bin/false\\n' > /run/systemd/system/ccodes-server.service.d/99-test.conf
    """)
    try:
        result = apply(changed, CONFIG, check=False)
        assert result.code == 1 and f"{STANDBY} serves" in result.err
        assert changed.state(STANDBY) == "active" and answers(changed, 80)
    finally:
        changed.machine.script("""
            rm -r /run/systemd/system/ccodes-server.service.d
            systemctl daemon-reload
        """)
    apply(changed, CONFIG)
    settled(changed)


def test_it_takes_root(changed):
    changed.started()
    result = changed.machine.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ccodesctl", "apply",
                                 check=False)
    assert result.code == 4 and "sudo" in result.err
    assert answers(changed, 80)


def test_status_shows_all_of_it(changed):
    changed.started()
    told = json.loads(changed.machine.output("ccodesctl", "status", "--json"))
    service = next(service for service in told["services"] if service["service"] == "server")
    assert service["active"] == "active" and service["pid"] == changed.main_pid()
    assert service["status"]["pid"] == service["pid"] and service["enabled"] == "enabled"
    sockets = {socket["unit"]: socket["addresses"] for socket in told["sockets"]}
    assert sockets["ccodes-server-admin.socket"] == "/run/ccodes/server.sock"
    assert {sockets[unit] for unit in SOCKETS} == {"[::]:80", "[::]:443"}


def test_status_for_those_who_may_not_connect(changed):
    changed.started()
    result = changed.machine.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ccodesctl", "status")
    assert "active (running)" in result.out and "no right to connect" in result.out


def test_a_reload_by_systemd_is_said_once(changed):
    changed.started()
    cursor = changed.machine.journal_cursor()
    changed.machine.run("systemctl", "reload", SERVICE)
    changed.write_config(CONFIG + "[serverr]\n")
    assert not changed.machine.run("systemctl", "reload", SERVICE, check=False).ok
    text = [entry["MESSAGE"] for entry in changed.machine.journal("--unit=ccodes-server", since=cursor)]
    assert len([line for line in text if "nothing has changed" in line]) == 1
    assert len([line for line in text if "[serverr]" in line]) == 1


def test_a_start_that_fails_says_why(changed):
    changed.started()
    changed.stop()
    changed.write_config(CONFIG + "[serverr]\n")
    result = changed.machine.run("ccodesctl", "start", timeout=90, check=False)
    assert result.code == 1 and "[serverr]" in result.err, result
    changed.write_config(CONFIG)
    changed.machine.run("systemctl", "stop", SERVICE, check=False)
    changed.machine.run("systemctl", "reset-failed", check=False)
    changed.machine.run("ccodesctl", "start", timeout=90)
    settled(changed)
