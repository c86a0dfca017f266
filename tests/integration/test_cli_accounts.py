# SPDX-License-Identifier: Apache-2.0
"""ccodesctl users and ccodesctl tokens, asked of a real ccodes-auth: what they change lets somebody in or keeps him out,
and a password or a token is seen by nobody who should not see it."""

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import time
from pathlib import Path

import pytest
from auth_daemon import AuthDaemon, basic
from cli import CCODESCTL, ccodesctl
from daemon import until

PASSWORD = "correct horse"


@pytest.fixture
def auth(tmp_path):
    daemon = AuthDaemon(tmp_path / "auth").start()
    yield daemon
    assert daemon.stop() == 0, daemon.log()


def ask(auth, *words, check=0, **options):
    return ccodesctl(*words, "--socket", auth.folder / "auth-accounts.sock", check=check, **options)


def ask_json(auth, *words, **options):
    return json.loads(ask(auth, *words, "--json", **options).stdout)


def add_ann(auth, role="operator"):
    ask(auth, "users", "add", "ann", "--role", role, input=PASSWORD + "\n")


def add_token(auth, *options):
    return ask(auth, "tokens", "add", "ann", *options).stdout.strip()


def lets_in(auth, authorization, **members):
    return auth.grant(authorization, **members)[0] == 200


def user_of(auth, name="ann"):
    return next((user for user in ask_json(auth, "users", "list")["users"] if user["name"] == name), None)


@pytest.mark.parametrize("end", ["\n", ""], ids=["a-line", "to-the-end"])
def test_a_password_comes_on_standard_input(auth, end):
    result = ask(auth, "users", "add", "ann", "--role", "operator", input=PASSWORD + end)
    assert "'ann'" in result.stdout and PASSWORD not in result.stdout + result.stderr
    assert lets_in(auth, basic("ann", PASSWORD))
    user = user_of(auth)
    assert (user["role"], user["password"], user["disabled"]) == ("operator", True, False)
    assert abs(user["created"] - time.time()) < 60


def test_only_the_first_line_is_the_password(auth):
    ask(auth, "users", "add", "ann", "--role", "operator", input=f"{PASSWORD}\nand more\n")
    assert lets_in(auth, basic("ann", PASSWORD))


def test_a_user_may_have_tokens_only(auth):
    told = ask_json(auth, "users", "add", "robot", "--role", "operator", "--no-password")
    assert told["result"] == "added"
    assert user_of(auth, "robot")["password"] is False
    assert "tokens only" in ask(auth, "users", "list").stdout
    assert not lets_in(auth, basic("robot", ""))


def test_without_a_role_a_user_is_a_viewer(auth):
    ask(auth, "users", "add", "ann", input=PASSWORD)
    assert user_of(auth)["role"] == "viewer"


def test_another_password(auth):
    add_ann(auth)
    token = add_token(auth, "--scope", "upload:in")
    assert ask_json(auth, "users", "passwd", "ann", input="battery staple")["result"] == "changed"
    assert lets_in(auth, basic("ann", "battery staple")) and lets_in(auth, f"Bearer {token}")
    assert not lets_in(auth, basic("ann", PASSWORD))


@pytest.mark.parametrize("password, words", [
    (b"", "no password"), (b"\n", "no password"), (b"short", "8 to 511 bytes"), (b"x" * 512, "at most 511"),
    (b"x" * 100000, "at most 511"), (b"correct \xff horse", "UTF-8"), (b"correct\0horse", "UTF-8"),
])
def test_a_password_that_cannot_be_one(auth, password, words):
    result = subprocess.run([CCODESCTL, "users", "add", "ann", "--socket", auth.folder / "auth-accounts.sock"],
                            input=password, capture_output=True, timeout=60, check=False)
    assert result.returncode == 1 and words in result.stderr.decode(), result
    assert user_of(auth) is None


def test_the_longest_password(auth):
    for number, password in enumerate(("ü" * 255, "x" * 511)):
        ask(auth, "users", "add", f"u{number}", "--role", "operator", input=password)
        assert lets_in(auth, basic(f"u{number}", password))


