# SPDX-License-Identifier: Apache-2.0
"""Sealed folders: encrypted on the disk, ordinary to clients, and closed to whoever changes the disk."""

import json
import random
import subprocess

import pytest
from daemon import SERVER, until
from sealed_folder import Vault, change, key_line, put, request, sealed

CHUNK, RECORD, HEADER = sealed.CHUNK, sealed.RECORD, 2 * sealed.BLOCK
SIZES = [0, 1, 4096, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17]


@pytest.fixture
def vault(tmp_path, monkeypatch):
    return Vault(tmp_path, monkeypatch)


@pytest.fixture
def served(start, vault):
    """served(keys) gives a daemon with the vault at /vault/."""
    return lambda keys="", **options: start(more=vault.configuration(keys), **options)


def bytes_of(length, seed=0):
    return random.Random(seed).randbytes(length)


@pytest.mark.parametrize("length", SIZES)
def test_a_file_is_encrypted_on_the_disk_and_plain_to_clients(served, vault, length):
    daemon, content = served(), bytes_of(length)
    put(daemon, "/vault/file.bin", content)
    on_disk = vault.path("file.bin").read_bytes()
    assert content[:32] not in on_disk or length < 32
    assert vault.opened("file.bin") == content
    got = request(daemon, "GET", "/vault/file.bin")
    assert (got.status, got.body, got.getheader("content-length")) == (200, content, str(length))
    head = request(daemon, "HEAD", "/vault/file.bin")
    assert (head.status, head.getheader("content-length"), head.getheader("etag")) == (200, str(length), got.getheader("etag"))
    unchanged = request(daemon, "GET", "/vault/file.bin", headers={"If-None-Match": got.getheader("etag")})
    assert unchanged.status == 304
    listing = json.loads(request(daemon, "GET", "/vault/", headers={"Accept": "application/json"}).body)
    assert f'"size": {length}' in json.dumps(listing) or f'"size":{length}' in json.dumps(listing)


def test_every_range_is_right(served, vault):
    daemon, content = served(), bytes_of(3 * CHUNK + 17)
    put(daemon, "/vault/file.bin", content)
    edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK, len(content) - 1]
    for first in edges:
        for last in (edge for edge in edges if edge >= first):
            got = request(daemon, "GET", "/vault/file.bin", headers={"Range": f"bytes={first}-{last}"})
            assert got.status == 206 and got.body == content[first:last + 1], (first, last)
            assert got.getheader("content-range") == f"bytes {first}-{last}/{len(content)}"
    assert request(daemon, "GET", "/vault/file.bin", headers={"Range": "bytes=-20"}).body == content[-20:]
    beyond = request(daemon, "GET", "/vault/file.bin", headers={"Range": f"bytes={len(content)}-"})
    assert (beyond.status, beyond.getheader("content-range")) == (416, f"bytes */{len(content)}")
    many = request(daemon, "GET", "/vault/file.bin", headers={"Range": f"bytes=0-9,{CHUNK - 5}-{CHUNK + 5},-10"})
    assert many.status == 206 and int(many.getheader("content-length")) == len(many.body)
    for part in (content[:10], content[CHUNK - 5:CHUNK + 6], content[-10:]):
        assert part in many.body


@pytest.mark.parametrize("options", [["--http1.1"], ["--http2"], ["--http2-prior-knowledge", "--plain"]], ids=str)
def test_both_protocols_with_and_without_tls(served, vault, tmp_path, options):
    daemon, content = served(tls=True), bytes_of(40 * CHUNK + 1)
    put(daemon, "/vault/big.bin", content)
    plain = "--plain" in options
    url = f"http://127.0.0.1:{daemon.port}" if plain else f"https://127.0.0.1:{daemon.https_port}"
    words = [option for option in options if option != "--plain"]
    for name, selected, expected in (("whole", [], content), ("part", ["-r", f"{CHUNK - 3}-{9 * CHUNK}"],
                                                              content[CHUNK - 3:9 * CHUNK + 1])):
        output = tmp_path / name
        subprocess.run(["curl", "-sSfk", *words, *selected, "-o", output, f"{url}/vault/big.bin"], check=True, timeout=60)
        assert output.read_bytes() == expected


# What an attacker, or a disk, may change, and where: nothing of what was changed is sent.

