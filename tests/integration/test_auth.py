# SPDX-License-Identifier: Apache-2.0
"""Users, tokens and grants, asked of a real ccodes-auth in its real sandbox."""

import contextlib
import json
import random
import signal
import socket
import sqlite3
import stat
import threading
import time

import pytest
from auth_daemon import AuthDaemon, basic
from daemon import until


@pytest.fixture
def auth(request, tmp_path):
    daemon = AuthDaemon(tmp_path / "auth").start()
    yield daemon
    status = daemon.stop()
    if getattr(request.node, "failed", False):
        print(daemon.log())
    assert status == 0, daemon.log()


def add_ann(auth, role="operator"):
    assert auth.change("/users/add", name="ann", role=role, password="correct horse")[0] == 200


def add_token(auth, **members):
    status, answer, _ = auth.change("/tokens/add", **{"user": "ann", "scopes": "upload:in", **members})
    assert status == 200, answer
    return answer


def cause(answer):
    return answer[0], answer[1]["cause"]


def test_a_password_and_a_token_become_grants(auth):
    add_ann(auth)
    token = add_token(auth)
    for authorization in (basic("ann", "correct horse"), f"Bearer {token['token']}", basic("x", token["token"])):
        status, answer, _ = auth.grant(authorization)
        assert (status, answer["user"]) == (200, "ann")
        assert answer["grant"].startswith("ccg1_")
        assert 0 < answer["expires"] - time.time() <= 30


def test_a_reload_changes_how_long_grants_are_good_for(auth):
    add_ann(auth)
    auth.config.write_text(auth.config.read_text() + 'grant_lifetime = "200s"\n')
    assert auth.ask("", "POST", "/reload")[0] == 200
    status, answer, _ = auth.grant(basic("ann", "correct horse"))
    assert status == 200
    assert 100 < answer["expires"] - time.time() <= 200


def test_what_is_wrong_is_refused(auth):
    add_ann(auth)
    token = add_token(auth)["token"]
    other = token[:-2] + ("AA" if token[-2:] != "AA" else "BA")
    for authorization in (basic("ann", "wrong horse"), basic("bob", "correct horse"), f"Bearer {other}", "Bearer x",
                          "Digest x", ""):
        assert cause(auth.grant(authorization, client=f"192.0.2.{random.randrange(1, 255)}")) == \
            (401, "credentials-invalid"), authorization


def test_scopes_narrow_and_roles_bound(auth):
    add_ann(auth)
    token = f"Bearer {add_token(auth)['token']}"
    assert cause(auth.grant(token, scope="upload:other")) == (403, "scope-missing")
    assert cause(auth.grant(token, scope="download:in")) == (403, "scope-missing")
    assert cause(auth.grant(basic("ann", "correct horse"), scope="admin:users")) == (403, "scope-missing")
    assert auth.grant(basic("ann", "correct horse"), scope="download:x")[0] == 200
    assert cause(auth.change("/tokens/add", user="ann", scopes="admin:users")) == (400, "input-invalid")
    assert auth.change("/users/set-role", name="ann", role="viewer")[0] == 200
    assert cause(auth.grant(token)) == (403, "scope-missing")


def test_a_disabled_user_is_let_in_by_nothing_until_enabled(auth):
    add_ann(auth)
    ways = basic("ann", "correct horse"), f"Bearer {add_token(auth)['token']}"
    assert cause(auth.change("/users/disable", name="bob")) == (404, "account-unknown")
    assert auth.change("/users/disable", name="ann")[0] == 200
    assert auth.ask("accounts", "GET", "/users")[1]["users"][0]["disabled"] is True
    for way in ways:
        assert cause(auth.grant(way)) == (401, "credentials-invalid")
    auth.stop()
    auth.start()
    assert cause(auth.grant(ways[1])) == (401, "credentials-invalid"), "it is kept over a restart"
    assert auth.change("/users/enable", name="ann")[0] == 200
    for way in ways:
        assert auth.grant(way)[0] == 200


def test_revoked_expired_and_removed_are_refused(auth):
    add_ann(auth)
    revoked, expiring, orphan = add_token(auth), add_token(auth, expires_in=1), add_token(auth)
    assert auth.change("/tokens/revoke", id=revoked["id"])[0] == 200
    assert cause(auth.grant(f"Bearer {revoked['token']}")) == (401, "credentials-invalid")
    assert cause(auth.change("/tokens/revoke", id=revoked["id"])) == (404, "account-unknown")
    until(lambda: auth.grant(f"Bearer {expiring['token']}", client="192.0.2.9")[0] == 401, "the token has expired")
    assert auth.grant(f"Bearer {orphan['token']}")[0] == 200
    assert auth.change("/users/remove", name="ann")[0] == 200
    assert auth.grant(f"Bearer {orphan['token']}")[0] == 401
    assert auth.ask("accounts", "GET", "/tokens")[1] == {"tokens": []}


