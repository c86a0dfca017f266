# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads by the tus protocol: each rule of it, and the official client with its connections cut."""

import base64
import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import threading

import pytest
from daemon import BUILD, TOP, until
from sealed_folder import Vault
from test_uploads import cause, names_in, parts_in, put, send, uploads, folder  # noqa: F401 (fixtures)

VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = {**VERSION, "Content-Type": "application/offset+octet-stream"}


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def create(daemon, length, name="x", path="/files/", body=None, **fields):
    headers = {**(BYTES if body is not None else VERSION), "Upload-Length": str(length),
               "Upload-Metadata": f"filename {encoded(name)}", **{key.replace("_", "-"): value for key, value in fields.items()}}
    return send(daemon, "POST", path, body, {key: value for key, value in headers.items() if value is not None})


def begin(daemon, length, name="x", **fields):
    response = create(daemon, length, name, **fields)
    assert response.status == 201 and response.getheader("tus-resumable") == "1.0.0", response.body
    return response.getheader("location")


def patch(daemon, url, offset, body, **fields):
    return send(daemon, "PATCH", url, body, {**BYTES, "Upload-Offset": str(offset),
                                             **{key.replace("_", "-"): value for key, value in fields.items()}})


def head(daemon, url):
    return send(daemon, "HEAD", url, headers=VERSION)


def offset_of(daemon, url):
    response = head(daemon, url)
    assert response.status == 200, response.status
    return int(response.getheader("upload-offset"))


def checksum(body, name="sha1"):
    return f"{name} {base64.b64encode(hashlib.new(name, body).digest()).decode()}"