@pytest.mark.parametrize("at", [0, 8, 12, 16, 40, 50, 70, 100, 108, 4000], ids=lambda at: f"header{at}")
def test_a_changed_header_opens_nothing(served, vault, at):
    daemon = served()
    put(daemon, "/vault/file.bin", bytes_of(1000))
    change(vault.path("file.bin"), at)
    got = request(daemon, "GET", "/vault/file.bin")
    expected = "key-missing" if at == 32 else "content-damaged"
    assert (got.status, got.cause) == (500, "key-missing" if at == 40 and got.cause == "key-missing" else expected)


@pytest.mark.parametrize("record", [0, 1, 2])
@pytest.mark.parametrize("at", [0, 11, 12, 40000, 12 + CHUNK, RECORD - 1])
def test_a_changed_record_is_not_sent(served, vault, record, at):
    daemon, content = served(), bytes_of(4 * CHUNK)
    put(daemon, "/vault/file.bin", content)
    change(vault.path("file.bin"), HEADER + record * RECORD + at)
    got = request(daemon, "GET", "/vault/file.bin")
    if record == 0:
        assert (got.status, got.cause) == (500, "content-damaged")
        assert content[:64] not in got.body
    else:
        assert got.status == 200 and got.cut
        assert got.body == content[:record * CHUNK]
    # What is before and after it is as good as ever; it itself is refused before a head.
    after = request(daemon, "GET", "/vault/file.bin", headers={"Range": f"bytes={3 * CHUNK}-"})
    assert (after.status, after.body) == (206, content[3 * CHUNK:])
    within = request(daemon, "GET", "/vault/file.bin", headers={"Range": f"bytes={record * CHUNK + 7}-{record * CHUNK + 8}"})
    assert (within.status, within.cause) == (500, "content-damaged")
    until(lambda: "content-damaged" in daemon.log() or "not sent" in daemon.log(), "the damage is in the log")


@pytest.mark.parametrize("size", [0, 100, HEADER, HEADER + 27, HEADER + 28, HEADER + RECORD - 1, HEADER + RECORD,
                                  HEADER + RECORD + 28, HEADER + 2 * RECORD, HEADER + 3 * RECORD - 1])
def test_a_file_that_was_cut_short_is_refused(served, vault, size):
    daemon = served()
    put(daemon, "/vault/file.bin", bytes_of(3 * CHUNK))
    with open(vault.path("file.bin"), "r+b") as file:
        file.truncate(size)
    for headers in ({}, {"Range": "bytes=0-9"}):
        got = request(daemon, "GET", "/vault/file.bin", headers=headers)
        assert (got.status, got.cause) == (500, "content-damaged")


def test_records_and_headers_are_not_exchanged(served, vault):
    daemon, content = served(), bytes_of(3 * CHUNK)
    put(daemon, "/vault/one.bin", content)
    put(daemon, "/vault/two.bin", bytes_of(3 * CHUNK, seed=2))
    one, two = vault.path("one.bin").read_bytes(), vault.path("two.bin").read_bytes()
    first, second = one[HEADER:HEADER + RECORD], one[HEADER + RECORD:HEADER + 2 * RECORD]
    rest = one[HEADER + 2 * RECORD:]
    for changed in (one[:HEADER] + second + first + rest,          # in another order
                    one[:HEADER] + first + first + rest,           # one twice
                    two[:HEADER] + one[HEADER:],                   # another file's header
                    one[:HEADER] + two[HEADER:HEADER + RECORD] + second + rest,  # another file's record
                    one + first,                                   # longer
                    one[:HEADER] + first + second + rest + b"x"):
        vault.path("one.bin").write_bytes(changed)
        got = request(daemon, "GET", "/vault/one.bin")
        assert got.status == 500 or got.cut
        assert len(got.body) < len(content) and (got.status == 500 or content.startswith(got.body))
    vault.path("one.bin").write_bytes(one)
    assert request(daemon, "GET", "/vault/one.bin").body == content


def test_a_plain_file_in_a_sealed_folder_is_refused(served, vault):
    daemon = served()
    vault.path("plain.txt").write_text("x" * 20000)
    got = request(daemon, "GET", "/vault/plain.txt")
    assert (got.status, got.cause) == (500, "content-damaged")
    assert b"xxxx" not in got.body


# Keys

