# SPDX-License-Identifier: Apache-2.0
"""The gateway lets in whom ccodes-auth knows: both daemons as they are, each in its own sandbox."""

import concurrent.futures
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest
from auth_daemon import AuthDaemon, basic
from daemon import until
from test_uploads import cause, names_in, put, send
from test_tus import VERSION, begin

UPLOAD = """
[auth]
socket = "{auth}/auth-grants.sock"
public_keys = "{keys}/grant-keys"
remember = "{remember}"

[[site.upload]]
name = "in"
path = "/in/"
folder = "{folder}"
access = "token"
methods = ["get", "put", "post", "delete", "tus"]
min_free = 0
"""


@pytest.fixture
def auth(tmp_path):
    daemon = AuthDaemon(tmp_path / "auth").start()
    yield daemon
    if daemon.process and daemon.process.poll() is None:
        daemon.process.send_signal(signal.SIGCONT)
    assert daemon.stop() in (0, -9), daemon.log()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def gateway(start, auth, folder):
    def begin_gateway(remember="0s", keys=None, **options):
        return start(more=UPLOAD.format(auth=auth.folder, keys=keys or auth.folder, folder=folder, remember=remember), **options)
    return begin_gateway


def add(auth, name="ann", role="operator", scopes="upload:in"):
    assert auth.change("/users/add", name=name, role=role, password="correct horse")[0] == 200
    return auth.change("/tokens/add", user=name, scopes=scopes)[1]


def bearer(token):
    return {"Authorization": f"Bearer {token['token']}"}


def test_a_token_or_a_password_lets_in(gateway, auth, folder):
    daemon, token = gateway(), add(auth)
    assert put(daemon, "/in/a", b"a", bearer(token)).status == 201
    assert put(daemon, "/in/b", b"b", {"Authorization": basic("ann", "correct horse")}).status == 201
    assert send(daemon, "DELETE", "/in/a", headers=bearer(token)).status == 204
    url = begin(daemon, 5, "c", path="/in/", **bearer(token))
    assert send(daemon, "PATCH", url, b"hello", {**VERSION, **bearer(token), "Upload-Offset": "0",
                                                 "Content-Type": "application/offset+octet-stream"}).status == 204
    assert names_in(folder) == ["b", "c"]
    assert daemon.get("/in/b").body == b"b", "who may read is another key's"


def test_who_shows_nothing_or_something_else_is_told_what_to_show(gateway, auth, folder):
    daemon, token = gateway(), add(auth)
    add(auth, "bob", "viewer", "download:in")
    other = auth.change("/tokens/add", user="ann", scopes="upload:other")[1]
    for headers, status, why in (({}, 401, "token-required"), ({"Authorization": "Bearer nonsense"}, 401, "credentials-invalid"),
                                 ({"Authorization": "Digest x"}, 401, "credentials-invalid"),
                                 ({"Authorization": basic("ann", "wrong horse")}, 401, "credentials-invalid"),
                                 (bearer(other), 403, "scope-missing"),
                                 ({"Authorization": basic("bob", "correct horse")}, 403, "scope-missing"),
                                 ({"Authorization": "Bearer " + "x" * 5000}, 401, "credentials-invalid")):
        response = put(daemon, "/in/a", b"a", headers)
        assert (response.status, cause(response)) == (status, why), headers
        if status == 401:
            challenges = response.getheader("www-authenticate")
            assert challenges.startswith("Bearer") and 'Basic realm="' in challenges
    for method in ("DELETE", "POST", "PATCH"):
        assert send(daemon, method, "/in/a").status == 401
    assert send(daemon, "HEAD", "/in/.tus/" + "0" * 32, headers=VERSION).status == 401
    assert names_in(folder) == []


def test_the_body_is_asked_for_once_it_may_come(gateway, auth):
    daemon, token = gateway(), add(auth)
    head = "PUT /in/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n{}\r\n"
    with daemon.connect() as connection:
        connection.sendall(head.format("").encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")
    with daemon.connect() as connection:
        connection.sendall(head.format(f"Authorization: Bearer {token['token']}\r\n").encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hello")
        assert connection.recv(4096).startswith(b"HTTP/1.1 201 ")


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_same_over_http2(gateway, auth, tmp_path):
    daemon, token = gateway(), add(auth)
    (tmp_path / "source").write_bytes(b"x" * 100_000)
    for headers, status in ((["-H", f"Authorization: Bearer {token['token']}"], "201"), ([], "401")):
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--http2-prior-knowledge", *headers, "-T",
                               tmp_path / "source", f"http://127.0.0.1:{daemon.port}/in/x"], capture_output=True, text=True, timeout=60)
        assert done.stdout == status, done