class TestCore:
    def test_options_say_what_can_be_done(self, uploads):
        daemon = uploads('max_file = "5M"')
        response = send(daemon, "OPTIONS", "/files/")
        assert response.status == 204 and response.getheader("tus-version") == "1.0.0"
        assert response.getheader("tus-max-size") == str(5 << 20)
        assert set(response.getheader("tus-extension").split(",")) == {
            "creation", "creation-with-upload", "termination", "checksum", "expiration", "concatenation"}
        assert set(response.getheader("tus-checksum-algorithm").split(",")) == {"sha1", "sha256", "sha512"}

    def test_a_file_in_pieces(self, uploads, folder):
        daemon = uploads()
        content = random.Random(1).randbytes(300_000)
        url = begin(daemon, len(content), "dir\\a b.bin", path="/files/sub/")
        assert names_in(folder) == [] and offset_of(daemon, url) == 0
        offset = 0
        for size in (1, 100_000, 99_999, 100_000):
            response = patch(daemon, url, offset, content[offset:offset + size])
            offset += size
            assert response.status == 204 and response.getheader("upload-offset") == str(offset)
            if offset < len(content):
                assert names_in(folder) == [] and response.getheader("upload-expires").endswith(" GMT")
        assert (folder / "sub/a b.bin").read_bytes() == content
        assert daemon.get("/files/sub/a%20b.bin").body == content
        response = head(daemon, url) # for who did not get the last answer
        assert response.getheader("upload-offset") == response.getheader("upload-length") == str(len(content))
        assert response.getheader("cache-control") == "no-store"
        assert response.getheader("upload-metadata") == f"filename {encoded('dir' + chr(92) + 'a b.bin')}"

    @pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
    def test_both_protocols(self, uploads, folder, tmp_path, version):
        daemon = uploads()
        content = random.Random(2).randbytes(3_000_000)
        (tmp_path / "source").write_bytes(content)
        url = begin(daemon, len(content))
        done = subprocess.run(["curl", "-sS", version, "-X", "PATCH", "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Offset: 0",
                               "-H", "Content-Type: application/offset+octet-stream", "--data-binary",
                               f"@{tmp_path}/source", "-w", "%{http_code}", f"http://127.0.0.1:{daemon.port}{url}"],
                              capture_output=True, text=True, timeout=60)
        assert done.stdout == "204" and (folder / "x").read_bytes() == content

    def test_the_version_is_asked_for(self, uploads):
        daemon = uploads()
        url = begin(daemon, 5)
        for fields in ({}, {"Tus-Resumable": "0.2.2"}):
            for method in ("HEAD", "PATCH", "DELETE"):
                response = send(daemon, method, url, headers=fields)
                assert response.status == 412 and cause(response) == "tus-version-unsupported"
                assert response.getheader("tus-version") == "1.0.0"
        assert send(daemon, "POST", "/files/", headers={"Tus-Resumable": "2", "Upload-Length": "1"}).status == 412

    def test_what_does_not_fit(self, uploads, folder):
        daemon = uploads()
        url = begin(daemon, 10)
        for offset in (1, 10, 11):
            assert cause(patch(daemon, url, offset, b"x")) == "tus-offset"
        for offset in ("", "-1", "a", "99999999999999999999"):
            assert cause(patch(daemon, url, offset, b"x")) == "tus-malformed"
        response = send(daemon, "PATCH", url, b"x", {**VERSION, "Upload-Offset": "0"})
        assert (response.status, cause(response)) == (415, "media-type-unsupported")
        response = patch(daemon, url, 0, b"x" * 11)
        assert (response.status, cause(response)) == (413, "upload-too-large")
        response = patch(daemon, url, 0, iter([b"x" * 11]))
        assert (response.status, cause(response)) == (413, "upload-too-large")
        assert offset_of(daemon, url) == 0
        assert patch(daemon, url, 0, b"x" * 10).status == 204
        assert cause(patch(daemon, url, 10, b"x")) == "upload-too-large"
        assert cause(patch(daemon, url, 0, b"x")) == "tus-offset"
        assert patch(daemon, url, 10, b"").status == 204
        assert (folder / "x").read_bytes() == b"x" * 10

    def test_addresses_that_lead_nowhere(self, uploads):
        daemon = uploads()
        for id in ("0" * 32, "x" * 32, "", "0" * 31, "0" * 33):
            response = head(daemon, f"/files/.tus/{id}")
            assert response.status in (404, 400), id
        assert send(daemon, "PUT", "/files/.tus/" + "0" * 32, b"", VERSION).status == 405
        assert daemon.get("/files/.tus/").status in (404, 412)

    def test_one_writes_at_a_time(self, uploads, folder):
        daemon = uploads()
        url = begin(daemon, 10)
        with daemon.connect() as connection:
            connection.sendall(f"PATCH {url} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                               "Content-Type: application/offset+octet-stream\r\nContent-Length: 10\r\n"
                               "Expect: 100-continue\r\n\r\n".encode())
            # Its bytes are asked for once it has the lock.
            assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(b"abcde")
            response = patch(daemon, url, 0, b"x")
            assert (response.status, cause(response)) == (423, "tus-locked")
            assert cause(send(daemon, "DELETE", url, headers=VERSION)) == "tus-locked"
            assert offset_of(daemon, url) == 0
            connection.sendall(b"fghij")
            assert b" 204 " in connection.recv(4096)
        assert (folder / "x").read_bytes() == b"abcdefghij"


