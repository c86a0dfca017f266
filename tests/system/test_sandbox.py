# SPDX-License-Identifier: Apache-2.0
"""The sandbox holds: somebody who took the daemon over can do next to nothing with it."""

from intrusion import got_through, intrude
from server import ROOT, SERVICE, SOCKETS, STANDBY

MAY = {"getpid", "read a site's file"}
NO_WRITE = (ROOT, "/etc", "/etc/ccodes", "/usr/bin", "/var/tmp", "/var/lib", "/home", "/root", "/dev/shm")
EXPOSURE_LIMIT = 1.0


def test_a_taken_over_daemon_can_do_next_to_nothing(server):
    machine = server.machine
    kept = f"{ROOT}/to-be-kept"
    machine.run("touch", kept)
    results = intrude(machine, server.started, kept, NO_WRITE)
    assert got_through(results) == MAY, results
    assert machine.run("test", "-e", kept).ok
    assert server.get("http://localhost/small.txt").status == 200


def test_the_process_has_no_rights(server):
    status = server.machine.get(f"/proc/{server.started()}/status").decode()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert "0" not in fields["Uid"].split() and "0" not in fields["Gid"].split()
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[capabilities], 16) == 0, capabilities
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


def test_the_exposure_is_low(server):
    out = server.machine.output("systemd-analyze", "security", "--no-pager", SERVICE)
    line = next(line for line in out.splitlines() if "Overall exposure level" in line)
    assert float(line.rpartition(": ")[2].split()[0]) <= EXPOSURE_LIMIT, out


def test_the_units_are_clean(server):
    # The search path of its own accord leaves out what generators have made.
    result = server.machine.run("systemd-analyze", "verify", "--man=no", SERVICE, STANDBY, *SOCKETS, "ccodes.target",
                                environment={"SYSTEMD_UNIT_PATH": "/run/systemd/generator:"}, check=False)
    ours = [line for line in (result.out + result.err).splitlines() if "ccodes" in line]
    assert result.ok and not ours, ours
