# SPDX-License-Identifier: Apache-2.0
"""ccodes-auth as it is installed: started by who asks, open to whom it is for, and losing nothing that it acknowledged."""

import json
import time

import pytest
from server import CONFIG, FILES
from test_crash import BACK_SECONDS, seconds_to_start_nothing

SERVICE = "ccodes-auth.service"
SOCKETS = {"admin": "/run/ccodes/auth.sock", "accounts": "/run/ccodes/auth-accounts.sock",
           "grants": "/run/ccodes/auth-grants.sock"}
UNITS = tuple(f"ccodes-auth-{role}.socket" for role in SOCKETS)
STATE = "/var/lib/ccodes/auth"
PUBLIC_KEYS = "/run/ccodes/auth/grant-keys"
CLIENT = f"{FILES}/account_client.py"
ACCOUNT_CHANGED = "43386002a9c14fb98a7238ac66a3f9ff"  # MESSAGE_ID_ACCOUNT_CHANGED of src/shared/message_id.h
GRANT = {"client": "192.0.2.1", "audience": "server", "method": "PUT", "host": "files.example", "path": "/in/a",
         "scope": "upload:in"}


class Auth:
    def __init__(self, server):
        self.server = server
        self.machine = server.machine

    def state(self):
        return self.server.state(SERVICE)

    def pid(self):
        return int(self.server.unit_property(SERVICE, "MainPID"))

    def curl(self, role, path, body=None, user=None, check=True):
        """A request by this local user (None: root), as (exit status of the client, status, answer)."""
        who = ["setpriv", *user, "--clear-groups"] if user else []
        data = [json.dumps(body)] if body is not None else []
        if role == "grants":
            client = ["python3", f"{FILES}/grant_client.py", SOCKETS[role], path, *data]
        else:
            client = ["curl", "--silent", "--show-error", "--max-time", 30 * self.machine.patience, "--write-out",
                      "\n%{http_code}", "--unix-socket", SOCKETS[role], *(["--data-binary", *data] if data else []),
                      f"http://localhost{path}"]
        result = self.machine.run(*who, *client, check=check)
        text, _, status = result.out.rpartition("\n")
        return result.code, int(status or 0), json.loads(text) if text.startswith("{") else text

    def ask(self, role, path, body=None):
        _, status, answer = self.curl(role, path, body)
        assert status == 200, answer
        return answer

    def grant(self, token):
        return self.curl("grants", "/grant", {**GRANT, "authorization": f"Bearer {token}"})[1]


@pytest.fixture
def auth(server):
    """ccodes-auth with its sockets open."""
    server.machine.run("systemctl", "start", *UNITS)
    server.machine.run("systemctl", "stop", SERVICE)
    yield Auth(server)
    assert server.failed_units() == ""


def person(machine, user, group):
    """The options of setpriv for somebody of these."""
    uid, gid = machine.output("id", "-u", user), machine.output("getent", "group", group).split(":")[2]
    return [f"--reuid={uid}", f"--regid={gid}"]


def test_a_fresh_package_waits_for_who_asks(installed):
    for unit in UNITS:
        assert installed.output("systemctl", "is-active", unit, check=False) == "active"
        assert installed.output("systemctl", "is-enabled", unit, check=False) == "enabled"
    assert "ccodes-auth" in installed.output("ccodesctl", "status", check=False)


@pytest.mark.parametrize("role, path", [("admin", "/readyz"), ("accounts", "/users")])
def test_whoever_asks_starts_it(auth, role, path):
    assert auth.state() == "inactive"
    assert auth.curl(role, path)[1] == 200
    auth.machine.wait_until(lambda: auth.state() == "active", "the service is active")


def test_its_keys_and_users_are_its_own(auth):
    machine = auth.machine
    auth.ask("accounts", "/users")
    stat = "stat", "--format=%a %U"
    assert machine.output(*stat, STATE) == "700 ccodes-auth"
    assert machine.output(*stat, f"{STATE}/users.sqlite").split()[1] == "ccodes-auth"
    assert machine.output(*stat, f"{STATE}/grant-keys.secret") == "600 ccodes-auth"
    assert machine.output(*stat, PUBLIC_KEYS) == "644 ccodes-auth"
    gateway = ["setpriv", *person(machine, "ccodes-server", "ccodes"), "--clear-groups"]
    assert machine.output(*gateway, "cat", PUBLIC_KEYS) != ""
    assert not machine.run(*gateway, "cat", f"{STATE}/users.sqlite", check=False).ok
    before = machine.output("stat", "--format=%i", "/run/ccodes/auth")
    machine.run("systemctl", "stop", SERVICE)
    assert machine.output(*gateway, "cat", PUBLIC_KEYS) != "", "grants are checked while it is away, too"
    auth.ask("accounts", "/users")
    assert machine.output("stat", "--format=%i", "/run/ccodes/auth") == before, "a sandbox would still see the old folder"