class TestCreation:
    def test_with_bytes(self, uploads, folder):
        daemon = uploads()
        response = create(daemon, 5, body=b"hello")
        assert response.status == 201 and response.getheader("upload-offset") == "5"
        assert (folder / "x").read_bytes() == b"hello" and offset_of(daemon, response.getheader("location")) == 5
        response = create(daemon, 10, "y", body=b"hello")
        assert response.status == 201 and response.getheader("upload-offset") == "5"
        assert patch(daemon, response.getheader("location"), 5, b"world").status == 204
        assert (folder / "y").read_bytes() == b"helloworld"

    def test_one_that_is_cut_leaves_nothing(self, uploads, folder):
        """Its client was not told the address."""
        daemon = uploads()
        with daemon.connect() as connection:
            connection.sendall(b"POST /files/ HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 500000\r\n"
                               b"Content-Type: application/offset+octet-stream\r\nContent-Length: 500000\r\n\r\n"
                               + bytes(400_000))
            until(lambda: parts_in(folder), "it was begun")
        until(lambda: parts_in(folder) == [], "it is gone")
        assert names_in(folder) == []

    def test_of_nothing(self, uploads, folder):
        daemon = uploads()
        url = begin(daemon, 0)
        assert (folder / "x").read_bytes() == b"" and offset_of(daemon, url) == 0

    def test_without_a_name(self, uploads, folder):
        begin(uploads(), 0, Upload_Metadata=None)
        assert len(names_in(folder)) == 1

    @pytest.mark.parametrize("fields,status", [
        ({"Upload_Length": None}, 400), ({"Upload_Length": "-1"}, 400), ({"Upload_Length": "1.5"}, 400),
        ({"Upload_Length": "99999999999999999999"}, 400), ({"Upload_Length": str(2 << 30)}, 413),
        ({"Upload_Metadata": "filename !"}, 400), ({"Upload_Metadata": "a YQ==,a YQ=="}, 400),
        ({"Upload_Metadata": f"filename {encoded('.hidden')}"}, 400),
        ({"Upload_Metadata": f"filename {encoded('..')}"}, 400),
        ({"Upload_Metadata": f"filename {encoded('a' + chr(0) + 'b')}"}, 400),
        ({"Upload_Metadata": f"filename {encoded('a' + chr(10) + 'b')}"}, 400),
        ({"Upload_Concat": "half"}, 400), ({"body": b"123456"}, 413),
        ({"body": b"12345", "Content_Type": "text/plain"}, 415),
        ({"body": b"12345", "Upload_Checksum": "md5 YQ=="}, 400),
        ({"path": "/files/x"}, 400)])
    def test_what_is_refused(self, uploads, folder, fields, status):
        response = create(uploads(), 5, **fields)
        assert response.status == status and cause(response), response.body
        assert names_in(folder) == [] and parts_in(folder) == []

    def test_a_name_that_is_there_already(self, uploads, folder):
        daemon = uploads("overwrite = false")
        put(daemon, "/files/x", b"old")
        assert cause(create(daemon, 5)) == "upload-exists"
        first, second = begin(daemon, 1, "y"), begin(daemon, 1, "y")
        assert patch(daemon, first, 0, b"1").status == 204
        assert cause(patch(daemon, second, 0, b"2")) == "upload-exists"
        assert (folder / "y").read_bytes() == b"1"

    def test_types_are_told_by_content(self, uploads, folder):
        daemon = uploads('types = ["image/png"]')
        url = begin(daemon, 20, "x.png")
        assert patch(daemon, url, 0, b"<!doctype").status == 204
        assert cause(patch(daemon, url, 9, b"html><html>")) == "upload-type-refused"
        assert names_in(folder) == [] and parts_in(folder) == [] and head(daemon, url).status == 404

    def test_parts_are_limited(self, uploads, folder):
        daemon = uploads('max_parts = 2\nmax_total = "1M"')
        first = begin(daemon, 600_000, "a")
        assert cause(create(daemon, 600_000, "b")) == "upload-folder-full"
        assert cause(put(daemon, "/files/c", bytes(600_000))) == "upload-folder-full"
        begin(daemon, 1, "b")
        assert cause(create(daemon, 1, "c")) == "upload-folder-full"
        assert send(daemon, "DELETE", first, headers=VERSION).status == 204
        assert put(daemon, "/files/c", bytes(600_000)).status == 201


