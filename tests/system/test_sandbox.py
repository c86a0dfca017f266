# SPDX-License-Identifier: Apache-2.0
"""The sandbox holds: somebody who took the daemon over can do next to nothing with it."""

import pytest
from intrusion import got_through, intrude
from server import ADMIN, CONFIG, ROOT, SERVICE, SOCKETS, STANDBY

MAY = {"getpid", "read a site's file"}
NO_WRITE = (ROOT, "/etc", "/etc/ccodes", "/usr/bin", "/var/tmp", "/var/lib", "/home", "/root", "/dev/shm")
EXPOSURE_LIMIT = 1.0
UNITS = (SERVICE, STANDBY, ADMIN, "ccodes-server-admin@standby.socket", "ccodes-server-activate.service", *SOCKETS,
         "ccodes.target", "ccodes.slice")


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


@pytest.mark.parametrize("unit", [SERVICE, STANDBY])
def test_the_exposure_is_low(server, unit, figure):
    out = server.machine.output("systemd-analyze", "security", "--no-pager", unit)
    line = next(line for line in out.splitlines() if "Overall exposure level" in line)
    exposure = float(line.rpartition(": ")[2].split()[0])
    figure(f"exposure of {unit} (at most {EXPOSURE_LIMIT})", exposure)
    assert exposure <= EXPOSURE_LIMIT, out


def test_the_units_are_clean(server):
    # The search path of its own accord leaves out what generators have made.
    result = server.machine.run("systemd-analyze", "verify", "--man=no", *UNITS,
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