class Terminal:
    """ccodesctl with a terminal as its standard input and output."""

    def __init__(self, auth, *words):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.process = subprocess.Popen([CCODESCTL, *words, "--socket", auth.folder / "auth-accounts.sock"],
                                        stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        self.seen = ""

    def shows(self, words):
        """Reads until the terminal shows it."""
        while words not in self.seen:
            self.seen += os.read(self.master, 4096).decode()

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        status = self.process.wait(30)
        os.set_blocking(self.master, False)
        try:
            self.seen += os.read(self.master, 65536).decode()
        except BlockingIOError:
            pass
        return status

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(auth):
    opened = []
    yield lambda *words: opened.append(Terminal(auth, *words)) or opened[-1]
    for each in opened:
        each.close()


def test_a_terminal_does_not_show_what_is_typed(auth, terminal):
    typing = terminal("users", "add", "ann", "--role", "operator")
    for prompt in ("New password of 'ann': ", "Once more, the password of 'ann': "):
        typing.shows(prompt)
        until(lambda: not typing.echoes(), "the terminal is quiet")
        typing.type(PASSWORD + "\n")
    assert typing.end() == 0
    assert PASSWORD not in typing.seen and "is there now" in typing.seen
    assert typing.echoes()
    assert lets_in(auth, basic("ann", PASSWORD))


def test_two_passwords_that_differ_change_nothing(auth, terminal):
    typing = terminal("users", "add", "ann")
    typing.shows("New password")
    typing.type(PASSWORD + "\n")
    typing.shows("Once more")
    typing.type("correct house\n")
    assert typing.end() == 1
    assert "differ" in typing.seen and typing.echoes()
    assert user_of(auth) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_that_is_left_half_way_shows_again_what_is_typed(terminal, number):
    typing = terminal("users", "add", "ann")
    typing.shows("New password")
    until(lambda: not typing.echoes(), "the terminal is quiet")
    typing.process.send_signal(number)
    assert typing.end() == -number
    assert typing.echoes()


def test_roles_bound_what_a_token_may(auth):
    add_ann(auth)
    token = f"Bearer {add_token(auth, '--scope', 'upload:in')}"
    assert lets_in(auth, token)
    ask(auth, "users", "role", "ann", "viewer")
    assert not lets_in(auth, token) and user_of(auth)["role"] == "viewer"
    result = ask(auth, "tokens", "add", "ann", "--scope", "upload:in", check=1)
    assert "a viewer may download" in result.stderr


def test_disable_enable_and_remove(auth):
    add_ann(auth)
    token = f"Bearer {add_token(auth, '--scope', 'upload:*')}"
    ask(auth, "users", "disable", "ann")
    assert not lets_in(auth, token) and not lets_in(auth, basic("ann", PASSWORD))
    assert "disabled" in ask(auth, "users", "list").stdout
    ask(auth, "users", "enable", "ann")
    assert lets_in(auth, token)
    assert ask_json(auth, "users", "remove", "ann")["result"] == "removed"
    assert not lets_in(auth, token) and user_of(auth) is None
    assert ask_json(auth, "tokens", "list") == {"tokens": []}


def test_a_token_is_all_that_standard_output_has(auth):
    add_ann(auth)
    result = ask(auth, "tokens", "add", "ann", "--scope", "upload:in", "--scope", "download:*")
    token = result.stdout.removesuffix("\n")
    assert token.startswith("cct_") and "\n" not in token
    assert token not in result.stderr and "not shown again" in result.stderr
    assert lets_in(auth, f"Bearer {token}") and lets_in(auth, f"Bearer {token}", scope="download:x")
    assert not lets_in(auth, f"Bearer {token}", scope="upload:other")
    assert token not in ask(auth, "tokens", "list").stdout
    assert token.removeprefix("cct_") not in json.dumps(ask_json(auth, "tokens", "list"))


def test_tokens_have_an_end_a_label_and_an_owner(auth):
    add_ann(auth)
    ask(auth, "users", "add", "bob", "--no-password")
    made = {}
    for name, words in {"usual": [], "hours": ["--expires", "12h"], "never": ["--expires", "never"]}.items():
        made[name] = ask_json(auth, "tokens", "add", "ann", "--scope", "*", "--label", f"label {name}", *words)
    now = time.time()
    assert abs(made["usual"]["expires"] - now - 90 * 86400) < 60
    assert abs(made["hours"]["expires"] - now - 12 * 3600) < 60
    assert made["never"]["expires"] == 0
    listed = {token["id"]: token for token in ask_json(auth, "tokens", "list")["tokens"]}
    for name, token in made.items():
        row = listed[token["id"]]
        assert (row["label"], row["user"], row["scopes"], row["expires"]) == (f"label {name}", "ann", "*", token["expires"])
        assert row["last_used"] == 0
    assert ask_json(auth, "tokens", "list", "bob") == {"tokens": []}
    text = ask(auth, "tokens", "list", "ann").stdout
    assert "for ever" in text and "label hours" in text and len(text.splitlines()) == 3


def test_a_token_that_is_over_is_shown_as_such(auth):
    add_ann(auth)
    token = f"Bearer {add_token(auth, '--scope', 'upload:in', '--expires', '1s')}"
    until(lambda: not lets_in(auth, token, client="192.0.2.7"), "the token has expired")
    assert "expired" in ask(auth, "tokens", "list").stdout


def test_a_revoked_token_lets_nobody_in(auth):
    add_ann(auth)
    kept, revoked = (ask_json(auth, "tokens", "add", "ann", "--scope", "upload:in") for _ in range(2))
    ask(auth, "tokens", "revoke", revoked["id"])
    assert lets_in(auth, f"Bearer {kept['token']}") and not lets_in(auth, f"Bearer {revoked['token']}")
    for name in (revoked["id"], "nonsense"):
        assert "ccodesctl tokens list" in ask(auth, "tokens", "revoke", name, check=1).stderr


@pytest.mark.parametrize("words", [
    ["users", "add", "ann", "--role", "adminn", "--no-password"], ["users", "role", "ann", "king"],
    ["tokens", "add", "ann"], ["tokens", "add", "ann", "--scope", "fly:moon"], ["tokens", "add", "ann", "--scope", ""],
    ["tokens", "add", "ann", "--scope", "upload:in", "--expires", "soon"],
    ["tokens", "add", "ann", "--scope", "upload:in", "--expires", "0s"],
    ["tokens", "add", "ann", "--scope", " ".join(["upload:" + "x" * 60] * 5), "--scope", "upload:" + "y" * 60,
     "--scope", " ".join(["upload:" + "z" * 60] * 5)],
    ["users", "add"], ["users", "passwd", "ann", "correct horse"], ["users"], ["users", "lst"],
])
def test_what_makes_no_sense_is_said_before_anything_is_asked(auth, words):
    result = ask(auth, *words, check=2)
    assert result.stderr
    assert ask_json(auth, "users", "list") == {"users": []}


def test_the_nearest_word_is_offered(auth):
    assert "'admin'" in ask(auth, "users", "add", "ann", "--role", "adminn", check=2).stderr
    assert "'users list'" in ccodesctl("users", "lst", check=2).stderr


@pytest.mark.parametrize("words", [["users", "passwd", "bob"], ["users", "role", "bob", "admin"], ["users", "disable", "bob"],
                                   ["users", "enable", "bob"], ["users", "remove", "bob"],
                                   ["tokens", "add", "bob", "--scope", "download:*"]])
def test_somebody_who_is_not_there(auth, words):
    result = ask(auth, *words, input=PASSWORD, check=1)
    assert "there is no user 'bob'" in result.stderr
    told = json.loads(ask(auth, *words, "--json", input=PASSWORD, check=1).stdout)
    assert told["result"] == "failed" and "'bob'" in told["message"]


def test_a_name_that_is_taken_or_none(auth):
    add_ann(auth)
    assert "there is a user 'ann' already" in ask(auth, "users", "add", "ann", input=PASSWORD, check=1).stderr
    for name in ("Ann", "a b", "-", "ä", "x" * 65):
        assert "a user's name has" in ask(auth, "users", "add", "--no-password", name, check=1).stderr


def test_nobody_is_there_to_ask(tmp_path):
    result = ccodesctl("users", "list", "--socket", tmp_path / "none.sock", check=3)
    assert "nothing listens" in result.stderr
    if not os.path.exists("/run/ccodes/auth-accounts.sock"):
        assert "ccodesctl start auth" in ccodesctl("tokens", "list", check=3).stderr


def test_a_daemon_that_was_stopped(auth):
    auth.stop()
    assert "nothing listens" in ask(auth, "users", "list", check=3).stderr
    auth.start()
    assert ask_json(auth, "users", "list") == {"users": []}


def test_another_socket_than_that_of_accounts(auth):
    for name, words in ("auth.sock", "not the accounts socket"), ("auth-grants.sock", "auth-grants.sock"):
        result = ccodesctl("users", "list", "--socket", auth.folder / name, check=1)
        assert words in result.stderr, result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to be somebody else")
def test_who_has_no_right_is_told_whose_it_is():
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    program = shutil.copy(CCODESCTL, folder)
    place = folder / "accounts.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        for mode, words in ((0o660, "join the group 'adm'"), (0o600, "use sudo")):
            shutil.chown(place, group="adm")
            place.chmod(mode)
            result = subprocess.run([program, "users", "list", "--socket", place], capture_output=True, text=True,
                                    timeout=60, check=False, user=65534, group=65534, extra_groups=[])
            assert result.returncode == 4 and words in result.stderr, result
    shutil.rmtree(folder)