class TestExtensions:
    def test_termination(self, uploads, folder):
        daemon = uploads()
        url = begin(daemon, 10)
        patch(daemon, url, 0, b"hello")
        response = send(daemon, "DELETE", url, headers=VERSION)
        assert response.status == 204 and response.getheader("tus-resumable") == "1.0.0"
        assert parts_in(folder) == [] and head(daemon, url).status == 404 and patch(daemon, url, 5, b"x").status == 404

    @pytest.mark.parametrize("name", ["sha1", "sha256", "sha512"])
    def test_checksums(self, uploads, folder, name):
        daemon = uploads()
        url = begin(daemon, 10)
        assert patch(daemon, url, 0, b"hello", Upload_Checksum=checksum(b"hello", name)).status == 204
        response = patch(daemon, url, 5, b"w0rld", Upload_Checksum=checksum(b"world", name))
        assert (response.status, cause(response)) == (460, "tus-checksum-mismatch")
        assert offset_of(daemon, url) == 5 and names_in(folder) == []
        assert patch(daemon, url, 5, b"world", Upload_Checksum=checksum(b"world", name)).status == 204
        assert (folder / "x").read_bytes() == b"helloworld"

    def test_checksums_that_are_none(self, uploads):
        daemon = uploads()
        url = begin(daemon, 10)
        for value in ("md5 YQ==", "sha1", "sha1 YQ==", "sha1 !"):
            assert patch(daemon, url, 0, b"hello", Upload_Checksum=value).status == 400

    def test_a_creation_with_a_wrong_checksum_leaves_nothing(self, uploads, folder):
        response = create(uploads(), 5, body=b"w0rld", Upload_Checksum=checksum(b"world"))
        assert response.status == 460 and parts_in(folder) == [] and names_in(folder) == []

    def test_bytes_whose_checksum_was_to_follow_are_not_kept(self, uploads, folder):
        daemon = uploads()
        url = begin(daemon, 1_000_000)
        with daemon.connect() as connection:
            connection.sendall(f"PATCH {url} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                               f"Upload-Checksum: {checksum(bytes(1_000_000))}\r\nContent-Length: 1000000\r\n"
                               "Content-Type: application/offset+octet-stream\r\n\r\n".encode() + bytes(600_000))
        until(lambda: patch(daemon, url, 0, b"").status == 204, "its end was seen")
        assert offset_of(daemon, url) == 0

    def test_expiration(self, uploads, folder):
        daemon = uploads('keep_parts = "2s"')
        url = begin(daemon, 10)
        patch(daemon, url, 0, b"hello")
        until(lambda: head(daemon, url).status == 410, "it has expired", seconds=20)
        assert patch(daemon, url, 5, b"x").status in (404, 410)
        until(lambda: parts_in(folder) == [], "it was removed", seconds=20)
        assert head(daemon, url).status == 404

    def test_concatenation(self, uploads, folder):
        daemon = uploads()
        content = random.Random(4).randbytes(500_000)
        cuts = [0, 100_000, 100_000, 400_000, len(content)]
        urls = []
        for start, end in zip(cuts, cuts[1:]):
            url = begin(daemon, end - start, Upload_Concat="partial", Upload_Metadata=None)
            if end > start:
                assert patch(daemon, url, 0, content[start:end]).status == 204
            assert head(daemon, url).getheader("upload-concat") == "partial"
            urls.append(url)
        assert names_in(folder) == []
        absolute = f"http://127.0.0.1:{daemon.port}{urls[1]}"
        final = create(daemon, None, "whole", Upload_Length=None,
                       Upload_Concat="final;" + " ".join([urls[0], absolute, *urls[2:]]))
        assert final.status == 201, final.body
        assert (folder / "whole").read_bytes() == content
        response = head(daemon, final.getheader("location"))
        assert response.getheader("upload-length") == response.getheader("upload-offset") == str(len(content))
        assert response.getheader("upload-concat").startswith("final;")
        response = patch(daemon, final.getheader("location"), len(content), b"")
        assert (response.status, cause(response)) == (403, "tus-final")
        assert head(daemon, urls[0]).status == 404 and len(parts_in(folder)) == 1

    def test_what_cannot_be_concatenated(self, uploads, folder):
        daemon = uploads('max_file = "10"')
        half, whole = begin(daemon, 5, Upload_Concat="partial"), begin(daemon, 5, "w")
        full = begin(daemon, 6, Upload_Concat="partial")
        patch(daemon, full, 0, b"123456")

        def join(*urls, **fields):
            return create(daemon, None, "j", **{"Upload_Length": None, "Upload_Concat": "final;" + " ".join(urls), **fields})

        for urls in ([half], [whole], ["/files/.tus/" + "0" * 31], ["/elsewhere/" + "0" * 32], ["http://a"]):
            response = join(full, *urls)
            assert (response.status, cause(response)) == (400, "tus-concat-invalid"), urls
        assert join(full, "/files/.tus/" + "0" * 32).status == 404
        other = begin(daemon, 6, Upload_Concat="partial")
        patch(daemon, other, 0, b"123456")
        assert cause(join(full, other)) == "upload-too-large"
        assert cause(join(full, full)) == "tus-concat-invalid", "many bytes cannot be made of few"
        assert join(full, Upload_Length="6").status == 400 and join().status == 400
        assert names_in(folder) == []
        assert join(full).status == 201 and (folder / "j").read_bytes() == b"123456"


    def test_a_method_that_does_not_get_through(self, uploads, folder):
        """X-HTTP-Method-Override of the core protocol."""
        daemon = uploads()
        url = begin(daemon, 6, "x")

        def post(method, body=None, **fields):
            return send(daemon, "POST", url, body, {**BYTES, "X-HTTP-Method-Override": method,
                                                    **{name.replace("_", "-"): value for name, value in fields.items()}})

        assert post("PATCH", b"123", Upload_Offset="0").status == 204 and offset_of(daemon, url) == 3
        assert cause(post("PUT", b"x")) == "method-not-allowed" and cause(post("GET")) == "method-not-allowed"
        assert post("DELETE").status == 204 and head(daemon, url).status == 404