def test_failed_log_ins_are_slowed_by_address_and_by_user(auth):
    add_ann(auth)
    answers = [auth.grant(basic("ann", "wrong horse")) for _ in range(6)]
    assert [answer[0] for answer in answers] == [401] * 5 + [429]
    assert cause(answers[-1]) == (429, "login-slowed")
    assert int(answers[-1][2]["Retry-After"]) >= 1
    # From elsewhere the user is slowed too, and from there another user; the rest of the world is not.
    assert auth.grant(basic("ann", "correct horse"), client="192.0.2.1")[0] == 429
    assert auth.grant(basic("bob", "whatever it is"))[0] == 429
    assert auth.grant(basic("bob", "whatever it is"), client="192.0.2.1")[0] == 401
    assert auth.log().count("log-in of 'ann' from 127.0.0.1 failed") == 5
    # The right password is let in after the wait.
    until(lambda: auth.grant(basic("ann", "correct horse"), client="192.0.2.1")[0] == 200, "the wait is over")


def test_a_token_works_while_its_address_is_slowed(auth):
    add_ann(auth)
    token = add_token(auth)["token"]
    for _ in range(10):
        auth.grant("Bearer x")
    assert auth.grant(f"Bearer {token}")[0] == 200


def test_guesses_in_parallel_gain_nothing(auth):
    add_ann(auth)
    for _ in range(5):
        auth.grant(basic("ann", "wrong horse"))
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(auth.grant(basic("ann", "wrong horse"))[0]))
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(401) <= 2 and statuses.count(429) >= 18, statuses


