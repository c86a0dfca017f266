# SPDX-License-Identifier: Apache-2.0
"""Role sockets: a daemon without listeners (role_daemon.c), from the foreground and from passed sockets."""

import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from daemon import BUILD, SANDBOX, ask, listening_socket, start_with_sockets, until

PROGRAM = BUILD / "tests/integration/role-daemon"
STRANGER, GROUP = 65534, 12345

ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
while data := s.recv(4096):
    sys.stdout.write(data.decode())
"""


class RoleDaemon:
    def __init__(self, folder):
        self.folder, self.config, self.log_file = folder, folder / "ccodes.toml", folder / "log"
        self.process = None
        self.configure()

    def configure(self, drain="30s", more=""):
        self.config.write_text(f'[server]\ndrain_timeout = "{drain}"\n{SANDBOX}\n{more}')

    def start(self, passed=None, options=("--state",)):
        words = [PROGRAM, "--config", self.config, *(word for option in options for word in (option, self.folder))]
        with self.log_file.open("ab") as log:
            self.process = (start_with_sockets(passed, words, log) if passed else
                            subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        return self

    def socket(self, role=None):
        return self.folder / (f"server-{role}.sock" if role else "server.sock")

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        try:
            return ask(self.socket(), "GET", "/readyz").status == 200
        except OSError:
            return False

    def ready(self):
        until(self.is_ready, "the daemon is ready")
        return self

    def who(self, role="who", target="/"):
        return json.loads(ask(self.socket(role), "GET", target).body)

    def log(self):
        return self.log_file.read_text()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(15)
        return self.process and self.process.returncode


@pytest.fixture
def daemon():
    """Its folder is where other users reach it, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="roles-") as folder:
        Path(folder).chmod(0o755)
        started = RoleDaemon(Path(folder))
        yield started
        assert started.stop() in (0, None), started.log()


def test_each_role_has_its_socket_and_permissions(daemon):
    daemon.start().ready()
    assert {role: stat.S_IMODE(daemon.socket(role).stat().st_mode) for role in ("who", "owner", None)} == {
        "who": 0o666, "owner": 0o600, None: 0o660}
    assert daemon.who("who")["role"] == "who"
    assert daemon.who("owner")["role"] == "owner"
    roles = status(daemon)["roles"]
    assert roles == [{"name": name or "admin", "address": f"unix:{daemon.socket(name)}"}
                     for name in (None, "who", "owner")]
    until(lambda: f"serves unix:{daemon.socket('who')}, unix:{daemon.socket('owner')}\n" in daemon.log(), "it says so")
    assert (daemon.folder / "kept").exists(), "the state folder is the daemon's in the sandbox too"


def test_a_handler_knows_who_asks(daemon, monkeypatch):
    monkeypatch.setenv("TEST_GROUP", str(GROUP))
    daemon.start().ready()
    mine = daemon.who()
    assert (mine["pid"], mine["uid"], mine["gid"]) == (os.getpid(), os.getuid(), os.getgid())
    assert mine["in_group"] is (GROUP in os.getgroups())
    if os.getuid() != 0:
        pytest.skip("only root can ask as somebody else")

    def somebody(groups):
        os.setgroups(groups)
        os.setgid(STRANGER)
        os.setuid(STRANGER)

    # More groups than any buffer of a sensible size, ours last; and the same without it.
    for groups, member in ((list(range(20000, 20400)) + [GROUP], True), ([GROUP + 1], False), ([], False)):
        result = subprocess.run(["python3", "-c", ASK, daemon.socket("who")], capture_output=True, text=True,
                                preexec_fn=lambda: somebody(groups), check=True)
        answer = json.loads(result.stdout.splitlines()[-1])
        assert (answer["uid"], answer["gid"], answer["in_group"]) == (STRANGER, STRANGER, member)
    result = subprocess.run(["python3", "-c", ASK, daemon.socket("owner")], capture_output=True, text=True,
                            preexec_fn=lambda: somebody([]))
    assert "PermissionError" in result.stderr, "the role is for its owner"


def test_sockets_come_by_name(daemon):
    names = {"owner": "server-owner.sock", "admin": "server.sock", "who": "server-who.sock"}
    sockets = {name: listening_socket(daemon.folder / path) for name, path in names.items()}
    os.environ["STATE_DIRECTORY"] = f"{daemon.folder}:/nonexistent"
    try:
        daemon.start(sockets, options=()).ready()
    finally:
        del os.environ["STATE_DIRECTORY"]
    assert {daemon.who(role)["role"] for role in ("who", "owner")} == {"who", "owner"}
    assert daemon.stop() == 0
    assert daemon.socket("who").exists(), "systemd's socket is not removed"


def test_a_role_without_a_socket_is_an_error(daemon):
    daemon.start({"who": listening_socket(daemon.folder / "who.sock")}, options=())
    assert daemon.process.wait(10) == 1
    assert "role 'owner': systemd passed no socket" in daemon.log() and "role-daemon-owner.socket" in daemon.log()
    daemon.start(options=())
    assert daemon.process.wait(10) == 1
    assert "role 'who'" in daemon.log() and "--state FOLDER" in daemon.log()
    daemon.process = None