class TestFaults:
    def test_what_came_before_a_cut_is_kept(self, uploads, folder):
        daemon = uploads()
        content = random.Random(6).randbytes(2_000_000)
        url = begin(daemon, len(content))
        chance, offset, rounds = random.Random(8), 0, 0
        while offset < len(content):
            rounds += 1
            size = min(chance.randrange(1, 400_000), len(content) - offset)
            with daemon.connect() as connection:
                connection.sendall(f"PATCH {url} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
                                   f"Content-Type: application/offset+octet-stream\r\n"
                                   f"Content-Length: {len(content) - offset}\r\n\r\n".encode()
                                   + content[offset:offset + size])
                if offset + size == len(content):
                    assert b" 204 " in connection.recv(4096)
            offset += size
            # HEAD takes no lock: a PATCH could be sooner than the one before it, which would be refused then.
            until(lambda: offset_of(daemon, url) == offset, "all that was sent is kept")
            until(lambda: patch(daemon, url, offset, b"").status == 204, "the lock is given back")
        assert rounds > 5 and (folder / "x").read_bytes() == content

    def test_kill_in_the_middle(self, uploads, folder):
        """What the server said that it has, it has; and the client goes on from there."""
        daemon = uploads()
        content = random.Random(10).randbytes(40_000_000)
        url, offset = begin(daemon, len(content)), 0
        chance = random.Random(12)
        for i in range(8):
            size = chance.randrange(3_000_000)
            if i % 2:
                assert patch(daemon, url, offset, content[offset:offset + size]).status == 204
                offset += size
            connection = daemon.connect()
            connection.sendall(f"PATCH {url} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
                               f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(content) - offset}"
                               "\r\n\r\n".encode() + content[offset:offset + chance.randrange(20_000_000)])
            daemon.process.kill()
            daemon.process.wait()
            connection.close()
            daemon.start()
            now = offset_of(daemon, url)
            assert now >= offset
            offset = now
        assert patch(daemon, url, offset, content[offset:]).status == 204
        assert (folder / "x").read_bytes() == content

    def test_parts_count_after_a_restart(self, uploads):
        daemon = uploads("max_parts = 1")
        begin(daemon, 10)
        daemon.stop()
        daemon.start()
        until(lambda: cause(create(daemon, 1)) == "upload-folder-full", "it was found")

    @pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to mount a small disk")
    def test_a_disk_that_is_full(self, uploads, folder):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]).returncode:
            pytest.skip("nothing can be mounted here")
        try:
            daemon = uploads()
            assert cause(create(daemon, 8_000_000)) == "upload-disk-full"
            url = begin(daemon, 3_000_000)
            assert put(daemon, "/files/big", bytes(2_000_000)).status == 201
            assert cause(patch(daemon, url, 0, iter([bytes(3_000_000)]))) == "upload-disk-full"
            assert send(daemon, "DELETE", "/files/big").status == 204
            offset = offset_of(daemon, url)
            assert patch(daemon, url, offset, bytes(3_000_000 - offset)).status == 204
            daemon.stop()
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


