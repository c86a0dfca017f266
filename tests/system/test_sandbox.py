# SPDX-License-Identifier: Apache-2.0
"""The sandbox holds: somebody who took the daemon over can do next to nothing with it."""

import contextlib
import dataclasses

import pytest
from intrusion import got_through, intrude
from protocols import Http2, open_websocket
from server import ADMIN, CONFIG, ROOT, SERVICE, SOCKETS, STANDBY

NO_WRITE = ("/etc", "/etc/ccodes", "/usr/bin", "/var/tmp", "/var/lib", "/home", "/root", "/dev/shm")


@dataclasses.dataclass(frozen=True)
class Daemon:
    """What a daemon may do even when it is taken over, and what its units are to be like."""
    service: str
    exposure: float  # at most, as systemd-analyze security counts
    readable: str  # a file that it may read; made by the test
    may: frozenset = frozenset({"getpid", "read its own file"})
    no_write: tuple = NO_WRITE
    more_services: tuple = ()
    more_units: tuple = ()


# A daemon more is a row more.
DAEMONS = [
    Daemon(SERVICE, 1.0, readable=f"{ROOT}/to-be-kept", no_write=(ROOT, *NO_WRITE), more_services=(STANDBY,),
           more_units=(ADMIN, "ccodes-server-admin@standby.socket", "ccodes-server-activate.service", *SOCKETS,
                       "ccodes.target", "ccodes.slice")),
    Daemon("ccodes-auth.service", 1.5, readable="/etc/ccodes/to-be-kept", no_write=("/run/ccodes", "/var/lib/ccodes", *NO_WRITE),
           more_units=("ccodes-auth-accounts.socket", "ccodes-auth-admin.socket", "ccodes-auth-grants.socket")),
]
SERVICES = [(unit, daemon.exposure) for daemon in DAEMONS for unit in (daemon.service, *daemon.more_services)]
each_daemon = pytest.mark.parametrize("daemon", DAEMONS, ids=lambda daemon: daemon.service)


def running(machine, unit):
    """The unit's main process; starts it if need be."""
    machine.run("systemctl", "start", unit)
    return machine.output("systemctl", "show", "--property=MainPID", "--value", unit)


@each_daemon
def test_a_taken_over_daemon_can_do_next_to_nothing(server, daemon):
    machine = server.machine
    machine.run("touch", daemon.readable)
    results = intrude(machine, lambda: running(machine, daemon.service), daemon.readable, daemon.no_write)
    assert got_through(results) == daemon.may, results
    assert machine.run("test", "-e", daemon.readable).ok
    running(machine, daemon.service)
    assert server.get("http://localhost/small.txt").status == 200


def test_nor_while_its_libraries_are_at_work(server):
    """HTTP/2 and WebSockets bring libraries of others into the process: nothing more is open while they are used."""
    machine = server.machine
    daemon = DAEMONS[0]
    machine.run("touch", daemon.readable)

    def busy():
        pid = running(machine, SERVICE)
        client = stack.enter_context(contextlib.closing(Http2(server)))
        assert client.get("/small.txt").startswith(b"small file")
        stack.enter_context(open_websocket(server))
        return pid

    with contextlib.ExitStack() as stack:
        results = intrude(machine, busy, daemon.readable, daemon.no_write)
    assert got_through(results) == daemon.may, results


@each_daemon
def test_the_process_has_no_rights(server, daemon):
    status = server.machine.get(f"/proc/{running(server.machine, daemon.service)}/status").decode()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert "0" not in fields["Uid"].split() and "0" not in fields["Gid"].split()
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[capabilities], 16) == 0, capabilities
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


@pytest.mark.parametrize("unit, limit", SERVICES, ids=[unit for unit, _ in SERVICES])
def test_the_exposure_is_low(server, unit, limit, figure):
    out = server.machine.output("systemd-analyze", "security", "--no-pager", unit)
    line = next(line for line in out.splitlines() if "Overall exposure level" in line)
    exposure = float(line.rpartition(": ")[2].split()[0])
    figure(f"exposure of {unit} (at most {limit})", exposure)
    assert exposure <= limit, out


@each_daemon
def test_the_units_are_clean(server, daemon):
    # The search path of its own accord leaves out what generators have made.
    units = (daemon.service, *daemon.more_services, *daemon.more_units)
    result = server.machine.run("systemd-analyze", "verify", "--man=no", *units,
                                environment={"SYSTEMD_UNIT_PATH": "/run/systemd/generator:"}, check=False)
    ours = [line for line in (result.out + result.err).splitlines() if "ccodes" in line]
    assert result.ok and not ours, ours


@pytest.fixture
def opened(server):
    """The test opens the sandbox for places of its configuration."""
    yield server
    server.write_config(CONFIG)
    server.machine.run("ccodesctl", "apply", timeout=90)


def test_a_site_in_a_home_is_all_that_is_seen_of_it(opened):
    machine = opened.machine
    machine.script("""
        mkdir -p /home/ada/www
        echo public >/home/ada/www/page.txt
        echo private >/home/ada/diary.txt
        chmod -R a+rX /home/ada
    """)
    opened.started()
    opened.write_config(CONFIG + '\n[[site]]\nname = "ada"\nhosts = ["ada.example"]\nroot = "/home/ada/www"\n')
    machine.run("ccodesctl", "apply", timeout=90)
    assert opened.get("http://127.0.0.1/page.txt", "--header", "Host: ada.example").body == "public\n"
    assert opened.get("http://127.0.0.1/diary.txt", "--header", "Host: ada.example").status == 404
    seen = f"/proc/{opened.main_pid()}/root/home/ada"
    assert machine.output("find", seen, "-printf", "%P\\n").split() == ["www", "www/page.txt"]


def test_a_log_file_is_written_where_the_configuration_says(opened):
    machine = opened.machine
    machine.script("mkdir -p /srv/ccodes-tests-log; chown ccodes-server:ccodes /srv/ccodes-tests-log")
    file = "/srv/ccodes-tests-log/access.json"
    opened.started()
    opened.write_config(f'{CONFIG}\n[log.access]\ntarget = "file"\npath = "{file}"\nformat = "json"\n')
    machine.run("ccodesctl", "apply", timeout=90)
    opened.get("http://localhost/small.txt?to-a-file")
    machine.wait_until(lambda: machine.run("grep", "-q", "to-a-file", file, check=False).ok, f"the entry in {file}")