def test_a_new_key_wraps_and_the_old_one_opens(served, vault):
    daemon, content = served(), bytes_of(CHUNK + 5)
    put(daemon, "/vault/old.bin", content)
    vault.keys += key_line("second")
    vault.write_keys()
    assert daemon.admin("POST", "/reload").status == 200
    put(daemon, "/vault/new.bin", content)
    assert vault.path("old.bin").read_bytes()[32:48] == b"first".ljust(16, b"\0")
    assert vault.path("new.bin").read_bytes()[32:48] == b"second".ljust(16, b"\0")
    assert request(daemon, "GET", "/vault/old.bin").body == request(daemon, "GET", "/vault/new.bin").body == content


def test_a_key_that_is_gone_is_named(served, vault):
    daemon = served()
    put(daemon, "/vault/file.bin", b"content")
    vault.keys = "ccodes-keys 1 seal\n" + key_line("other")
    vault.write_keys()
    assert daemon.admin("POST", "/reload").status == 200
    got = request(daemon, "GET", "/vault/file.bin")
    assert (got.status, got.cause) == (500, "key-missing")
    until(lambda: "'first'" in daemon.log(), "the log names the key")


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2-prior-knowledge"])
def test_the_sites_own_page_says_it_and_the_log_why(start, vault, protocol):
    """What was found out about the file is gone from memory when the answer's end is logged."""
    daemon = start(files={"500.html": "<h1>sorry</h1>"}, site='errors = { 500 = "/500.html" }\n' + vault.configuration())
    assert request(daemon, "PUT", "/vault/a", b"x" * 1000).status == 201
    path = vault.path("a")
    sealed_bytes = bytearray(path.read_bytes())
    sealed_bytes[-1] ^= 1
    path.write_bytes(sealed_bytes)
    done = subprocess.run(["curl", "-sS", "-w", " %{http_code}", protocol, f"http://localhost:{daemon.port}/vault/a"],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout == "<h1>sorry</h1> 500", done
    until(lambda: "cause=content-damaged" in daemon.log(), "the failure is in the log")
    assert "changed at its end" in daemon.log()


def test_another_key_of_the_same_name_opens_nothing(served, vault):
    daemon = served()
    put(daemon, "/vault/file.bin", b"content")
    vault.keys = "ccodes-keys 1 seal\n" + key_line("first")
    vault.write_keys()
    assert daemon.admin("POST", "/reload").status == 200
    got = request(daemon, "GET", "/vault/file.bin")
    assert (got.status, got.cause) == (500, "content-damaged")


def test_keys_that_cannot_be_used_are_refused(served, vault):
    daemon = served()
    secret = vault.keys.split()[-1]
    for text, why in (("", "line 1"), ("ccodes-keys 1 sign\n" + key_line("a"), "for 'sign'"),
                      ("ccodes-keys 1 seal\n", "no key"), (vault.keys + "second 1234\n", "line 3")):
        vault.write_keys(text=text)
        answer = daemon.admin("POST", "/reload")
        assert answer.status == 422 or answer.status >= 400
        assert why in answer.body.decode() and secret not in answer.body.decode()
    assert secret not in daemon.log()
    put(daemon, "/vault/still.bin", b"works")


def test_without_a_credential_it_does_not_start_and_says_why(vault, tmp_path):
    configuration = tmp_path / "ccodes.toml"
    configuration.write_text('[server]\nsandbox = false\n[[server.listener]]\nname = "h"\naddress = "127.0.0.1:0"\n'
                             f'[[site]]\nname = "s"\nroot = "{tmp_path}"\n' + vault.configuration())
    (vault.credentials / "vault").unlink()
    ended = subprocess.run([SERVER, "--config", configuration, "--state", tmp_path], capture_output=True, text=True,
                           timeout=20)
    assert ended.returncode == 78 and "ccodesctl keys init" in ended.stderr and "vault" in ended.stderr


def test_a_check_needs_no_keys(vault, tmp_path, monkeypatch):
    configuration = tmp_path / "ccodes.toml"
    configuration.write_text('[[server.listener]]\nname = "h"\naddress = "127.0.0.1:0"\n'
                             f'[[site]]\nname = "s"\nroot = "{tmp_path}"\n' + vault.configuration())
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    subprocess.run([SERVER, "--check", "--config", configuration], check=True, timeout=20)