def test_each_socket_is_open_to_whom_it_is_for(auth):
    machine = auth.machine
    people = {
        "root": None,
        "a stranger": person(machine, "nobody", "nogroup"),
        "the gateway": person(machine, "ccodes-server", "ccodes"),
        "an operator": person(machine, "nobody", "ccodes"),
        "an administrator": person(machine, "nobody", "ccodes-admin"),
    }
    paths = {"admin": "/healthz", "accounts": "/users", "grants": "/grant"}
    reached = {(name, role) for name, user in people.items() for role, path in paths.items()
               if auth.curl(role, path, user=user, check=False)[0] == 0}
    assert reached == {("root", "admin"), ("root", "accounts"), ("root", "grants"), ("the gateway", "admin"),
                       ("the gateway", "grants"), ("an operator", "admin"), ("an administrator", "accounts")}


def test_who_changed_what_is_in_the_journal(auth):
    cursor = auth.machine.journal_cursor()
    administrator = person(auth.machine, "nobody", "ccodes-admin")
    user = {"name": "somebody", "role": "viewer"}
    assert auth.curl("accounts", "/users/add", user, user=administrator)[1] == 200
    auth.ask("accounts", "/users/remove", {"name": user["name"]})
    entries = auth.machine.journal(f"MESSAGE_ID={ACCOUNT_CHANGED}", since=cursor)
    nobody = administrator[0].partition("=")[2]
    assert [entry["CCODES_PEER_UID"] for entry in entries] == [nobody, "0"]
    assert all(user["name"] in entry["MESSAGE"] and entry["_SYSTEMD_UNIT"] == SERVICE for entry in entries)
    assert "ccodes-admin" in auth.machine.output("journalctl", "-x", f"MESSAGE_ID={ACCOUNT_CHANGED}", "-n", "1")


def test_administrators_need_no_root(auth):
    machine = auth.machine

    def ccodesctl(user, *words, **options):
        who = ["setpriv", *user, "--clear-groups"]
        return machine.run(*who, "ccodesctl", *words, **options)

    administrator = person(machine, "nobody", "ccodes-admin")
    assert auth.state() == "inactive"
    ccodesctl(administrator, "users", "add", "ann", "--role", "operator", stdin="correct horse\n")
    token = ccodesctl(administrator, "tokens", "add", "ann", "--scope", "upload:in").out.strip()
    assert auth.grant(token) == 200
    ccodesctl(administrator, "users", "disable", "ann")
    assert auth.grant(token) == 401
    ccodesctl(administrator, "users", "remove", "ann")
    for group in ("nogroup", "ccodes"):
        result = ccodesctl(person(machine, "nobody", group), "users", "list", check=False)
        assert result.code == 4 and "ccodes-admin" in result.err
    machine.run("ccodesctl", "stop", "auth", timeout=60)
    result = ccodesctl(administrator, "users", "list", check=False)
    assert result.code == 3 and "sudo ccodesctl start auth" in result.err


FOLDER = "/srv/ccodes-tests-tokens"
ASKS_FOR_TOKENS = CONFIG + f"""
[[site.upload]]
name = "in"
path = "/in/"
folder = "{FOLDER}"
access = "token"
overwrite = true

[auth]
remember = "0s"
"""


@pytest.fixture
def gateway(auth):
    """The server with an upload folder that asks for tokens, and a user who may upload."""
    machine = auth.machine
    machine.script(f"rm -rf {FOLDER}; install -d -o ccodes-server -g ccodes {FOLDER}")
    auth.server.started()
    auth.server.write_config(ASKS_FOR_TOKENS)
    machine.run("ccodesctl", "apply", timeout=120)
    machine.run("ccodesctl", "users", "add", "ann", "--role", "operator", stdin="correct horse")
    yield auth
    machine.run("ccodesctl", "users", "remove", "ann")
    auth.server.write_config(CONFIG)
    machine.run("ccodesctl", "apply", timeout=120)
    machine.run("rm", "-rf", FOLDER)


def put(gateway, *arguments):
    """The status and the cause of an upload."""
    gateway.machine.put("/run/ccodes-tests-upload", "content")
    response = gateway.server.get("http://localhost/in/a.txt", "--upload-file", "/run/ccodes-tests-upload",
                                  "--header", "Expect:", *arguments)
    return response.status, response.fields.get("ccodes-cause")


