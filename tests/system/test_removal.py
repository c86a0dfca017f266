# SPDX-License-Identifier: Apache-2.0
"""Removing the package leaves nothing running, purging it nothing of its own, and neither touches what is not its own.

Runs last: afterwards the machine has no package.
"""

import pytest
from server import CONFIG_FILE, FILES, ROOT

DATA = ("/var/lib/ccodes/uploads/somebody/photo.jpg", "/var/lib/ccodes/jobs.db")
USERS = "/var/lib/ccodes/auth/users.sqlite"
NOT_OURS = (*DATA, USERS, f"{ROOT}/index.html")
OURS = ("/etc/ccodes", "/var/cache/ccodes", "/var/log/ccodes", "/run/ccodes")
KEYS = "/var/lib/ccodes/auth/grant-keys.secret"  # that sign grants, worth nothing without the daemon


@pytest.fixture(scope="module")
def package_names(installed, packages):
    names = [installed.output("dpkg-deb", "--field", f"{FILES}/{package.name}", "Package")
             for package in packages]
    yield names


def traces(machine):
    """Processes, units and sockets of ours."""
    found = machine.output("systemctl", "list-units", "--all", "--plain", "--no-legend", "ccodes*").splitlines()
    found += machine.output("systemctl", "list-unit-files", "--no-legend", "ccodes*").splitlines()
    found += machine.output("pgrep", "--full", "--list-full", "/ccodes-|^ccodes", check=False).splitlines()
    found += machine.output("ss", "--listening", "--tcp", "--numeric", "--no-header").splitlines()
    # The rig's own.
    return [line for line in found if "ccodes-tests" not in line]


def test_removal_leaves_no_process_and_no_unit(server, package_names):
    machine = server.machine
    server.started()
    server.get("http://localhost/small.txt")
    for path in DATA:
        machine.put(path, "keep me")
    for path in OURS:
        machine.put(f"{path}/left-behind", "not to be kept")
    assert traces(machine)
    machine.run("curl", "--fail", "--silent", "--unix-socket", "/run/ccodes/auth-accounts.sock", "http://localhost/users")
    for path in (USERS, KEYS):
        assert machine.run("test", "-e", path).ok
    machine.run("apt-get", "-qy", "remove", *package_names, environment={"DEBIAN_FRONTEND": "noninteractive"},
                timeout=120)
    # Debian keeps the links that enable a unit until the purge: they are known by name, and lead nowhere.
    assert [line for line in traces(machine) if " not-found " not in line] == []
    assert not machine.run("curl", "--silent", "http://127.0.0.1/", check=False).ok
    assert machine.run("test", "-e", CONFIG_FILE).ok, "the configuration stays until the purge"
    assert machine.output("systemctl", "list-units", "--failed", "--plain", "--no-legend") == ""


def test_purging_removes_what_is_ours_and_nothing_else(installed, package_names):
    machine = installed
    if machine.output("dpkg-query", "--show", "--showformat=${Status}", "ccodes").endswith(" installed"):
        machine.run("apt-get", "-qy", "remove", *package_names, timeout=120)
    machine.run("apt-get", "-qy", "purge", *package_names, environment={"DEBIAN_FRONTEND": "noninteractive"},
                timeout=120)
    for path in (*OURS, KEYS):
        assert not machine.run("test", "-e", path, check=False).ok, path
    for path in NOT_OURS:
        assert machine.run("test", "-e", path, check=False).ok, path
    assert machine.run("dpkg-query", "--show", "ccodes", check=False).code != 0
    assert machine.output("find", "/etc", "-name", "*ccodes*", "-not", "-name", "*ccodes-tests*") == ""
    assert traces(machine) == []
