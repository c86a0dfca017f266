# SPDX-License-Identifier: Apache-2.0
"""ccodesctl beside a running daemon: status and reload. (What it does to units is tested in tests/system.)"""

import json
import socket
import threading

import pytest

from cli import ccodesctl, ccodesctl_json

CONFIG = """\
[[server.listener]]
name = "http"
address = "127.0.0.1:0"
[[site]]
name = "s"
root = "{root}"
cache_control = "max-age={age}"
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "ccodes.toml"
    file.write_text(CONFIG.format(root=tmp_path, age=1))
    return file


def test_status(config, run):
    server = run("--config", config)
    server.get("ccodes.toml")
    text = ccodesctl("status", "--socket", server.socket, check=0).stdout
    for part in ("active", f"pid {server.ready['pid']}", "on average", str(config), "Landlock", "Sockets",
                 server.ready["addresses"][0]["address"]):
        assert part in text
    told = ccodesctl_json("status", "--socket", server.socket)
    service, = told["services"]
    assert service["service"] == "server" and service["status"]["pid"] == server.ready["pid"]
    assert service["requests_per_second"] >= 0 and service["requests_per_second_average"] > 0
    assert told["sockets"][0]["addresses"] == server.ready["addresses"][0]["address"]


def test_status_counts_requests(config, run):
    server = run("--config", config)
    stop = threading.Event()

    def load():
        while not stop.is_set():
            server.get("ccodes.toml")

    thread = threading.Thread(target=load)
    thread.start()
    try:
        assert ccodesctl_json("status", "--socket", server.socket)["services"][0]["requests_per_second"] > 1
    finally:
        stop.set()
        thread.join()
    # Asking is no traffic.
    assert ccodesctl_json("status", "--socket", server.socket)["services"][0]["requests_per_second"] == 0


def test_status_of_nothing(tmp_path):
    result = ccodesctl("status", "--socket", tmp_path / "none.sock", check=3)
    assert "inactive" in result.stdout
    assert f"nothing listens on {tmp_path}/none.sock" in result.stdout


def test_reload(config, run):
    server = run("--config", config)
    assert "nothing has changed" in ccodesctl("reload", "--socket", server.socket, check=0).stdout
    config.write_text(CONFIG.format(root=config.parent, age=2) + "[server]\nworkers = 9\n")
    told = ccodesctl_json("reload", "--socket", server.socket)
    assert told["result"] == "reloaded" and "1 value changed" in told["message"]
    assert "server.workers" in told["message"] and "ccodesctl apply" in told["message"]
    pending = [line for line in ccodesctl("status", "--socket", server.socket, check=0).stdout.splitlines()
               if "pending" in line]
    assert len(pending) == 1 and "server.workers" in pending[0] and "ccodesctl apply" in pending[0]


def test_a_reload_that_is_refused(config, run):
    server = run("--config", config)
    config.write_text(CONFIG.format(root=config.parent, age=2) + "[serverr]\n[tls]\nminimum = 3\n")
    result = ccodesctl("reload", "--socket", server.socket, check=1)
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"{config}:8:1: ") and lines[1].startswith(f"{config}:10:1: ")
    assert "old configuration stays in force" in lines[-1] and result.stdout == ""
    told = ccodesctl_json("reload", "--socket", server.socket, check=1)
    assert told["result"] == "failed" and [fault["line"] for fault in told["faults"]] == [8, 10]
    assert "last reload" in ccodesctl("status", "--socket", server.socket, check=0).stdout


def test_reload_of_nothing(tmp_path):
    assert "does not run" in ccodesctl("reload", "--socket", tmp_path / "none.sock", check=3).stderr
    assert ccodesctl_json("reload", "--socket", tmp_path / "none.sock", check=3)["result"] == "failed"
    assert "/run/ccodes/is-not-there.sock" in ccodesctl("reload", "--direct", "is-not-there", check=3).stderr
    assert ccodesctl("reload", "--direct", "x" * 200, check=2).stderr
    assert "did you mean 'server'" in ccodesctl("reload", "serer", check=1).stderr


@pytest.fixture
def impostor(tmp_path):
    """Something on a socket that answers each connection with these bytes."""
    path = tmp_path / "impostor.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(8)
    threads = []

    def serve(answer):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

    def start(answer):
        threads.append(threading.Thread(target=serve, args=(answer,), daemon=True))
        threads[-1].start()
        return path

    yield start
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join(5)


def http(status, body):
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


@pytest.mark.parametrize("answer", [b"", b"what?", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", http(200, "[]"),
                                    http(200, "{"), http(500, "{}"), http(204, "")])
def test_answers_that_are_none(impostor, answer):
    path = impostor(answer)
    for words in (("reload",), ("config", "show", "--running")):
        result = ccodesctl(*words, "--socket", path, check=1)
        assert str(path) in result.stderr and result.stderr.count("\n") == 1
    assert "problem" in ccodesctl("status", "--socket", path, check=3).stdout


def test_a_daemon_cannot_steer_the_terminal(impostor):
    path = impostor(http(422, json.dumps({"result": "failed", "message": "\033]0;owned\a\033[2J"})))
    result = ccodesctl("reload", "--socket", path, check=1)
    assert "\033" not in result.stderr and "\\x1b]0;owned" in result.stderr