def bearer(token):
    return "--header", f"Authorization: Bearer {token}"


def test_who_shows_a_token_may_upload(gateway):
    machine = gateway.machine
    token, other = (machine.output("ccodesctl", "tokens", "add", "ann", "--scope", scope).split()[0]
                    for scope in ("upload:in", "upload:other"))
    assert put(gateway)[0] == 401
    assert put(gateway, *bearer(token))[0] == 201
    assert machine.output("cat", f"{FOLDER}/a.txt") == "content"
    assert put(gateway, "--user", "ann:correct horse")[0] in (200, 204)
    assert put(gateway, *bearer(other)) == (403, "scope-missing")
    assert put(gateway, *bearer(token[:-4] + "AAAA"))[0] == 401
    machine.run("ccodesctl", "users", "disable", "ann")
    assert put(gateway, *bearer(token))[0] == 401
    machine.run("ccodesctl", "users", "enable", "ann")
    assert put(gateway, *bearer(token))[0] in (200, 204)


def test_the_gateway_s_question_starts_it(gateway):
    machine = gateway.machine
    token = machine.output("ccodesctl", "tokens", "add", "ann", "--scope", "upload:in").split()[0]
    machine.run("systemctl", "stop", SERVICE)
    assert put(gateway, *bearer(token))[0] == 201
    machine.wait_until(lambda: gateway.state() == "active", "the service is active")
    before = gateway.pid()
    machine.run("kill", "-KILL", before)
    machine.wait_until(lambda: next_pid(gateway, before), "the service runs again")
    assert put(gateway, *bearer(token))[0] in (200, 204)
    machine.run("systemctl", "stop", *UNITS, SERVICE)
    status, cause = put(gateway, *bearer(token))
    assert status == 503 and cause, "without who keeps the users nobody is let in"
    machine.run("systemctl", "start", *UNITS)
    assert put(gateway, *bearer(token))[0] in (200, 204)


class Adding:
    """Users and tokens that are added all the time."""

    def __init__(self, auth, prefix):
        self.auth, self.machine, self.prefix = auth, auth.machine, prefix
        self.report = {}

    def done(self):
        text = self.machine.run("cat", f"/run/ccodes-tests-{self.prefix}", check=False).out
        return int(text or 0)

    def go_on(self, number):
        before = self.done()
        self.machine.wait_until(lambda: self.done() >= before + number, f"{number} users more were asked for")

    def __enter__(self):
        self.machine.run("rm", "-f", f"/run/ccodes-tests-{self.prefix}")
        self.client = self.machine.spawn("python3", CLIENT, self.prefix, timeout=max(600, 30 * self.machine.rounds))
        self.go_on(3)
        return self

    def __exit__(self, *_):
        self.client.signal()
        self.report.update(json.loads(self.client.wait().out))

    def check(self):
        """What was acknowledged is there and works, and nobody was refused."""
        report = self.report
        assert report["refused"] == 0 and report["wrong"] == [], report
        users = {user["name"] for user in self.auth.ask("accounts", "/users")["users"]}
        tokens = {token["id"] for token in self.auth.ask("accounts", "/tokens")["tokens"]}
        assert set(report["users"]) <= users and set(report["tokens"]) <= tokens
        assert report["tokens"]
        for token in list(report["tokens"].values())[-3:]:
            assert self.auth.grant(token) == 200


def next_pid(auth, gone):
    pid = auth.pid()
    return pid if pid not in (0, gone) and auth.state() == "active" else 0


def test_killed_again_and_again_it_loses_nothing_acknowledged(auth, figure):
    machine = auth.machine
    back, noise = [], []
    with Adding(auth, "killed") as adding:
        pid = auth.pid()
        for _ in range(machine.rounds):
            adding.go_on(3)
            noise.append(seconds_to_start_nothing(auth.server))
            began = time.monotonic()
            machine.run("kill", "-KILL", pid)
            pid = machine.wait_until(lambda gone=pid: next_pid(auth, gone), "the service runs again")
            back.append(time.monotonic() - began)
    adding.check()
    assert adding.report["broken"] <= machine.rounds
    figure("ccodes-auth, kill -9, worst: the unit active again after (ms)", round(1000 * max(back)))
    figure("ccodes-auth, kill -9: users and tokens acknowledged, and all there",
           len(adding.report["users"]) + len(adding.report["tokens"]))
    if machine.keeps_time:
        assert max(back) < BACK_SECONDS + max(noise), (back, noise)


