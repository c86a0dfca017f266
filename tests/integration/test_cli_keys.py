# SPDX-License-Identifier: Apache-2.0
"""ccodesctl keys and sign: from the first key to the last file that is wrapped by another."""

import json
import os
import random
import signal
import stat
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from cli import CCODESCTL, ccodesctl, ccodesctl_json
from sealed_folder import sealed

CONFIGURATION = """
[server]
workers = 2
[[server.listener]]
name = "http"
address = "127.0.0.1:0"
[[site]]
name = "main"
default = true
root = "{top}/root"
signing_key = "downloads"
[[site.rule]]
path = "/paid/**"
signed = true
[[site.upload]]
name = "vault"
path = "/vault/"
folder = "{top}/vault"
access = "anyone"
min_free = 0
format = "sealed"
key = "vault"
"""


class Place:
    """A configuration, and where its keys are."""

    def __init__(self, top):
        self.top, self.vault, self.state = top, top / "vault", top / "state"
        self.config, self.credentials = top / "ccodes.toml", top / "state" / "credentials"
        for folder in (self.vault, top / "root" / "paid"):
            folder.mkdir(parents=True)
        (top / "root/paid/a b.txt").write_text("paid for")
        self.config.write_text(CONFIGURATION.format(top=top))

    def words(self, *words):
        return [*words, "--config", self.config, "--credentials", self.credentials]

    def json(self, *words, check=0):
        return ccodesctl_json(*self.words(*words), check=check)

    def call(self, *words, check=None):
        return ccodesctl(*self.words(*words), check=check)

    def keys(self, name="vault"):
        return [key["key"] for key in self.json("keys", "list", name)[0]["keys"]]

    def secrets(self):
        return [line.split()[1] for path in self.credentials.iterdir() for line in path.read_text().splitlines()[1:]]

    def wrapped_by(self, name):
        data = (self.vault / name).read_bytes()
        return {block[32:48].rstrip(b"\0").decode() for block in (data[:4096], data[4096:8192]) if any(block)}

    def opened(self, name):
        return sealed.unseal((self.vault / name).read_bytes(),
                             sealed.read_keys((self.credentials / "vault").read_text()))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def served(place, run):
    """`ccodesctl run` with the configuration; makes the keys."""
    return run("--config", place.config, "--state", place.state)


def put(server, name, content):
    request = urllib.request.Request(server.url() + "vault/" + name, data=content, method="PUT")
    urllib.request.urlopen(request, timeout=20).close()


def test_run_makes_the_keys_that_are_named(place, served):
    listed = place.json("keys", "list")
    assert [(one["name"], one["purpose"], len(one["keys"])) for one in listed] == [("downloads", "sign", 1), ("vault", "seal", 1)]
    for path in place.credentials.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.credentials.stat().st_mode) == 0o700
    put(served, "a.bin", b"content")
    assert place.wrapped_by("a.bin") == set(place.keys())
    text = place.call("keys", "list", check=0).stdout
    assert "newest" in text and not any(secret in text for secret in place.secrets())