def test_what_was_revoked_is_let_in_as_long_as_it_is_remembered(gateway, auth):
    daemon, token = gateway(), add(auth)
    assert put(daemon, "/in/a", b"a", bearer(token)).status == 201
    assert auth.change("/tokens/revoke", id=token["id"])[0] == 200
    assert cause(put(daemon, "/in/b", b"b", bearer(token))) == "credentials-invalid"


def test_what_is_remembered_is_not_asked_about(gateway, auth):
    daemon, token = gateway(remember="1min"), add(auth)
    for number in range(20):  # each worker, whichever the kernel chooses
        assert put(daemon, f"/in/{number}", b"a", bearer(token)).status == 201
    auth.kill()
    for number in range(20):
        assert put(daemon, f"/in/more{number}", b"a", bearer(token)).status == 201
    assert put(daemon, "/in/x", b"a", {"Authorization": bearer(token)["Authorization"] + "x"}).status == 503


def test_failed_log_ins_slow_down_by_the_clients_address(gateway, auth):
    daemon = gateway()
    add(auth)
    answers = [put(daemon, "/in/a", b"a", {"Authorization": basic("ann", f"wrong horse {number}")}) for number in range(12)]
    assert {answer.status for answer in answers} == {401, 429}
    slowed = answers[-1]
    assert cause(slowed) == "login-slowed" and int(slowed.getheader("retry-after")) >= 1
    until(lambda: "log-in of 'ann' from 127.0.0.1 failed" in auth.log(), "it is in the log, with the client's address")


def test_it_is_away_and_comes_back(gateway, auth):
    daemon, token = gateway(), add(auth)
    assert put(daemon, "/in/a", b"a", bearer(token)).status == 201
    auth.kill()
    start = time.monotonic()
    response = put(daemon, "/in/b", b"b", bearer(token))
    assert (response.status, cause(response)) == (503, "auth-unavailable") and response.getheader("retry-after") == "1"
    assert time.monotonic() - start < 4, "at once"
    auth.start()
    assert put(daemon, "/in/b", b"b", bearer(token)).status == 201, "on the first request"
    assert daemon.get("/in/a").status == 200


def test_a_reload_may_be_what_needs_the_keys_first(gateway, auth):
    daemon, token = gateway(), add(auth)
    closed = daemon.config.read_text()
    daemon.stop()
    daemon.config.write_text(closed.replace('access = "token"', 'access = "anyone"'))
    daemon.start()
    daemon.config.write_text(closed)
    assert daemon.admin("POST", "/reload").status == 200
    assert put(daemon, "/in/a", b"a").status == 401
    assert put(daemon, "/in/a", b"a", bearer(token)).status == 201


def test_nobody_floods_the_log_while_it_is_away(gateway, auth):
    daemon = gateway()
    auth.kill()
    for _ in range(50):
        assert put(daemon, "/in/a", b"a", {"Authorization": "Bearer x"}).status == 503
    assert daemon.log().count("asking ccodes-auth") <= 8, "once a second for each worker"


def test_it_stands_still(gateway, auth):
    daemon, token = gateway(), add(auth)
    auth.process.send_signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(30) as threads:
        start = time.monotonic()
        answers = list(threads.map(lambda n: put(daemon, f"/in/{n}", b"b", bearer(token)), range(30)))
        assert time.monotonic() - start < 9
    assert {(answer.status, cause(answer)) for answer in answers} == {(503, "auth-unavailable")}
    assert daemon.get("/index.html").status in (200, 404), "all else goes on"
    auth.process.send_signal(signal.SIGCONT)
    until(lambda: put(daemon, "/in/x", b"b", bearer(token)).status in (201, 204), "it answers again")