def test_a_power_cut_loses_nothing_acknowledged(auth):
    machine = auth.machine
    if not hasattr(machine, "cut_power"):
        pytest.skip("a container cannot lose what its host's kernel holds; 'make test-vm' runs this test")
    auth.ask("accounts", "/users")
    machine.run("sync")  # so that what is lost was written here
    token = None
    for number in range(5):
        user = {"name": f"cut-{number}", "role": "operator"}
        auth.ask("accounts", "/users/add", user)
        token = auth.ask("accounts", "/tokens/add", {"user": user["name"], "scopes": "upload:*"})["token"]
    machine.cut_power()
    machine.start()
    auth.server.forget_units()
    users = {user["name"] for user in auth.ask("accounts", "/users")["users"]}
    assert {f"cut-{number}" for number in range(5)} <= users
    assert auth.grant(token) == 200, "the last one too"


def test_a_restart_refuses_nobody(auth):
    with Adding(auth, "restarted") as adding:
        for _ in range(5):
            auth.machine.run("systemctl", "restart", SERVICE, timeout=60)
            adding.go_on(3)
    adding.check()
    assert adding.report["broken"] == 0, adding.report


def test_a_package_upgrade_keeps_it_all(auth, packages):
    """The same version once more goes the way of an upgrade through the maintainer scripts."""
    auth.server.started()
    auth.ask("accounts", "/users")
    with Adding(auth, "upgraded") as adding:
        before = auth.server.unit_property(SERVICE, "InvocationID")
        auth.machine.run("dpkg", "--install", *(f"{FILES}/{package.name}" for package in packages), timeout=180)
        assert auth.server.unit_property(SERVICE, "InvocationID") != before, "the new version has to run"
        adding.go_on(3)
    adding.check()
    assert adding.report["broken"] == 0, adding.report
    auth.server.forget_units()


def test_ccodesctl_steers_it(auth):
    machine = auth.machine

    def states():
        return [auth.server.state(unit) for unit in (SERVICE, *UNITS)]

    machine.run("ccodesctl", "start", "auth", timeout=60)
    assert states() == ["active"] * 4
    machine.run("ccodesctl", "reload", "auth")
    before = auth.pid()
    machine.run("ccodesctl", "restart", "auth", timeout=60)
    assert auth.pid() != before and states() == ["active"] * 4
    machine.run("systemctl", "reload", SERVICE)
    machine.run("ccodesctl", "stop", "auth", timeout=60)
    assert states() == ["inactive"] * 4
    result = machine.run("ccodesctl", "reload", "auth", check=False)
    assert result.code == 3 and "ccodesctl start auth" in result.err
    machine.run("ccodesctl", "disable", "auth", timeout=60)
    assert machine.output("systemctl", "is-enabled", SERVICE, *UNITS, check=False).split() == ["disabled"] * 4
    machine.run("ccodesctl", "enable", "auth", timeout=60)
    assert machine.output("systemctl", "is-enabled", SERVICE, *UNITS).split() == ["enabled"] * 4
    assert states() == ["active"] * 4
    machine.run("systemctl", "disable", SERVICE)
    machine.run("systemctl", "enable", *UNITS)
    assert "ccodes-auth" in machine.output("ccodesctl", "logs", "--unit", "auth", "--lines", "5")


def test_a_reload_without_a_name_is_for_all_that_run(auth):
    auth.server.started()
    try:
        auth.server.write_config(CONFIG + '[auth]\ngrant_lifetime = "77s"\n')
        auth.machine.run("ccodesctl", "reload")
        assert auth.state() == "inactive", "it is not started for that"
        assert auth.ask("admin", "/config")["auth"]["grant_lifetime"] == "1min 17s"
        auth.server.write_config(CONFIG + '[auth]\ngrant_lifetime = "78s"\n')
        assert "ccodes-auth: " in auth.machine.output("ccodesctl", "reload")
        assert auth.ask("admin", "/config")["auth"]["grant_lifetime"] == "1min 18s"
    finally:
        auth.server.write_config(CONFIG)
        auth.machine.run("ccodesctl", "reload")


def test_apply_restarts_it_where_it_runs(auth):
    auth.server.started()
    auth.machine.run("ccodesctl", "apply", timeout=120)
    assert auth.state() == "inactive", "it is not started for that"
    auth.ask("accounts", "/users")
    auth.machine.wait_until(lambda: auth.state() == "active", "the service is active")
    before = auth.pid()
    auth.machine.run("ccodesctl", "apply", timeout=120)
    assert auth.state() == "active" and auth.pid() != before
    auth.server.forget_units()
