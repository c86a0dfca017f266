# SPDX-License-Identifier: Apache-2.0
"""--check is as strict as the start: what keeps a daemon from starting is said by both, in the same words."""

import os
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from cli import ccodesctl
from daemon import SANDBOX, SERVER, make_certificate

NOBODY = 65534
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without rights")


def become_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


class Configuration:
    """A configuration that starts, until a part of it is replaced."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "root").mkdir()
        make_certificate(folder, "own", "localhost")
        make_certificate(folder, "other", "localhost")
        self.text = f"""
[server]
{SANDBOX}
[[server.listener]]
name = "http"
address = "127.0.0.1:0"
[[server.listener]]
name = "https"
address = "127.0.0.1:0"
tls = true
[[certificate]]
name = "c"
certificate = "{folder}/own.pem"
key = "{folder}/own.key"
[[site]]
name = "s"
default = true
root = "{folder}/root"
"""
        self.log = f'[log.access]\ntarget = "file"\npath = "{folder}/access.log"\n'
        self.text += self.log

    def replace(self, old, new):
        assert old in self.text
        self.text = self.text.replace(old, new, 1)

    def run(self, *options, user=None):
        file = self.folder / "ccodes.toml"
        file.write_text(self.text)
        program = os.open(SERVER, os.O_RDONLY)  # a user without rights may not get at it by its path
        try:
            return subprocess.run([SERVER, "--config", file, *options], executable=f"/proc/self/fd/{program}",
                                  pass_fds=[program], capture_output=True, text=True, timeout=20, preexec_fn=user)
        finally:
            os.close(program)

    def check(self, **options):
        return self.run("--check", **options)

    def assert_refused(self, *words, status=1, user=None):
        """By the check and by the start, and for the same reason."""
        checked, started = self.check(user=user), self.run(user=user)
        assert (checked.returncode, started.returncode != 0) == (status, True), checked.stdout + checked.stderr
        for word in words:
            assert word in checked.stderr
        reason = checked.stderr.strip().removeprefix("ccodes-server: ")
        assert reason.count("\n") == 0 and reason in started.stderr, (reason, started.stderr)


@pytest.fixture
def configuration():
    """Its folder is where other users reach it, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        Path(folder).chmod(0o755)
        yield Configuration(Path(folder))


def test_what_starts_passes_and_leaves_nothing_behind(configuration):
    configuration.replace("127.0.0.1:0", f"unix:{configuration.folder}/http.sock")
    before = sorted(configuration.folder.iterdir())
    result = configuration.check()
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    assert "is valid" in result.stdout and "note" not in result.stdout
    assert sorted(configuration.folder.iterdir()) == sorted([*before, configuration.folder / "ccodes.toml"])


def test_no_listener(configuration):
    configuration.text = "[server]\nworkers = 1\n"
    configuration.assert_refused("no [[server.listener]] is configured")


@pytest.mark.parametrize("old, new, words", [
    ("/root\"", "/none\"", ["site 's'", "/none", "No such file"]),
    ("/own.pem", "/none.pem", ["certificate 'c'", "/none.pem", "No such file"]),
    ("/own.key", "/none.key", ["certificate 'c'", "/none.key", "No such file"]),
    ("/own.key", "/other.key", ["certificate 'c'", "other.key"]),
    ("/own.pem", "/root", ["certificate 'c'"]),
    ("/access.log", "/none/access.log", ["opening the access log", "/none/access.log", "No such file"]),
    ("/access.log", "/root", ["opening the access log", "Is a directory"]),
    ("tls = true", "tls = true\nclient_ca = \"/none/ca.pem\"", ["listener 'https'", "/none/ca.pem"]),
    ("127.0.0.1:0", "192.0.2.1:80", ["listener 'http'", "no address as in '192.0.2.1:80'"]),
    ("127.0.0.1:0", "unix:/nonexistent/x.sock", ["listener 'http'", "/nonexistent/x.sock", "No such file"]),
])
def test_a_place_that_is_not_there_or_not_right(configuration, old, new, words):
    configuration.replace(old, new)
    configuration.assert_refused(*words)


def test_a_file_in_the_way_of_a_socket(configuration):
    (configuration.folder / "file").touch()
    configuration.replace("127.0.0.1:0", f"unix:{configuration.folder}/file")
    configuration.assert_refused("listener 'http'", "is not a socket")


def test_an_address_in_use_by_another_program(configuration):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        configuration.replace("127.0.0.1:0", address)
        configuration.assert_refused("listener 'http'", f"{address} is in use by another program")


def test_an_address_in_use_by_the_service_itself(configuration, start):
    server = start(files={"a.txt": "a"})
    configuration.replace("127.0.0.1:0", f"127.0.0.1:{server.port}")
    result = configuration.check()
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    assert "note" not in result.stdout


@root_only
def test_what_depends_on_rights(configuration):
    """Without the right to look the check says so with a status of its own, in the words of the start."""
    for name in ("own.key", "own.pem"):
        (configuration.folder / name).chmod(0o644)
    configuration.replace(configuration.log, "")
    assert configuration.check(user=become_nobody).returncode == 0
    (configuration.folder / "own.key").chmod(0o600)
    configuration.assert_refused("own.key", "Permission denied", status=77, user=become_nobody)
    (configuration.folder / "own.key").chmod(0o644)
    configuration.text += configuration.log
    configuration.assert_refused("opening the access log", "Permission denied", status=77, user=become_nobody)


@root_only
def test_what_another_may_is_a_note(configuration):
    """Systemd opens port 80; and who holds a port that is in use is not shown to everybody."""
    for name in ("own.key", "own.pem"):
        (configuration.folder / name).chmod(0o644)
    configuration.replace(configuration.log, "")
    with socket.create_server(("127.0.0.1", 0)) as other:
        configuration.replace("127.0.0.1:0", f"127.0.0.1:{other.getsockname()[1]}")
        result = configuration.check(user=become_nobody)
        assert (result.returncode, result.stderr) == (0, "")
        assert "note: listener 'http': " in result.stdout and "cannot be seen with the rights" in result.stdout


def test_ccodesctl_hands_notes_and_faults_on(configuration):
    with socket.create_server(("127.0.0.1", 0)) as other:
        configuration.replace("127.0.0.1:0", f"127.0.0.1:{other.getsockname()[1]}")
        reason = configuration.check().stderr.strip().removeprefix("ccodes-server: ")
        result = ccodesctl("config", "check", "-c", configuration.folder / "ccodes.toml", check=1)
        assert reason in result.stderr


@root_only
def test_what_the_units_will_make_is_no_fault_of_the_system_configuration(configuration):
    """The folder of logs is made by systemd at the first start; any other has to be there."""
    def check():
        file = configuration.folder / "ccodes.toml"
        file.write_text(configuration.text)
        script = 'mount -t tmpfs none /etc && mkdir /etc/ccodes && cp "$1" /etc/ccodes/ccodes.toml && shift && exec "$@"'
        return subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", file, SERVER, "--check"],
                              capture_output=True, text=True, timeout=20)

    configuration.replace(f"{configuration.folder}/access.log", "/var/log/ccodes/access.log")
    result = check()
    assert (result.returncode, result.stderr) == (0, "")
    configuration.replace("/var/log/ccodes/", "/var/log/nowhere/")
    result = check()
    assert result.returncode == 1 and "opening the access log /var/log/nowhere/access.log" in result.stderr