class TestSealed:
    """The same on a folder whose files are encrypted, where bytes are written in chunks."""

    @pytest.fixture
    def vault(self, tmp_path, monkeypatch):
        return Vault(tmp_path, monkeypatch)

    @pytest.fixture
    def daemon(self, start, vault):
        return start(more=vault.configuration('max_parts = 10\ntypes = ["image/png"]'))

    CONTENT = b"\x89PNG\r\n\x1a\n" + random.Random(40).randbytes(1_000_000)

    def test_pieces_of_any_size(self, daemon, vault):
        url, offset, chance = begin(daemon, len(self.CONTENT), "a.png", path="/vault/"), 0, random.Random(41)
        while offset < len(self.CONTENT):
            size = min(chance.choice([1, 3, 65_536, 100_001, 200_000]), len(self.CONTENT) - offset)
            piece = self.CONTENT[offset:offset + size]
            wrong = patch(daemon, url, offset, piece, Upload_Checksum=checksum(piece + b"x"))
            assert wrong.status == 460 and offset_of(daemon, url) == offset
            assert patch(daemon, url, offset, piece, Upload_Checksum=checksum(piece)).status == 204
            offset += size
        assert vault.opened("a.png") == self.CONTENT and daemon.get("/vault/a.png").body == self.CONTENT

    def test_cuts_and_kills(self, daemon, vault):
        url, offset, chance = begin(daemon, len(self.CONTENT), "a.png", path="/vault/"), 0, random.Random(42)
        for i in range(12):
            sent = offset + chance.randrange(150_000)
            with daemon.connect() as connection:
                connection.sendall(f"PATCH {url} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
                                   f"Content-Type: application/offset+octet-stream\r\n"
                                   f"Content-Length: {len(self.CONTENT) - offset}\r\n\r\n".encode()
                                   + self.CONTENT[offset:sent])
                if i % 3 == 0:
                    daemon.process.kill()
                    daemon.process.wait()
            if i % 3 == 0:
                daemon.start()
            until(lambda: patch(daemon, url, offset_of(daemon, url), b"").status == 204, "it can be gone on with")
            now = offset_of(daemon, url)
            assert offset <= now <= sent
            offset = now
        assert offset > 0 and patch(daemon, url, offset, self.CONTENT[offset:]).status == 204
        assert vault.opened("a.png") == self.CONTENT

    def test_concatenation_and_types(self, daemon, vault):
        cuts = [0, 300_001, 300_002, len(self.CONTENT)]
        urls = [begin(daemon, end - start, path="/vault/", Upload_Concat="partial") for start, end in zip(cuts, cuts[1:])]
        for url, start, end in zip(urls, cuts, cuts[1:]):
            assert patch(daemon, url, 0, self.CONTENT[start:end]).status == 204
        final = create(daemon, None, "a.png", path="/vault/", Upload_Length=None, Upload_Concat="final;" + " ".join(urls))
        assert final.status == 201 and vault.opened("a.png") == self.CONTENT
        assert cause(create(daemon, 9, "b.png", path="/vault/", body=b"<!doctype")) == "upload-type-refused"