def test_run_without_a_folder_for_keys_says_so(place):
    refused = ccodesctl("run", "--config", place.config, check=1)
    assert "--state" in refused.stderr


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/usr/bin/systemd-creds"), reason="no systemd-creds here")
def test_keys_are_encrypted_for_this_machine(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("encrypting for the machine takes root")
    words = ["--credentials", tmp_path / "keys"]
    made = ccodesctl_json("keys", "init", "vault", *words)
    data = (tmp_path / "keys/vault.cred").read_bytes()
    assert made["encrypted"] and made["file"].endswith("vault.cred") and b"ccodes-keys" not in data
    plain = subprocess.run(["systemd-creds", "decrypt", "--name=vault", tmp_path / "keys/vault.cred", "-"], check=True,
                           capture_output=True, text=True).stdout
    assert plain.startswith("ccodes-keys 1 seal\n" + made["key"])
    assert [key["key"] for key in ccodesctl_json("keys", "list", "vault", *words)[0]["keys"]] == [made["key"]]
    # Under another name it is not opened: systemd binds one to the other.
    (tmp_path / "keys/vault.cred").rename(tmp_path / "keys/other.cred")
    assert ccodesctl("keys", "list", "other", *words, check=1).stderr


def test_init_says_what_is_wrong(place):
    place.call("keys", "init", "x", "--plain", check=0)
    assert "already" in place.call("keys", "init", "x", "--plain", check=1).stderr
    assert "seal or sign" in place.call("keys", "init", "y", "--purpose", "both", check=2).stderr
    place.call("keys", "init", "../y", check=1)
    assert "keys init" in place.call("keys", "list", "nothing", check=1).stderr
    (place.credentials / "bad").write_text("ccodes-keys 1 seal\na 1234\n")
    refused = place.call("keys", "list", "bad", check=1)
    assert "line 2" in refused.stderr and "1234" not in refused.stderr


def test_rotate_wraps_every_file_and_changes_no_content(place, served):
    contents = {f"f{i}.bin": random.Random(i).randbytes(70000 * i) for i in range(4)}
    for name, content in contents.items():
        put(served, name, content)
    records = {name: (place.vault / name).read_bytes()[8192:] for name in contents}
    first = place.keys()[-1]
    tags = {name: urllib.request.urlopen(served.url() + "vault/" + name).headers["etag"] for name in contents}
    rotated = place.json("keys", "rotate", "vault", "--socket", served.socket)
    assert (rotated["result"], rotated["files"], rotated["rewrapped"], rotated["faults"]) == ("rotated", 4, 4, [])
    assert rotated["key"] == place.keys()[-1] != first
    for name, content in contents.items():
        assert place.wrapped_by(name) == {rotated["key"]}
        assert (place.vault / name).read_bytes()[8192:] == records[name]
        assert served.get("vault/" + name) == content == place.opened(name)
        assert urllib.request.urlopen(served.url() + "vault/" + name).headers["etag"] == tags[name]
    assert place.json("keys", "rewrap", "vault")["rewrapped"] == 0
    counted = place.json("keys", "list", "vault", "--files")[0]["keys"]
    assert [key["files"] for key in counted] == [0, 4]

    assert place.json("keys", "remove", "vault", first)["result"] == "removed"
    assert place.keys() == [rotated["key"]]
    assert ccodesctl_json("reload", "--socket", served.socket)["result"] == "reloaded"
    for name, content in contents.items():
        assert served.get("vault/" + name) == content


def test_a_key_that_files_need_stays(place, served):
    put(served, "a.bin", b"content")
    first = place.keys()[0]
    assert "newest" in place.call("keys", "remove", "vault", first, check=1).stderr
    text = (place.credentials / "vault").read_text()
    (place.credentials / "vault").write_text(text + "second " + "22" * 32 + "\n")
    assert "1 files need" in place.call("keys", "remove", "vault", first, check=1).stderr
    assert place.keys() == [first, "second"]
    assert "no key 'third'" in place.call("keys", "remove", "vault", "third", check=1).stderr


def test_what_cannot_be_opened_is_named_and_left_alone(place, served):
    put(served, "good.bin", b"content")
    put(served, "changed.bin", b"content")
    (place.vault / "plain.txt").write_text("y" * 9000)
    with open(place.vault / "changed.bin", "r+b") as file:
        file.seek(60)
        file.write(b"????")
    os.symlink(place.config, place.vault / "link")
    before = {name: (place.vault / name).read_bytes() for name in ("plain.txt", "changed.bin")}
    rotated = place.json("keys", "rotate", "vault", "--socket", served.socket, check=1)
    assert (rotated["files"], rotated["rewrapped"]) == (1, 1)
    assert {os.path.basename(fault["file"]) for fault in rotated["faults"]} == {"plain.txt", "changed.bin"}
    for name, data in before.items():
        assert (place.vault / name).read_bytes() == data


def test_a_key_that_cannot_be_put_in_force_wraps_nothing(place, served):
    put(served, "a.bin", b"content")
    first = place.keys()[0]
    refused = place.call("keys", "rotate", "vault", "--socket", place.top / "nobody.sock", check=3)
    assert "not in force" in refused.stderr
    assert place.wrapped_by("a.bin") == {first} and len(place.keys()) == 2


def test_rotation_under_load_loses_no_request(place, served):
    content = random.Random(5).randbytes(300_000)
    names = [f"f{i}.bin" for i in range(20)]
    for name in names:
        put(served, name, content)
    ended, faults, done = threading.Event(), [], []

    def load(number):
        while not ended.is_set():
            name = names[(number * 7 + len(done)) % len(names)]
            try:
                if number == 0:
                    put(served, name, content)
                elif served.get("vault/" + name) != content:
                    faults.append(f"{name}: other bytes")
            except OSError as error:
                faults.append(f"{name}: {error}")
            done.append(1)

    threads = [threading.Thread(target=load, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        rotations = [place.json("keys", "rotate", "vault", "--socket", served.socket) for _ in range(5)]
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert not faults and len(done) > 20
    assert all(rotation["faults"] == [] for rotation in rotations)
    for name in names:
        assert place.wrapped_by(name) == {rotations[-1]["key"]}


def test_a_rewrap_that_is_killed_at_any_moment_is_completed_by_the_next(place, served):
    content = random.Random(6).randbytes(100)
    names = [f"f{i:03}.bin" for i in range(300)]
    for name in names:
        put(served, name, content)
    chance = random.Random(7)
    for _ in range(15):
        text = (place.credentials / "vault").read_text()
        keys = [line for line in text.splitlines()[1:]][-2:]
        new = f"k{chance.randrange(1 << 30):x} {chance.randbytes(32).hex()}"
        (place.credentials / "vault").write_text("\n".join(["ccodes-keys 1 seal", *keys, new]) + "\n")
        process = subprocess.Popen([CCODESCTL, *map(str, place.words("keys", "rewrap", "vault"))],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * 0.05) # any moment will do
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name in chance.sample(names, 30):
            assert place.opened(name) == content
        completed = place.json("keys", "rewrap", "vault")
        assert (completed["files"], completed["faults"]) == (len(names), [])
        assert {key for name in names for key in place.wrapped_by(name)} == {new.split()[0]}


# Signing

def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read(), response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def test_sign_makes_an_address_that_opens(place, served):
    url = served.url() + "paid/a%20b.txt"
    assert fetch(url)[0] == 403
    made = place.call("sign", url, "--expires", "1h", "--name", "für dich.txt", check=0).stdout.strip()
    assert made.startswith(url + "?expires=")
    status, body, headers = fetch(made)
    assert (status, body) == (200, b"paid for")
    assert headers["Content-Disposition"].endswith("filename*=UTF-8''f%C3%BCr%20dich.txt")
    told = place.json("sign", url, "--expires", "90s", "--rate", "10K")
    assert fetch(told["url"])[0] == 200 and "rate=10240" in told["url"]
    assert abs(told["expires"] - time.time() - 90) < 30
    assert told["key"] == place.keys("downloads")[0]


def test_sign_keys_rotate_and_go(place, served):
    url = served.url() + "paid/a%20b.txt"
    old = place.json("sign", url, "--expires", "1h")
    rotated = place.json("keys", "rotate", "downloads", "--socket", served.socket)
    new = place.json("sign", url, "--expires", "1h")
    assert new["key"] == rotated["key"] != old["key"]
    assert fetch(old["url"])[0] == fetch(new["url"])[0] == 200
    place.json("keys", "remove", "downloads", old["key"])
    ccodesctl_json("reload", "--socket", served.socket)
    assert (fetch(old["url"])[0], fetch(new["url"])[0]) == (403, 200)
    assert "no files" in place.call("keys", "rewrap", "downloads", check=1).stderr


@pytest.mark.parametrize("words, status, why", [
    (["http://localhost/a"], 2, "--expires"),
    (["/a", "--expires", "1h"], 1, "not a URL"),
    (["http://localhost/a?b=c", "--expires", "1h"], 1, "has a query"),
    (["http://localhost/..", "--expires", "1h"], 1, "path"),
    (["http://localhost/a", "--expires", "soon"], 1, "--expires"),
    (["http://localhost/a", "--expires", "infinity"], 1, "--expires"),
    (["http://localhost/a", "--expires", "1h", "--name", "a/b"], 1, "--name"),
    (["http://localhost/a", "--expires", "1h", "--rate", "0"], 1, "--rate"),
    (["http://localhost/a", "--expires", "1h", "--key", "vault"], 1, "sealed folders"),
    (["http://localhost/a", "--expires", "1h", "--key", "nothing"], 1, "keys init"),
])
def test_sign_says_what_is_wrong(place, words, status, why):
    for name, purpose in (("vault", "seal"), ("downloads", "sign")):
        place.call("keys", "init", name, "--plain", "--purpose", purpose, check=0)
    assert why in place.call("sign", *words, check=status).stderr


def test_no_key_is_ever_printed(place, served):
    put(served, "a.bin", b"content")
    outputs = [place.call(*words) for words in (
        ("keys", "list"), ("keys", "list", "--json"), ("keys", "rotate", "vault", "--socket", served.socket),
        ("keys", "rewrap", "vault", "--json"), ("sign", served.url() + "paid/x", "--expires", "1h"))]
    printed = "".join(output.stdout + output.stderr for output in outputs) + served.log() + json.dumps(served.ready)
    assert not any(secret in printed for secret in place.secrets())