def test_a_socket_in_use_is_an_error(daemon):
    holder = listening_socket(daemon.socket("who"))
    daemon.start()
    assert daemon.process.wait(10) == 1
    assert "role 'who': another program listens on" in daemon.log()
    holder.close()
    daemon.start().ready()
    assert daemon.who()["role"] == "who", "a stale socket is replaced"


def test_a_reload_reaches_the_roles(daemon):
    daemon.start().ready()
    assert (daemon.who()["snapshot"], daemon.who()["drain"]) == (1, 30000000)
    daemon.configure(drain="7s")
    assert ask(daemon.socket(), "POST", "/reload").status == 200
    assert (daemon.who()["snapshot"], daemon.who("owner")["drain"]) == (2, 7000000)
    daemon.configure(drain="seven")
    assert ask(daemon.socket(), "POST", "/reload").status == 422
    assert (daemon.who()["snapshot"], daemon.who()["drain"]) == (2, 7000000)


def status(daemon):
    return json.loads(ask(daemon.socket(), "GET", "/status").body)


@contextlib.contextmanager
def held_reload(daemon):
    """A reload that has read its files and is under way until the block ends; gives its answer to be."""
    (daemon.folder / "hold").touch()
    with concurrent.futures.ThreadPoolExecutor() as threads:
        try:
            first = threads.submit(ask, daemon.socket(), "POST", "/reload")
            until((daemon.folder / "holding").exists, "the reload is under way")
            yield first, threads
        finally:
            (daemon.folder / "hold").unlink(missing_ok=True)


def test_a_reload_that_is_asked_for_during_another_follows_it(daemon):
    """Each caller is answered with what became of the reload that saw its files."""
    daemon.start().ready()
    daemon.configure(drain="7s")
    with held_reload(daemon) as (first, threads):
        daemon.configure(drain="seven")
        second = threads.submit(ask, daemon.socket(), "POST", "/reload")
        until(lambda: status(daemon)["reload_follows"], "another follows")
        assert status(daemon)["reloading"]
    assert first.result().status == 200
    assert second.result().status == 422 and b"drain_timeout" in second.result().body
    found = status(daemon)
    assert (found["reloads"], found["reload_failures"], found["reloading"], found["reload_follows"]) == (1, 1, False, False)
    assert daemon.who()["drain"] == 7000000


def test_a_hangup_during_a_reload_is_not_lost(daemon):
    daemon.start().ready()
    daemon.configure(drain="7s")
    with held_reload(daemon) as (first, _):
        daemon.configure(drain="8s")
        for _ in range(5):
            daemon.process.send_signal(signal.SIGHUP)
        until(lambda: status(daemon)["reload_follows"], "another follows")
    assert first.result().status == 200
    until(lambda: daemon.who()["drain"] == 8000000, "the later file is in force")
    until(lambda: not status(daemon)["reloading"], "the reload has ended")
    assert daemon.who()["snapshot"] == 3, "one reload for all of them"


def test_the_end_during_a_reload_answers_those_who_wait(daemon):
    daemon.start().ready()
    with held_reload(daemon) as (first, threads):
        second = threads.submit(ask, daemon.socket(), "POST", "/reload")
        until(lambda: status(daemon)["reload_follows"], "another follows")
        (daemon.folder / "hold-answers").touch()
        slow = threads.submit(daemon.who, target="/slow")
        until(lambda: status(daemon)["role_connections"] == 4, "a request keeps it from ending at once")
        daemon.process.terminate()
        until(lambda: status(daemon)["state"] == "draining", "it stops")
        assert ask(daemon.socket(), "POST", "/reload").status == 409
        (daemon.folder / "hold").unlink()
        assert {first.result().status, second.result().status} == {422}
        (daemon.folder / "hold-answers").unlink()
        assert slow.result()["role"] == "who"
    assert b"stopping" in second.result().body
    assert daemon.process.wait(10) == 0


def test_a_request_under_way_is_answered_at_the_end(daemon):
    daemon.start().ready()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(daemon.socket("who")))
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: status(daemon)["role_connections"] == 2,
              "the request is there")
        daemon.process.terminate()
        answer = b""
        while data := client.recv(4096):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200 ") and b"connection: close" in answer.lower()
    assert daemon.process.wait(10) == 0


def test_a_flood_on_one_role_leaves_the_others_alone(daemon):
    daemon.configure(more="[http.limits]\nmax_connections = 2\n")
    daemon.start().ready()
    flood = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    for client in flood:
        client.settimeout(10)
        client.connect(str(daemon.socket("who")))
    assert flood[3].recv(4096).startswith(b"HTTP/1.1 503 ")
    assert daemon.who("owner")["role"] == "owner"
    assert ask(daemon.socket(), "GET", "/healthz").status == 200
    for client in flood:
        client.close()