class Cutter:
    """Stands between a client and the daemon, and cuts the connection on which the client has sent so many bytes since the last
    cut, on however many connections it did."""

    def __init__(self, port, offsets):
        self.port, self.offsets, self.cuts, self.lock = port, list(offsets), 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        server = socket.create_connection(("127.0.0.1", self.port))
        threading.Thread(target=self.carry_back, args=(server, client), daemon=True).start()
        try:
            while data := client.recv(65536):
                passed = self.pass_on(len(data))
                server.sendall(data[:passed])
                if passed < len(data):
                    break
        except OSError:
            pass
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR) # which also wakes the other thread
            except OSError:
                pass
            end.close()

    def pass_on(self, length):
        """How many of so many bytes go on; fewer than all: then the connection is cut."""
        with self.lock:
            if not self.offsets or self.offsets[0] >= length:
                if self.offsets:
                    self.offsets[0] -= length
                return length
            self.cuts += 1
            return self.offsets.pop(0)

    @staticmethod
    def carry_back(server, client):
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            pass

    def close(self):
        self.listener.close()


@pytest.fixture(scope="session")
def client_folder():
    """tus-js-client, as the lock file has it, in a folder of the build's."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    source, target = TOP / "tests/integration/tus", BUILD / "tus-js-client"
    lock = (source / "package-lock.json").read_bytes()
    if not (target / "installed").exists() or (target / "installed").read_bytes() != lock:
        target.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, target)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=target,
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        (target / "installed").write_bytes(lock)
    return target


@pytest.fixture
def run_client(client_folder, tmp_path):
    def run(endpoint, content, pauses=0, **options):
        (tmp_path / "content").write_bytes(content)
        job = {"endpoint": endpoint, "file": str(tmp_path / "content"), "pauses": pauses,
               "options": {"metadata": {"filename": "up load.bin"}, **options}}
        done = subprocess.run(["node", TOP / "tests/integration/tus/client.js", json.dumps(job)], cwd=client_folder,
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)
    return run


class TestOfficialClient:
    CONTENT = random.Random(20).randbytes(6_000_000)

    @pytest.mark.parametrize("options", [{}, {"chunkSize": 777_777}, {"uploadDataDuringCreation": True},
                                         {"parallelUploads": 4}, {"chunkSize": 500_000, "parallelUploads": 3}],
                             ids=["whole", "chunks", "at creation", "parallel", "parallel chunks"])
    def test_it_uploads(self, uploads, folder, run_client, options):
        daemon = uploads()
        run_client(f"http://127.0.0.1:{daemon.port}/files/", self.CONTENT, **options)
        assert names_in(folder) == ["up load.bin"] and (folder / "up load.bin").read_bytes() == self.CONTENT

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("options", [{}, {"chunkSize": 1_000_000}, {"parallelUploads": 3}],
                             ids=["whole", "chunks", "parallel"])
    def test_it_goes_on_after_its_connection_was_cut(self, uploads, folder, run_client, seed, options):
        daemon = uploads()
        chance = random.Random(seed)
        cutter = Cutter(daemon.port, [chance.randrange(1, 1_500_000) for _ in range(8)])
        run_client(f"http://127.0.0.1:{cutter.address}/files/", self.CONTENT, **options)
        cutter.close()
        assert cutter.cuts >= 3, "connections were cut"
        assert (folder / "up load.bin").read_bytes() == self.CONTENT

    def test_it_resumes_what_was_paused(self, uploads, folder, run_client):
        daemon = uploads()
        run_client(f"http://127.0.0.1:{daemon.port}/files/", self.CONTENT, pauses=3, chunkSize=300_000)
        assert (folder / "up load.bin").read_bytes() == self.CONTENT

    def test_it_goes_on_after_the_daemon_was_killed(self, uploads, folder, run_client):
        daemon = uploads()
        port = daemon.port
        daemon.write_configuration()
        daemon.config.write_text(daemon.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}", 1))
        stop = threading.Event()

        def kill():
            for _ in range(5):
                if stop.wait(0.15):
                    return
                daemon.process.kill()
                daemon.process.wait()
                daemon.start()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            run_client(f"http://127.0.0.1:{port}/files/", random.Random(30).randbytes(60_000_000), chunkSize=2_000_000)
        finally:
            stop.set()
            killer.join()
        assert (folder / "up load.bin").read_bytes() == random.Random(30).randbytes(60_000_000)