def test_a_new_key_is_read_when_it_is_seen(gateway, auth):
    daemon, token = gateway(), add(auth)
    assert put(daemon, "/in/a", b"a", bearer(token)).status == 201
    auth.kill()
    for name in ("grant-keys", "grant-keys.secret"):
        (auth.folder / name).unlink()
    auth.start()
    assert put(daemon, "/in/b", b"b", bearer(token)).status == 201


@pytest.mark.parametrize("change", ["another's keys", "none", "nonsense"])
def test_only_the_signature_counts(gateway, auth, tmp_path, change):
    """What says to be ccodes-auth, and has another key, lets nobody in."""
    keys = tmp_path / "keys"
    keys.mkdir()
    token = add(auth)
    if change == "another's keys":
        other = AuthDaemon(tmp_path / "other").start()
        assert other.stop() == 0
        shutil.copy(other.folder / "grant-keys", keys)
    elif change == "nonsense":
        (keys / "grant-keys").write_text("nonsense\n")
    daemon = gateway(keys=keys)
    assert cause(put(daemon, "/in/a", b"a", bearer(token))) == "auth-unavailable"
    words = "a grant of ccodes-auth is not good" if change == "another's keys" else "reading the keys of grants"
    until(lambda: words in daemon.log(), "it is in the log")


class FalseAuth:
    """Takes connections as ccodes-auth does, and answers with `answer`."""

    def __init__(self, path, answer):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.answer, self.asked = answer, []

    def serve(self, times):
        for _ in range(times):
            _, (ancillary,), _, _ = self.socket.recvmsg(1, socket.CMSG_SPACE(4))
            with socket.socket(fileno=struct.unpack("i", ancillary[2])[0]) as connection:
                connection.settimeout(20)
                self.asked.append(connection.recv(65536))
                connection.sendall(self.answer(self.asked[-1]))


def answer_of(text):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)


@pytest.mark.parametrize("text", [b'{"grant":"ccg1_AAAA"}', b"{}", b"[]", b"null", b"", b'{"grant":5}', b'{"grant":"' + b"x" * 5000 + b'"}',
                                  b"\xff" * 100])
def test_a_forged_grant_is_none(gateway, auth, text):
    daemon = gateway()
    auth.kill()
    (auth.folder / "auth-grants.sock").unlink()
    false = FalseAuth(auth.folder / "auth-grants.sock", lambda asked: answer_of(text))
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        serving = threads.submit(false.serve, 1)
        assert cause(put(daemon, "/in/a", b"a", {"Authorization": "Bearer x"})) == "auth-unavailable"
        serving.result(20)


def test_a_grant_is_good_for_its_request_alone(gateway, auth, folder):
    """Somebody in between shows the grant of one request for another one."""
    daemon, token = gateway(), add(auth)
    grant = auth.grant(f"Bearer {token['token']}", method="PUT", host="localhost", path="/in/a", client="127.0.0.1")[1]["grant"]
    auth.process.send_signal(signal.SIGSTOP)
    os.rename(auth.folder / "auth-grants.sock", auth.folder / "moved")
    false = FalseAuth(auth.folder / "auth-grants.sock", lambda asked: answer_of(b'{"grant":"%s"}' % grant.encode()))
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        serving = threads.submit(false.serve, 2)
        headers = {"Authorization": "Bearer x", "Host": "localhost", "Connection": "close"}
        assert cause(put(daemon, "/in/b", b"b", headers)) == "auth-unavailable", "another path"
        assert put(daemon, "/in/a", b"a", headers).status == 201, "the very request"
        serving.result(20)
    assert names_in(folder) == ["a"]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", b""], ids=["an answer", "an end"])
def test_a_reload_while_somebody_waits(gateway, auth, answer):
    """What comes then ends the last request of the configuration before, and with it all that had asked in its name."""
    daemon = gateway()
    auth.kill()
    (auth.folder / "auth-grants.sock").unlink()
    false = FalseAuth(auth.folder / "auth-grants.sock", lambda asked: daemon.admin("POST", "/reload").status == 200 and answer)
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        serving = threads.submit(false.serve, 1)
        response = put(daemon, "/in/a", b"a", {"Authorization": "Bearer x", "Connection": "close"})
        assert cause(response) == ("credentials-invalid" if answer else "auth-unavailable")
        serving.result(20)
    assert daemon.get("/in/a").status == 404, "it goes on"