def test_unknown_users_cost_as_much_as_known_ones(auth):
    add_ann(auth)
    assert auth.change("/users/add", name="tokens-only", role="operator")[0] == 200
    spans = {}
    for number, name in enumerate(["ann", "nobody", "tokens-only"]):
        spans[name] = []
        for attempt in range(5):
            began = time.monotonic()
            assert auth.grant(basic(name, f"wrong horse {attempt}"), client=f"192.0.{number}.{attempt}")[0] in (401, 429)
            spans[name].append(time.monotonic() - began)
    fastest = {name: min(times) for name, times in spans.items()}
    assert max(fastest.values()) < 4 * min(fastest.values()), fastest


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1} ', b"\xff", b'{"a":' + b"[" * 1000, b"x" * 20000])
def test_bodies_that_are_no_object_are_refused(auth, body):
    status, answer, _ = auth.ask("grants", "POST", "/grant", body)
    assert status in (400, 413) and answer["cause"] in ("input-invalid", "body-too-large")


@pytest.mark.parametrize("members", [{"client": "localhost"}, {"client": None}, {"scope": "upload:*"}, {"scope": "*"},
                                     {"audience": ""}, {"method": 7}, {"path": "a\0b"}, {"authorization": None}])
def test_requests_that_say_too_little_are_refused(auth, members):
    assert cause(auth.grant("Bearer x") if not members else auth.grant(**{"authorization": "Bearer x", **members})) == \
        (400, "input-invalid")


def test_the_gateways_role_can_do_nothing_else(auth):
    for method, path in (("GET", "/users"), ("POST", "/users/add"), ("POST", "/tokens/add"), ("GET", "/grant")):
        assert auth.ask("grants", method, path, {} if method == "POST" else None)[0] in (404, 405)
    assert auth.ask("accounts", "POST", "/grant", {})[0] == 404
    assert auth.ask("accounts", "GET", "/users")[1] == {"users": []}


def test_secrets_are_private_and_not_in_the_log(auth):
    add_ann(auth)
    token = add_token(auth)["token"]
    auth.grant(f"Bearer {token}")
    for name in ("users.sqlite", "grant-keys.secret"):
        assert stat.S_IMODE((auth.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((auth.folder / "grant-keys").stat().st_mode) == 0o644
    kept = b"".join(path.read_bytes() for path in auth.folder.glob("users.sqlite*"))
    for secret in (token, "correct horse"):
        assert secret not in auth.log() and secret.encode() not in kept
    assert b"$y$" in kept


def test_what_was_acknowledged_survives_kill(tmp_path):
    auth = AuthDaemon(tmp_path / "auth").start()
    acknowledged = []
    for turn in range(10):
        enough = random.randrange(5, 40)
        done = threading.Event()

        def add(turn=turn, done=done):
            for number in range(1000):
                try:
                    if auth.change("/users/add", name=f"u{turn}-{number}", role="viewer")[0] == 200:
                        acknowledged.append(f"u{turn}-{number}")
                except (OSError, json.JSONDecodeError):
                    break
                if number >= enough:
                    done.set()
            done.set()

        adder = threading.Thread(target=add)
        adder.start()
        assert done.wait(30)
        auth.kill()
        adder.join()
        auth.start()
        kept = {user["name"] for user in auth.ask("accounts", "GET", "/users")[1]["users"]}
        assert set(acknowledged) <= kept
    assert len(acknowledged) > 50
    assert auth.stop() == 0


def test_keys_outlive_a_restart(tmp_path):
    auth = AuthDaemon(tmp_path / "auth").start()
    keys = (auth.folder / "grant-keys").read_bytes()
    assert auth.stop() == 0
    auth.start()
    assert (auth.folder / "grant-keys").read_bytes() == keys
    assert auth.stop() == 0


def test_damaged_users_are_said_and_left_alone(tmp_path):
    auth = AuthDaemon(tmp_path / "auth")
    (auth.folder / "users.sqlite").write_bytes(b"no database " * 1000)
    with pytest.raises(AssertionError):
        auth.start()
    assert "users.sqlite" in auth.log() and auth.process.returncode == 1
    assert (auth.folder / "users.sqlite").read_bytes() == b"no database " * 1000


def test_lists_of_any_length(auth):
    """More tokens than an exchange has memory of its own for."""
    add_ann(auth)
    auth.stop()
    with contextlib.closing(sqlite3.connect(auth.folder / "users.sqlite")) as database, database:
        database.executemany("INSERT INTO tokens (id, user_name, digest, scopes, label, created, expires) "
                             "VALUES (?, 'ann', ?, 'upload:*', ?, 1, 0)",
                             ((f"{n:012x}", n.to_bytes(32, "big"), "x" * 100) for n in range(30000)))
    auth.start()
    status, answer, _ = auth.ask("accounts", "GET", "/tokens")
    assert status == 200
    assert {token["id"] for token in answer["tokens"]} == {f"{n:012x}" for n in range(30000)}


def test_an_end_at_once_leaves_what_is_under_way(auth):
    """A second signal does not wait for passwords that are being hashed, and were to be stored then."""
    add_ann(auth)
    body = json.dumps({"name": "ann", "password": "another horse"}).encode()
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            connection = stack.enter_context(auth.connect("accounts"))
            connection.sendall(b"POST /users/set-password HTTP/1.1\r\nHost: auth\r\nContent-Length: %d\r\n\r\n%s"
                               % (len(body), body))
        assert auth.ask("accounts", "GET", "/users")[0] == 200  # so that all of them are under way
        for number in (signal.SIGTERM, signal.SIGINT):
            auth.process.send_signal(number)
        assert auth.process.wait(15) == 0, auth.log()
    auth.start()
    assert any(auth.grant(basic("ann", password))[0] == 200 for password in ("another horse", "correct horse"))


def test_words_of_every_script_are_read(auth):
    """Beyond ASCII, beyond the first plane, escaped or not; and what is no UTF-8 is refused."""
    for name, password in ("ann", "größer als €uro"), ("bob", "𝄞𝄢 clefs in there"), ("eve", "\u0001 a control \u007f"):
        assert auth.change("/users/add", name=name, role="viewer", password=password)[0] == 200
        assert auth.grant(basic(name, password), scope="download:x")[0] == 200
        assert cause(auth.grant(basic(name, password + "x"), scope="download:x"))[1] in ("credentials-invalid", "login-slowed")
    raw = '{"name":"zoe","role":"viewer","password":"zwölf ganze Wörter"}'.encode()
    assert auth.ask("accounts", "POST", "/users/add", raw)[0] == 200
    for wrong in (raw.decode().encode("latin-1"), raw.replace(b"zoe", b"\xf0\x9d\x84"), "ä".encode() + raw, raw + "ä".encode(),
                  raw.replace(b'"viewer"', "ä".encode())):
        assert cause(auth.ask("accounts", "POST", "/users/add", wrong)) == (400, "input-invalid")


def test_what_is_handed_over_beside_connections_is_dropped(auth):
    """Files, connections of TCP, several at once, and somebody who keeps his end blocking: the role goes on."""
    add_ann(auth)
    with open("/dev/null", "rb") as null, socket.create_server(("127.0.0.1", 0)) as tcp:
        for more in ([null.fileno()], [tcp.fileno()], [null.fileno()] * 40):
            with auth.hand("grants", *more) as connection:
                connection.settimeout(20)
                assert connection.recv(1) == b"", "both ends were closed"
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        auth.hand_end("grants", theirs)
        ours.sendall(b"GET /grant HTTP/1.1\r\nHost: auth\r\n\r\n")
        assert ours.recv(12) == b"HTTP/1.1 405"
        theirs.setblocking(True)  # the flag is that of both copies
        ours.sendall(b"GET /grant HTTP/1.1\r\nHost: ")
        assert auth.grant(basic("ann", "correct horse"))[0] == 200, "nobody waits for the rest of it"
