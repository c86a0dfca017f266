# SPDX-License-Identifier: Apache-2.0
"""ccodesctl run: a folder or a configuration, in the foreground, from the first address to the end."""

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from cli import CCODESCTL, Run, ccodesctl, ccodesctl_json
from daemon import TOP, until


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "a \"site\" of ours"
    folder.mkdir()
    (folder / "a.txt").write_text("hello")
    return folder


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_folder_over_http_and_https(run, site, tmp_path):
    server = run("--dir", site, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0")
    assert server.ready["result"] == "ready"
    assert server.get("a.txt") == b"hello"
    assert server.get("a.txt", "https", context=unverified()) == b"hello"
    assert b"a.txt" in server.get("")  # listed
    (site / "a.txt").write_text("changed")
    assert {server.get("a.txt") for _ in range(8)} == {b"changed"}  # whichever worker answers

    certificate = tmp_path / "home/ccodes/development.pem"
    assert server.ready["certificate"] == str(certificate)
    assert (certificate.with_suffix(".key").stat().st_mode & 0o777) == 0o600
    trusted = ssl.create_default_context(cafile=certificate)
    assert server.get("a.txt", "https", context=trusted) == b"changed"


def fetch(server, path):
    with pytest.raises(urllib.error.HTTPError) as failure:
        server.get(path)
    return failure.value.code, failure.value.read(), failure.value.headers


def test_a_page_of_the_folder_for_each_error(run, site):
    server = run(site, "--http", "127.0.0.1:0")
    status, body, _ = fetch(server, "missing")
    assert status == 404 and b"no such file" in body
    (site / "404.html").write_text("<h1>not here</h1>")  # seen at once, as any other file
    (site / "403.html").write_text("<h1>not yours</h1>")
    (site / "link").symlink_to("/etc/hostname")
    status, body, headers = fetch(server, "some/deep/path")
    assert (status, body) == (404, b"<h1>not here</h1>")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["ccodes-cause"] == "file-not-found"
    assert fetch(server, "link")[:2] == (403, b"<h1>not yours</h1>")
    (site / "404.html").unlink()
    assert b"no such file" in fetch(server, "missing")[1]


def test_one_folder(site, tmp_path):
    assert "two folders" in ccodesctl("run", site, "--dir", site, check=2).stderr
    assert "a folder" in ccodesctl("run", check=2).stderr
    assert "configuration says" in ccodesctl("run", site, "--config", tmp_path / "x.toml", check=2).stderr


def test_the_certificate_is_kept(site, tmp_path):
    seen = set()
    for _ in range(2):
        server = Run("--dir", site, "--https", "127.0.0.1:0", folder=tmp_path)
        seen.add((tmp_path / "home/ccodes/development.pem").read_text())
        assert server.stop() == 0
    assert len(seen) == 1
    (tmp_path / "home/ccodes/development.pem").write_text("broken")
    server = Run("--dir", site, "--https", "127.0.0.1:0", folder=tmp_path)
    assert server.get("a.txt", "https", context=unverified()) == b"hello"
    assert server.stop() == 0


def test_localhost_is_both_families_on_one_port(run, site):
    server = run("--dir", site, "--http", "localhost:0")
    addresses = [entry["address"] for entry in server.ready["addresses"]]
    assert addresses[0].startswith("127.0.0.1:")
    assert {address.rpartition(":")[2] for address in addresses} == {addresses[0].rpartition(":")[2]}
    if socket.has_ipv6 and len(addresses) == 2:
        host, _, port = addresses[1].rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
            pass


def test_workers(run, site):
    server = run("--dir", site, "--http", "127.0.0.1:0", "--workers", 3)
    assert ccodesctl_json("status", "--socket", server.socket)["services"][0]["status"]["workers"] == 3


def test_a_configuration(run, site, tmp_path):
    config = tmp_path / "my.toml"
    config.write_text(f'[[server.listener]]\nname = "mine"\naddress = "127.0.0.1:0"\n'
                      f'[[site]]\nname = "s"\nroot = {json.dumps(str(site))}\n')
    state = tmp_path / "state/deep"
    server = run("--config", config, "--state", state)
    assert server.ready["config"] == str(config)
    assert server.socket == str(state / "server.sock")
    assert server.get("a.txt", "mine") == b"hello"
    with pytest.raises(urllib.error.HTTPError) as failure:
        server.get("", "mine")
    assert failure.value.headers["Ccodes-Cause"] == "listing-forbidden"
    assert server.stop() == 0
    assert list(state.iterdir()) == []
    assert config.exists()


def test_what_it_made_is_removed(site, tmp_path):
    server = Run("--dir", site, "--http", "127.0.0.1:0", folder=tmp_path)
    folder = os.path.dirname(server.socket)
    assert os.path.dirname(folder) == str(tmp_path) and os.stat(folder).st_mode & 0o777 == 0o700
    assert server.stop() == 0
    assert not os.path.exists(folder)
    assert is_gone(server.ready["pid"])


def test_a_state_folder_is_of_one_at_a_time(site, tmp_path):
    words = ("--dir", site, "--http", "127.0.0.1:0", "--state", tmp_path / "state")
    server = Run(*words, folder=tmp_path)
    result = ccodesctl("run", *words, check=1)
    assert f"another 'ccodesctl run' keeps its state in {tmp_path}/state" in result.stderr and result.stdout == ""
    assert ccodesctl("status", "--socket", server.socket, check=0)
    assert server.stop() == 0
    again = Run(*words, folder=tmp_path)
    assert again.stop() == 0
    assert list((tmp_path / "state").iterdir()) == []


def test_an_upload_folder(run, site, tmp_path):
    (tmp_path / "files").mkdir()
    url = run("--dir", site, "--http", "127.0.0.1:0", "--upload", f"/files/={tmp_path}/files").url().rstrip("/") + "/files/"
    done = subprocess.run(["curl", "-sS", "-F", f"file=@{TOP}/README.md", url], capture_output=True, text=True, timeout=20)
    assert '"name":"README.md"' in done.stdout, done
    assert (tmp_path / "files/README.md").read_bytes() == (TOP / "README.md").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it(site, tmp_path, number):
    server = Run("--dir", site, "--http", "127.0.0.1:0", folder=tmp_path)
    assert server.stop(number) == 0
    assert is_gone(server.ready["pid"])


def test_the_daemon_does_not_outlive_it(site, tmp_path):
    server = Run("--dir", site, "--http", "127.0.0.1:0", folder=tmp_path)
    server.process.kill()
    server.process.wait(10)
    until(lambda: is_gone(server.ready["pid"]), "the daemon ends too")
    server.process.stdout.close()


def test_a_daemon_that_dies_is_reported(site, tmp_path):
    server = Run("--dir", site, "--http", "127.0.0.1:0", folder=tmp_path)
    os.kill(server.ready["pid"], signal.SIGKILL)
    assert server.process.wait(10) == 1
    assert "ended with signal 9" in server.log()
    server.process.stdout.close()


def test_an_address_in_use(run, site, tmp_path):
    port = run("--dir", site, "--http", "127.0.0.1:0").url().rstrip("/").rpartition(":")[2]
    result = ccodesctl("run", "--dir", site, "--http", f"127.0.0.1:{port}", check=1)
    assert f"127.0.0.1:{port} is in use" in result.stderr and "did not start" in result.stderr
    assert "run.toml" not in result.stderr  # nobody has written it
    assert result.stdout == ""


@pytest.mark.parametrize("words, status, part", [
    (["--dir", "/is/not/there"], 1, "/is/not/there"),
    (["--dir", "/etc/passwd"], 1, "not a folder"),
    (["--dir", "/tmp", "--http", "example.org:80"], 2, "names are not looked up"),
    (["--dir", "/tmp", "--http", "localhost"], 2, "--http: 'localhost' needs a port"),
    (["--dir", "/tmp", "--https", "99999"], 2, "--https: '99999' is no port"),
    (["--dir", "/tmp", "--workers", "many"], 2, "--workers takes a number"),
    (["--dir", "/tmp", "--upload", "/files/"], 2, "--upload takes PATH=FOLDER"),
    (["--dir", "/tmp", "--upload", "files=/tmp"], 2, "--upload takes PATH=FOLDER"),
    (["--dir", "/tmp", "--upload", "/files/=/is/not/there"], 1, "/is/not/there"),
    (["--config", "/is/not/there.toml"], 1, "/is/not/there.toml"),
    (["--dir", "/tmp", "--state", "/proc/x"], 1, "/proc/x"),
    (["--dir", "/tmp", "--state", "/etc/passwd"], 1, "keeping the state in /etc/passwd: Not a directory"),
])
def test_what_cannot_be_served(tmp_path, words, status, part):
    result = ccodesctl("run", *words, check=status, environment={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert part in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_a_home_gets_a_certificate(site, tmp_path):
    environment = {"XDG_DATA_HOME": "", "HOME": "/proc/nobody"}
    server = Run("--dir", site, "--https", "127.0.0.1:0", folder=tmp_path, environment=environment)
    assert server.ready["certificate"].startswith(str(tmp_path)) and server.stop() == 0


def test_ctrl_c_at_any_moment_of_the_start(site, tmp_path):
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "home")}
    for moment in range(0, 60, 3):
        process = subprocess.Popen([CCODESCTL, "run", "--dir", site, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment,
                                   start_new_session=True)
        time.sleep(moment / 1000)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, words = process.communicate(timeout=20)
        assert process.returncode in (0, -signal.SIGINT), words
        assert "error" not in words and "did not start" not in words
        assert [path.name for path in tmp_path.glob("ccodes-run-*")] == []


def test_people_get_addresses(site, tmp_path):
    process = subprocess.Popen([CCODESCTL, "run", "--dir", site, "--http", "127.0.0.1:0"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline() == f"Serving {site} on\n"
    assert process.stdout.readline().startswith("  http://localhost:")
    assert "Ctrl-C" in process.stdout.readline()
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()


def test_ctrl_c_reaches_the_daemon_once(site, tmp_path):
    """A terminal sends it to its whole foreground group; a second one would cut requests short."""
    server = Run("--dir", site, "--http", "127.0.0.1:0", folder=tmp_path)
    assert os.getpgid(server.ready["pid"]) != os.getpgid(server.process.pid)
    assert server.stop() == 0


def config_with_uploads(tmp_path, access, state=None):
    (tmp_path / "uploads").mkdir()
    config = tmp_path / "my.toml"
    config.write_text(f'[[server.listener]]\nname = "http"\naddress = "127.0.0.1:0"\n'
                      f'[[site]]\nname = "s"\nroot = {json.dumps(str(tmp_path))}\n'
                      f'[[site.upload]]\nname = "in"\npath = "/in/"\nfolder = {json.dumps(str(tmp_path / "uploads"))}\n'
                      f'access = "{access}"\n' + (f"""[auth]
socket = {json.dumps(str(state / "auth-grants.sock"))}
public_keys = {json.dumps(str(state / "grant-keys"))}
""" if state else ""))
    return config


def pid_of(state, name):
    status = ccodesctl_json("status", "--socket", state / f"{name}.sock")["services"][0]["status"]
    assert status["name"] == f"ccodes-{name}"
    return status["pid"]


def test_a_configuration_that_asks_for_tokens_gets_who_keeps_them(run, tmp_path):
    state = tmp_path / "state"
    config = config_with_uploads(tmp_path, "token", state)
    for _ in range(2):
        server = run("--config", config, "--state", state)
        accounts = server.ready["accounts_socket"]
        assert accounts == str(state / "auth-accounts.sock") and server.ready["token"] is None
        pids = [pid_of(state, name) for name in ("server", "auth")]
        assert pids[0] == server.ready["pid"]
        users = [user["name"] for user in ccodesctl_json("users", "list", "--socket", accounts)["users"]]
        if not users:
            ccodesctl("users", "add", "ann", "--no-password", "--socket", accounts, check=0)
        assert server.stop() == 0
        assert all(map(is_gone, pids))
        assert {path.name for path in state.iterdir()} == {"users.sqlite", "grant-keys", "grant-keys.secret"}
    assert users == ["ann"], "they last as long as the folder"


def test_a_configuration_without_tokens_has_no_accounts(run, tmp_path):
    server = run("--config", config_with_uploads(tmp_path, "anyone"), "--state", tmp_path / "state")
    assert server.ready["accounts_socket"] is None
    assert not (tmp_path / "state/auth.sock").exists()


def test_a_configuration_that_asks_elsewhere_for_tokens(run, tmp_path):
    server = run("--config", config_with_uploads(tmp_path, "token"), "--state", tmp_path / "state")
    assert server.ready["accounts_socket"] is None
    assert "auth-grants.sock" in server.log()


@pytest.mark.parametrize("daemon", ["auth", "server"])
def test_told_to_stop_while_it_comes_up(tmp_path, daemon):
    state = tmp_path / "state"
    process = subprocess.Popen([CCODESCTL, "run", "--config", config_with_uploads(tmp_path, "token", state), "--state", state],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until((state / f"{daemon}.sock").exists, f"ccodes-{daemon} has begun")
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert not list(state.glob("*.sock"))


def test_it_serves_with_both_or_not_at_all(tmp_path):
    state = tmp_path / "state"
    config = config_with_uploads(tmp_path, "token", state)
    server = Run("--config", config, "--state", state, folder=tmp_path)
    os.kill(pid_of(state, "auth"), signal.SIGKILL)
    assert server.process.wait(20) == 1
    assert "ccodes-auth has ended with signal 9" in server.log() and is_gone(server.ready["pid"])
    server.stop()
    for path in state.glob("users.sqlite-*"):
        path.unlink()  # what was written last is there, and would be read
    (state / "users.sqlite").write_bytes(b"this is no database" * 100)
    result = ccodesctl("run", "--config", config, "--state", state, check=1)
    assert "ccodes-auth did not start" in result.stderr and "users" in result.stderr


def test_a_token_for_a_first_try(run, site, tmp_path):
    (tmp_path / "in").mkdir()
    server = run(site, "--http", "127.0.0.1:0", "--upload", f"/in/={tmp_path}/in", "--token")
    listed, = ccodesctl_json("tokens", "list", "--socket", server.ready["accounts_socket"])["tokens"]
    assert (listed["user"], listed["scopes"]) == ("you", "upload:*") and 0 < listed["expires"] - time.time() <= 86400
    token = server.ready["token"]

    def put(authorization):
        request = urllib.request.Request(server.url() + "in/a.txt", b"content", authorization, method="PUT")
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status

    for wrong in ({}, {"Authorization": f"Bearer {token[:-4]}AAAA"}):
        with pytest.raises(urllib.error.HTTPError) as failure:
            put(wrong)
        assert failure.value.code == 401
    assert put({"Authorization": f"Bearer {token}"}) == 201
    assert (tmp_path / "in/a.txt").read_bytes() == b"content"
    folder = os.path.dirname(server.socket)
    assert server.stop() == 0
    assert not os.path.exists(folder), "what is temporary goes with all that was kept in it"


def test_a_token_is_for_uploads(site):
    assert "--upload" in ccodesctl("run", site, "--token", check=2).stderr
