# SPDX-License-Identifier: Apache-2.0
"""Upload folders: PUT and DELETE of files, their conditions and limits, and that nothing is ever half there."""

import base64
import hashlib
import http.client
import json
import os
import random
import subprocess
import threading
from urllib.parse import quote

import pytest
from daemon import SERVER, until

UPLOAD = """
[[site.upload]]
name = "files"
path = "/files/"
folder = "{folder}"
{keys}
"""
OPEN = 'access = "anyone"\nmethods = ["get", "put", "post", "delete", "tus"]\nlisting = true\nmin_free = 0\n'


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


@pytest.fixture
def uploads(start, folder):
    """uploads(keys) gives a daemon with an upload folder at /files/."""
    return lambda keys="", **options: start(more=UPLOAD.format(folder=folder, keys=OPEN + keys), **options)


def send(daemon, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    response.body = response.read()
    connection.close()
    return response


def put(daemon, path, body, headers=None):
    return send(daemon, "PUT", path, body, headers)


def cause(response):
    return response.getheader("ccodes-cause")


def names_in(folder):
    """All that is there but the staging folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if ".ccodes-staging" not in path.parts)


def parts_in(folder):
    """What lies in the staging folder beside its locks."""
    staging = folder / ".ccodes-staging"
    return sorted(name for name in os.listdir(staging) if name not in ("lock", "daemons")) if staging.exists() else []


def test_a_file_is_put_replaced_read_and_deleted(uploads, folder):
    daemon = uploads()
    content = random.Random(1).randbytes(700_000)
    response = put(daemon, "/files/a/b/one.bin", content)
    assert response.status == 201 and response.body == b""
    tag = response.getheader("etag")
    got = daemon.get("/files/a/b/one.bin")
    assert got.status == 200 and got.body == content and got.getheader("etag") == tag
    assert (folder / "a/b/one.bin").read_bytes() == content
    part = daemon.get("/files/a/b/one.bin", {"Range": "bytes=100-199"})
    assert part.status == 206 and part.body == content[100:200]

    response = put(daemon, "/files/a/b/one.bin", b"short")
    assert response.status == 204 and response.getheader("etag") not in (None, tag)
    assert daemon.get("/files/a/b/one.bin").body == b"short"
    assert send(daemon, "DELETE", "/files/a/").status == 409
    assert send(daemon, "DELETE", "/files/a/b/one.bin").status == 204
    assert daemon.get("/files/a/b/one.bin").status == 404
    assert send(daemon, "DELETE", "/files/a/b/one.bin").status == 404
    assert send(daemon, "DELETE", "/files/a/b/").status == 204 and send(daemon, "DELETE", "/files/a/").status == 204
    assert names_in(folder) == [] and parts_in(folder) == []


@pytest.mark.parametrize("size", [1, 262_143, 262_144, 262_145, 5_000_000])
@pytest.mark.parametrize("client", ["http1", "chunked", "http2"])
def test_every_size_arrives_whole(uploads, folder, tmp_path, size, client):
    daemon = uploads()
    content = random.Random(size).randbytes(size)
    source = tmp_path / "source"
    source.write_bytes(content)
    words = {"http1": ["--http1.1"], "http2": ["--http2-prior-knowledge"],
             "chunked": ["--http1.1", "-H", "Transfer-Encoding: chunked"]}[client]
    done = subprocess.run(["curl", "-sS", "-w", "%{http_code}", *words, "-T", source,
                           f"http://127.0.0.1:{daemon.port}/files/x"], capture_output=True, text=True, timeout=60)
    assert done.stdout == "201", done
    assert (folder / "x").read_bytes() == content and parts_in(folder) == []


@pytest.mark.parametrize("coding", [None, "gzip", "br"])
def test_a_tag_of_any_coding_is_the_files(uploads, folder, coding):
    """The file is one, in however many codings it was seen (RFC 9110 section 13.1.2)."""
    daemon = uploads()
    put(daemon, "/files/page.html", b"<p>hello</p>" * 200)
    tag = daemon.get("/files/page.html", {"Accept-Encoding": coding} if coding else {}).getheader("etag")
    assert put(daemon, "/files/page.html", b"2", {"If-None-Match": tag}).status == 412
    assert put(daemon, "/files/page.html", b"2", {"If-None-Match": f'"other", {tag}'}).status == 412
    assert send(daemon, "DELETE", "/files/page.html", headers={"If-None-Match": tag}).status == 412
    assert put(daemon, "/files/page.html", b"2", {"If-Match": '"other"'}).status == 412
    assert put(daemon, "/files/page.html", b"2", {"If-None-Match": '"other"'}).status == 204
    tag = daemon.get("/files/page.html").getheader("etag")
    assert put(daemon, "/files/page.html", b"3", {"If-Match": tag}).status == 204


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2-prior-knowledge"])
@pytest.mark.parametrize("fields", [
    ["Repr-Digest: sha-256=:{right}:", "Repr-Digest: sha-512=:{wrong}:"],
    ["Content-Encoding: identity", "Content-Encoding: gzip"],
])
def test_the_second_line_of_a_field_counts(uploads, folder, tmp_path, protocol, fields):
    daemon, content = uploads(), b"content"
    words = {"right": base64.b64encode(hashlib.sha256(content).digest()).decode(),
             "wrong": base64.b64encode(hashlib.sha512(b"other").digest()).decode()}
    (tmp_path / "source").write_bytes(content)
    options = [word for field in fields for word in ("-H", field.format(**words))]
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", protocol, *options, "-T", tmp_path / "source",
                           f"http://127.0.0.1:{daemon.port}/files/x"], capture_output=True, text=True, timeout=60)
    assert done.stdout in ("400", "415"), done
    assert names_in(folder) == []


def test_folders_count_as_files_do(uploads, folder):
    """Inodes are used up by folders as well; those of a file that came to nothing go with it."""
    daemon = uploads("max_files = 4")
    assert put(daemon, "/files/a/b/c/d/one", b"1").status == 507 and names_in(folder) == []
    assert put(daemon, "/files/a/b/one", b"1").status == 201
    assert cause(put(daemon, "/files/c/two", b"2")) == "upload-folder-full" and not (folder / "c").exists()
    assert put(daemon, "/files/a/two", b"2").status == 201
    assert cause(put(daemon, "/files/three", b"3")) == "upload-folder-full"
    for path, status in (("a/b/one", 204), ("a/b/", 204), ("a/two", 204), ("a/", 204)):
        assert send(daemon, "DELETE", f"/files/{path}").status == status
    assert put(daemon, "/files/a/b/c/one", b"1").status == 201


def test_folders_of_a_refused_file_go_with_it(uploads, folder):
    daemon = uploads()
    (folder / "a").mkdir()
    (folder / "a/taken").mkdir()
    assert put(daemon, "/files/a/b/c/one", b"1").status == 201
    assert cause(put(daemon, "/files/a/taken", b"1")) == "upload-name-taken"
    assert put(daemon, "/files/a/b/c/one/two", b"1").status >= 400 and names_in(folder) == ["a", "a/b", "a/b/c", "a/b/c/one", "a/taken"]


def test_staging_is_hidden_behind_whatever_is_like_it(start):
    daemon = start(site="hidden = true", files={".ccodes-stagingX/.ccodes-staging/part": "half", ".ccodes-stagingX/a": "a"})
    assert daemon.get("/.ccodes-stagingX/a").status == 200
    assert daemon.get("/.ccodes-stagingX/.ccodes-staging/part").status == 404


@pytest.mark.parametrize("body", [b"", iter([])])
def test_an_empty_file(uploads, folder, body):
    assert put(uploads(), "/files/x", body).status == 201 and (folder / "x").read_bytes() == b""


def test_who_comes_by_the_bare_path_is_led_to_the_folder(uploads):
    response = uploads().get("/files")
    assert response.status == 301 and response.getheader("location") == "/files/"


def test_the_folder_is_listed_without_what_is_not_whole(uploads, folder):
    daemon = uploads()
    put(daemon, "/files/sub/x.txt", b"x")
    put(daemon, "/files/y.txt", b"yy")
    page = daemon.get("/files/", {"Accept": "application/json"}).body.decode()
    assert "y.txt" in page and "sub" in page and "staging" not in page
    assert (folder / ".ccodes-staging").is_dir() and oct((folder / ".ccodes-staging").stat().st_mode)[-3:] == "700"
    assert daemon.get("/files/.ccodes-staging/").status == 404
    assert cause(put(daemon, "/files/.ccodes-staging/lock", b"")) == "upload-name-invalid"


def test_nothing_shows_staging_even_where_hidden_files_are_shown(start, folder):
    (folder / "sub").mkdir()
    daemon = start(site=f"hidden = true\nlisting = true",
                   more=UPLOAD.format(folder="{}/root/up".format(folder.parent / "daemon0"), keys=OPEN),
                   files={"up/.keep": "", "up/.dot": "shown"})
    put(daemon, "/files/x", b"x")
    assert daemon.get("/up/.dot").body == b"shown"
    assert b"staging" not in daemon.get("/up/", {"Accept": "application/json"}).body
    for path in ("/up/.ccodes-staging", "/up/.ccodes-staging/", "/up/.ccodes-staging/lock"):
        assert cause(daemon.get(path)) == "file-hidden"


def test_pages_among_the_uploads_can_do_nothing(uploads):
    daemon = uploads()
    put(daemon, "/files/page.html", b"<!doctype html><script>alert(1)</script>")
    response = daemon.get("/files/page.html")
    assert "default-src 'none'" in response.getheader("content-security-policy")
    assert response.getheader("x-content-type-options") == "nosniff"


@pytest.mark.parametrize("name", [".x", "a/.x", "%01", "a%7f", "%ff", "n" * 256, "a/" * 33 + "x", "", "a/"])
def test_names_that_are_refused(uploads, folder, name):
    response = put(uploads(), f"/files/{name}", b"x")
    assert response.status == 400 and cause(response) in ("upload-name-invalid", "path-malformed")
    assert names_in(folder) == []


@pytest.mark.parametrize("path", ["/files/../../x", "/files/..%2fx", "/files/%2e%2e/x", "/x", "/filesx"])
def test_paths_that_do_not_lead_into_the_folder(uploads, folder, path):
    daemon = uploads()
    assert put(daemon, path, b"x").status in (400, 405)
    assert names_in(folder) == [] and names_in(daemon.root) == [] and not (folder.parent / "x").exists()


def test_names_are_taken_as_they_are(uploads, folder):
    daemon = uploads()
    for name in ("Ä ö.txt", "a\\b", "CON", "x" * 255, "a;b&c"):
        assert put(daemon, "/files/" + quote(name), name.encode()).status == 201
        assert (folder / name).read_bytes() == name.encode()


def test_what_is_no_file_is_not_replaced(uploads, folder):
    daemon = uploads()
    (folder / "dir").mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "out").symlink_to("/tmp")
    put(daemon, "/files/file", b"x")
    for name in ("dir", "link", "file/below", "out/x"):
        response = put(daemon, f"/files/{name}", b"y")
        assert (response.status, cause(response)) == (409, "upload-name-taken"), name
    assert cause(send(daemon, "DELETE", "/files/link")) == "upload-name-taken"
    assert not os.path.exists("/tmp/x") or open("/tmp/x", "rb").read() != b"y"


class TestConditions:
    def test_if_none_match_star_makes_new_files_only(self, uploads, folder):
        daemon = uploads()
        assert put(daemon, "/files/x", b"1", {"If-None-Match": "*"}).status == 201
        assert put(daemon, "/files/x", b"2", {"If-None-Match": "*"}).status == 412
        assert (folder / "x").read_bytes() == b"1"

    @pytest.mark.parametrize("size", [10, 600_000])
    def test_if_match_replaces_what_the_client_saw(self, uploads, folder, size):
        daemon = uploads()
        first = put(daemon, "/files/x", b"1" * size).getheader("etag")
        assert put(daemon, "/files/y", b"1", {"If-Match": "*"}).status == 412
        assert put(daemon, "/files/x", b"2" * size, {"If-Match": '"other"'}).status == 412
        second = put(daemon, "/files/x", b"2" * size, {"If-Match": first})
        assert second.status == 204
        assert put(daemon, "/files/x", b"3" * size, {"If-Match": first}).status == 412
        assert send(daemon, "DELETE", "/files/x", headers={"If-Match": first}).status == 412
        assert daemon.get("/files/x").getheader("etag") == second.getheader("etag")
        assert send(daemon, "DELETE", "/files/x", headers={"If-Match": second.getheader("etag")}).status == 204

    def test_the_tag_of_a_compressed_body_counts_too(self, uploads):
        daemon = uploads()
        put(daemon, "/files/x.txt", b"text " * 1000)
        tag = until(lambda: (response := daemon.get("/files/x.txt", {"Accept-Encoding": "gzip"})).getheader(
            "content-encoding") and response.getheader("etag"), "the file is compressed")
        assert "gzip" in tag
        assert put(daemon, "/files/x.txt", b"other", {"If-Match": tag}).status == 204

    def test_if_unmodified_since(self, uploads):
        daemon = uploads()
        put(daemon, "/files/x", b"1")
        old, new = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
        assert put(daemon, "/files/x", b"2", {"If-Unmodified-Since": old}).status == 412
        assert put(daemon, "/files/x", b"2", {"If-Unmodified-Since": new}).status == 204
        # If-Match goes before (RFC 9110 section 13.2.2).
        tag = daemon.get("/files/x").getheader("etag")
        assert put(daemon, "/files/x", b"3", {"If-Match": tag, "If-Unmodified-Since": old}).status == 204

    def test_they_are_answered_before_the_body_is_asked_for(self, uploads):
        daemon = uploads()
        put(daemon, "/files/x", b"1")
        answer = daemon.raw(b"PUT /files/x HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\nContent-Length: 1000000\r\n"
                            b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 412 ")

    @pytest.mark.parametrize("conditions", ["new", "same"])
    def test_of_many_that_come_at_once_one_wins(self, uploads, folder, conditions):
        """Each holds its last byte back until all have been let in."""
        daemon = uploads()
        field = b"If-None-Match: *"
        if conditions == "same":
            field = b"If-Match: " + put(daemon, "/files/x", b"first").getheader("etag").encode()
        clients = []
        for i in range(12):
            connection = daemon.connect()
            connection.sendall(b"PUT /files/x HTTP/1.1\r\nHost: a\r\n" + field + b"\r\nContent-Length: 100000\r\n"
                               b"Connection: close\r\n\r\n" + bytes([65 + i]) * 99_999)
            clients.append(connection)
        until(lambda: len(parts_in(folder)) == 12, "all are under way")
        for i, connection in enumerate(clients):
            connection.sendall(bytes([65 + i]))
        answers = [b"".join(iter(lambda: connection.recv(4096), b"")) for connection in clients]
        codes = [int(answer.split()[1]) for answer in answers]
        assert sorted(codes) == sorted([201 if conditions == "new" else 204] + [412] * 11), codes
        winner = next(i for i, code in enumerate(codes) if code < 300)
        assert (folder / "x").read_bytes() == bytes([65 + winner]) * 100_000 and parts_in(folder) == []


class TestDigests:
    CONTENT = random.Random(3).randbytes(600_000)

    @staticmethod
    def field(content, name="sha-256"):
        value = hashlib.new(name.replace("-", ""), content).digest()
        return f"{name}=:{base64.b64encode(value).decode()}:"

    @pytest.mark.parametrize("name", ["sha-256", "sha-512"])
    @pytest.mark.parametrize("header", ["Content-Digest", "Repr-Digest"])
    def test_what_is_not_as_its_digest_says_is_not_kept(self, uploads, folder, name, header):
        daemon = uploads()
        assert put(daemon, "/files/x", self.CONTENT, {header: self.field(self.CONTENT, name)}).status == 201
        damaged = self.CONTENT[:-1] + bytes([self.CONTENT[-1] ^ 1])
        response = put(daemon, "/files/x", damaged, {header: self.field(self.CONTENT, name)})
        assert (response.status, cause(response)) == (400, "digest-mismatch")
        assert (folder / "x").read_bytes() == self.CONTENT and parts_in(folder) == []

    def test_what_both_fields_say_must_be_so(self, uploads, folder):
        fields = {"Content-Digest": self.field(b"x"), "Repr-Digest": self.field(b"y", "sha-512")}
        assert cause(put(uploads(), "/files/x", b"x", fields)) == "digest-mismatch"
        assert names_in(folder) == []

    def test_a_digest_that_is_none_is_refused_before_the_body(self, uploads):
        answer = uploads().raw(b"PUT /files/x HTTP/1.1\r\nHost: a\r\nContent-Digest: sha-256=:YQ==:\r\n"
                               b"Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ") and b"digest-malformed" in answer

    def test_algorithms_that_are_not_known_are_passed_over(self, uploads):
        assert put(uploads(), "/files/x", b"x", {"Content-Digest": "md5=:YQ==:"}).status == 201

    def test_who_wants_a_digest_gets_it(self, uploads):
        response = put(uploads(), "/files/x", self.CONTENT, {"Want-Repr-Digest": "sha-512=5, sha-256=1"})
        assert response.getheader("repr-digest") == self.field(self.CONTENT, "sha-512")


def form(*parts, boundary="XyZ"):
    """parts are (name, file name or None, content)."""
    body = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename is not None else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def post(daemon, path, body, boundary="XyZ"):
    return send(daemon, "POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def test_the_metrics_say_what_is_there(uploads, folder):
    (folder / "old").write_bytes(bytes(1000))
    daemon = uploads()
    put(daemon, "/files/new", bytes(500))
    with daemon.connect() as connection:
        connection.sendall(b"PUT /files/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx")
        until(lambda: parts_in(folder), "it is under way")
        text = daemon.admin("GET", "/metrics").body.decode()
    for name, value in (("folder_bytes", 1500), ("folder_files", 2), ("active", 1), ("parts", 0)):
        assert f'ccodes_upload_{name}{{folder="{folder}"}} {value}' in text


class TestForms:
    @pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
    def test_curl_posts_several_files(self, uploads, folder, tmp_path, version):
        daemon = uploads()
        big, small = random.Random(5).randbytes(1_500_000), b"small\r\n--"
        (tmp_path / "big.bin").write_bytes(big)
        (tmp_path / "sm all.txt").write_bytes(small)
        put(daemon, "/files/sub/big.bin", b"old")
        done = subprocess.run(["curl", "-sS", version, "-F", "note=text", "-F", f"f=@{tmp_path}/big.bin",
                               "-F", f"g=@{tmp_path}/sm all.txt", "-w", "\n%{http_code}",
                               f"http://127.0.0.1:{daemon.port}/files/sub/"], capture_output=True, text=True, timeout=60)
        body, _, code = done.stdout.rpartition("\n")
        assert code == "201" and json.loads(body) == {"files": [
            {"name": "sub/big.bin", "path": "/files/sub/big.bin", "size": len(big), "replaced": True},
            {"name": "sub/sm all.txt", "path": "/files/sub/sm%20all.txt", "size": len(small), "replaced": False}]}
        assert (folder / "sub/big.bin").read_bytes() == big and (folder / "sub/sm all.txt").read_bytes() == small

    def test_a_path_of_the_clients_system_is_cut_off(self, uploads, folder):
        daemon = uploads()
        assert post(daemon, "/files/", form(("f", "C:\\dir\\a.txt", b"1"), ("g", "../../../etc/b", b"2"))).status == 201
        assert names_in(folder) == ["a.txt", "b"]

    @pytest.mark.parametrize("name", [".htaccess", "..", "a/.", "a\x01b", "x" * 300])
    def test_names_that_are_refused(self, uploads, folder, name):
        response = post(uploads(), "/files/", form(("f", name, b"1")))
        assert response.status == 400 and names_in(folder) == [] and parts_in(folder) == []

    def test_every_file_counts(self, uploads, folder):
        daemon = uploads('max_files = 3\nmax_file = "1K"\ntypes = ["text/plain"]')
        parts = [("f", f"{i}.txt", b"text") for i in range(5)]
        response = post(daemon, "/files/", form(*parts))
        assert (response.status, cause(response)) == (507, "upload-folder-full")
        assert [file["name"] for file in json.loads(response.body)["files"]] == ["0.txt", "1.txt", "2.txt"]
        assert names_in(folder) == ["0.txt", "1.txt", "2.txt"] and parts_in(folder) == []
        assert cause(post(daemon, "/files/", form(("f", "0.txt", b"x" * 1025)))) == "upload-folder-full"
        send(daemon, "DELETE", "/files/0.txt")
        assert cause(post(daemon, "/files/", form(("f", "0.txt", b"x" * 1025)))) == "upload-too-large"
        assert cause(post(daemon, "/files/", form(("f", "0.txt", b"\x89PNG\r\n\x1a\n")))) == "upload-type-refused"
        assert post(daemon, "/files/", form(("f", "0.txt", b"x" * 1024))).status == 201

    @pytest.mark.parametrize("body", [
        b"", b"--XyZ--", form(("f", None, b"1")), form(("f", "", b"")), form(("f", "x", b"1"))[:-6],
        b"--XyZ\r\nX: y\r\n\r\n", form(("f", None, bytes(2 << 20)), ("f", "x", b"1")), bytes(2 << 20)],
        ids=["nothing", "no part", "a field", "no file chosen", "cut", "no disposition", "a large field", "a large preamble"])
    def test_what_is_no_form_with_files(self, uploads, folder, body):
        response = post(uploads(), "/files/", body)
        assert (response.status, cause(response)) == (400, "form-malformed")
        assert parts_in(folder) == []

    def test_what_else_is_posted_is_refused(self, uploads):
        daemon = uploads()
        assert send(daemon, "POST", "/files/", b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}).status == 415
        assert cause(send(daemon, "POST", "/files/", b"", {"Content-Digest": "md5=:YQ==:"})) == "digest-unsupported"
        assert cause(post(daemon, "/files/x", form(("f", "x", b"1")))) == "upload-name-invalid"

    def test_a_connection_that_is_cut_leaves_whole_files_only(self, uploads, folder):
        daemon = uploads()
        body = form(*[("f", f"{i}", bytes([65 + i]) * 100_000) for i in range(10)])
        chance = random.Random(9)
        for _ in range(30):
            with daemon.connect() as connection:
                connection.sendall(b"POST /files/ HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=XyZ\r\n"
                                   b"Content-Length: %d\r\n\r\n" % len(body) + body[:chance.randrange(len(body))])
        until(lambda: parts_in(folder) == [], "nothing is left that is not whole")
        for name in names_in(folder):
            assert (folder / name).read_bytes() == bytes([65 + int(name)]) * 100_000

    def test_many_files_in_one_form(self, uploads, folder):
        daemon = uploads()
        assert post(daemon, "/files/", form(*[("f", f"{i}", b"x") for i in range(1000)])).status == 201
        assert len(names_in(folder)) == 1000
        response = post(daemon, "/files/", form(*[("f", f"{i}", b"y") for i in range(1001)]))
        assert (response.status, cause(response)) == (400, "form-malformed")


class TestRefusals:
    def test_a_token_is_needed_unless_anyone_may(self, start, folder):
        daemon = start(more=UPLOAD.format(folder=folder, keys='methods = ["get", "put", "delete"]'))
        response = put(daemon, "/files/x", b"1")
        assert response.status == 401 and cause(response) == "token-required"
        assert response.getheader("www-authenticate").startswith("Bearer")
        assert send(daemon, "DELETE", "/files/x").status == 401
        assert names_in(folder) == []

    def test_methods_that_are_off(self, start, folder):
        daemon = start(more=UPLOAD.format(folder=folder, keys='access = "anyone"\nmethods = ["put"]\nmin_free = 0'))
        assert put(daemon, "/files/x", b"1").status == 201
        for method in ("GET", "HEAD", "DELETE", "POST", "PATCH"):
            response = send(daemon, method, "/files/x")
            assert response.status == 405 and response.getheader("allow") == "PUT, OPTIONS", method
        assert send(daemon, "OPTIONS", "/files/x").getheader("allow") == "PUT, OPTIONS"

    @pytest.mark.parametrize("framing", ["length", "chunked"])
    def test_files_that_are_too_large(self, uploads, folder, framing):
        daemon = uploads('max_file = "1M"')
        assert put(daemon, "/files/x", bytes(1 << 20)).status == 201
        body = bytes((1 << 20) + 1) if framing == "length" else iter([bytes(1 << 20), b"x"])
        response = put(daemon, "/files/y", body)
        assert (response.status, cause(response)) == (413, "upload-too-large")
        assert names_in(folder) == ["x"] and parts_in(folder) == []

    def test_a_folder_that_is_full(self, uploads, folder):
        (folder / "old").write_bytes(bytes(600_000))
        daemon = uploads('max_total = "1M"\nmax_files = 3')
        assert cause(put(daemon, "/files/x", bytes(500_000))) == "upload-folder-full"
        assert cause(put(daemon, "/files/x", iter([bytes(250_000)] * 2))) == "upload-folder-full"
        assert put(daemon, "/files/x", bytes(400_000)).status == 201
        assert send(daemon, "DELETE", "/files/old").status == 204
        assert put(daemon, "/files/y", bytes(600_000)).status == 201
        assert put(daemon, "/files/z", b"").status == 201
        response = put(daemon, "/files/w", b"")
        assert (response.status, cause(response)) == (507, "upload-folder-full")
        assert parts_in(folder) == []

    def test_limits_hold_over_a_reload_and_a_restart(self, uploads, folder):
        daemon = uploads("max_files = 2")
        put(daemon, "/files/a", b"")
        assert daemon.admin("POST", "/reload").status == 200
        put(daemon, "/files/b", b"")
        assert cause(put(daemon, "/files/c", b"")) == "upload-folder-full"
        daemon.stop()
        daemon.start()
        assert cause(put(daemon, "/files/c", b"")) == "upload-folder-full"

    def test_a_disk_that_must_keep_room(self, uploads):
        daemon = uploads()
        daemon.write_configuration(more=daemon.parts["more"].replace("min_free = 0", 'min_free = "1000T"'))
        assert daemon.admin("POST", "/reload").status == 200
        response = put(daemon, "/files/x", b"1")
        assert (response.status, cause(response)) == (507, "upload-disk-full")

    def test_too_many_at_a_time(self, uploads, folder):
        daemon = uploads("max_active = 2")
        head = b"PUT /files/%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx"
        clients = [daemon.connect() for _ in range(2)]
        for i, connection in enumerate(clients):
            connection.sendall(head % i)
        until(lambda: len(parts_in(folder)) == 2, "two are under way")
        response = put(daemon, "/files/third", b"x")
        assert (response.status, cause(response)) == (503, "upload-busy")
        for connection in clients:
            connection.close()
        until(lambda: put(daemon, "/files/third", b"x").status == 201, "their places are free again")
        until(lambda: parts_in(folder) == [], "nothing is left of them")

    @pytest.mark.parametrize("name,content,ok", [
        ("x.png", b"\x89PNG\r\n\x1a\n" + bytes(2000), True),
        ("x.txt", b"\x89PNG\r\n\x1a\n", True),
        ("x.png", b"<!doctype html><script>", False),
        ("x.json", b'{"a": 1}', True),
        ("x.txt", b'{"a": 1}', False),
        ("x", b"plain", False),
        ("x.json", b"\x89PNG\r\n\x1a\n", True),
        ("x.json", b"GIF89a" + bytes(10_000), False),
        ("x.png", b"just text", False),
        ("x.png", bytes(100), False),
    ])
    def test_types_are_told_by_content(self, uploads, folder, name, content, ok):
        daemon = uploads('types = ["image/png", "application/json"]')
        response = put(daemon, f"/files/{name}", content)
        assert (response.status, cause(response)) == ((201, None) if ok else (415, "upload-type-refused"))
        assert names_in(folder) == ([name] if ok else []) and parts_in(folder) == []

    def test_no_overwriting(self, uploads, folder):
        daemon = uploads("overwrite = false")
        assert put(daemon, "/files/x", b"1").status == 201
        response = put(daemon, "/files/x", b"2")
        assert (response.status, cause(response)) == (409, "upload-exists")
        assert (folder / "x").read_bytes() == b"1"

    def test_parts_and_codings_are_not_put(self, uploads, folder):
        daemon = uploads()
        assert cause(put(daemon, "/files/x", b"1", {"Content-Range": "bytes 0-0/2"})) == "content-range-refused"
        assert put(daemon, "/files/x", b"1", {"Content-Encoding": "gzip"}).status == 415
        assert names_in(folder) == []

    @pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to give a folder away")
    def test_a_folder_that_cannot_be_written(self, uploads, folder):
        """It belongs to somebody else; the daemon has given up root's rights."""
        os.chown(folder, 65534, 65534)
        daemon = uploads()
        response = put(daemon, "/files/x", b"1")
        assert (response.status, cause(response)) == (500, "upload-folder-unwritable")


class TestFaults:
    def test_a_client_that_goes_away_leaves_nothing(self, uploads, folder):
        daemon = uploads()
        chance = random.Random(7)
        for i in range(30):
            with daemon.connect() as connection:
                connection.sendall(b"PUT /files/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
                connection.sendall(bytes(chance.randrange(3_000_000)))
        until(lambda: parts_in(folder) == [], "all is cleared away")
        assert names_in(folder) == []
        assert put(daemon, "/files/x", b"1").status == 201

    def test_a_body_that_is_too_slow(self, uploads, folder):
        daemon = uploads(http="[http.timeouts.body]\nidle = \"200ms\"")
        answer = daemon.raw(b"PUT /files/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert answer.startswith(b"HTTP/1.1 408 ")
        until(lambda: parts_in(folder) == [], "all is cleared away")
        assert names_in(folder) == []

    def test_kill_in_the_middle(self, uploads, folder):
        """Whatever moment it is, a file is there as a whole or not at all, and the next start clears the rest away."""
        daemon = uploads()
        chance = random.Random(11)
        for i in range(10):
            clients = []
            for number in range(4):
                connection = daemon.connect()
                connection.sendall(b"PUT /files/%d HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" % number)
                sent = chance.choice([chance.randrange(1_000_000), 1_000_000])
                connection.sendall(bytes([97 + i]) * sent)
                clients.append(connection)
            if chance.random() < 0.5:
                until(lambda: parts_in(folder) or names_in(folder), "something was written")
            daemon.process.kill()
            daemon.process.wait()
            for connection in clients:
                connection.close()
            for name in names_in(folder):
                content = (folder / name).read_bytes()
                assert len(content) == 1_000_000 and len(set(content)) == 1
            daemon.start()
            until(lambda: parts_in(folder) == [], "what was left over is cleared away")

    def test_two_daemons_share_a_folder(self, uploads, folder):
        """As in an apply: neither sweeps what the other writes, and the limits hold for both."""
        first, second = uploads("max_files = 4"), uploads("max_files = 4")
        head = b"PUT /files/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabcde"
        with first.connect() as connection:
            connection.sendall(head)
            until(lambda: len(parts_in(folder)) == 1, "it is under way")
            second.stop()
            second.start() # sweeps at once
            assert put(second, "/files/other", b"1").status == 201
            assert len(parts_in(folder)) == 1
            connection.sendall(b"fghij")
            assert b" 201 " in connection.recv(4096)
        assert (folder / "slow").read_bytes() == b"abcdefghij"
        put(second, "/files/third", b"1")
        put(second, "/files/fourth", b"1")
        until(lambda: cause(put(first, "/files/fifth", b"1")) == "upload-folder-full" or
              (send(first, "DELETE", "/files/fifth"), None)[1], "the first has seen the second's files", seconds=20)

    def test_a_link_that_comes_between_the_check_and_the_file(self, uploads, folder, tmp_path):
        outside = tmp_path / "outside"
        outside.mkdir()
        (folder / "real").mkdir()
        daemon = uploads()
        with daemon.connect() as connection:
            connection.sendall(b"PUT /files/real/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n1")
            until(lambda: parts_in(folder), "it was let in")
            (folder / "real").rmdir()
            (folder / "real").symlink_to(outside)
            connection.sendall(b"2")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 409 ") and b"upload-name-taken" in answer
        assert os.listdir(outside) == [] and parts_in(folder) == []

    def test_links_that_are_swapped_in(self, uploads, folder, tmp_path):
        """A folder of the path becomes a link to elsewhere, and back, as fast as it can be done."""
        outside = tmp_path / "outside"
        outside.mkdir()
        (folder / "real").mkdir()
        daemon = uploads()
        stop = threading.Event()

        def swap():
            while not stop.is_set():
                try:
                    os.rename(folder / "real", folder / "aside")
                    os.symlink(outside, folder / "real")
                    os.unlink(folder / "real")
                    os.rename(folder / "aside", folder / "real")
                except OSError:
                    pass

        swapper = threading.Thread(target=swap)
        swapper.start()
        codes = {}
        try:
            for i in range(300):
                code = put(daemon, f"/files/real/{i % 7}", b"content").status
                codes[code] = codes.get(code, 0) + 1
                if i % 3 == 0:
                    send(daemon, "DELETE", f"/files/real/{i % 7}")
        finally:
            stop.set()
            swapper.join()
        assert os.listdir(outside) == [] and codes.get(201, 0) > 0, codes

    @pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to mount a small disk")
    def test_a_disk_that_is_full(self, uploads, folder):
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder])
        if mounted.returncode:
            pytest.skip("nothing can be mounted here")
        try:
            daemon = uploads()
            for body in (bytes(8_000_000), iter([bytes(1_000_000)] * 8)):
                response = put(daemon, "/files/x", body)
                assert (response.status, cause(response)) == (507, "upload-disk-full")
            assert names_in(folder) == [] and parts_in(folder) == []
            assert put(daemon, "/files/x", bytes(3_000_000)).status == 201
            daemon.stop()
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def test_a_wrong_configuration_says_where(start, folder, tmp_path):
    for keys, words in (('path = "/files"', "must begin and end with"), ('path = "/.x/"', "begins with '.'"),
                        ('path = "/f/"\nfolder = "/nowhere/at/all"', "upload 'files'")):
        text = f'[[server.listener]]\nname = "a"\naddress = "127.0.0.1:0"\n[[site]]\nname = "s"\nroot = "{tmp_path}"\n' \
               f'[[site.upload]]\nname = "files"\n{keys}\n' + ("" if "folder" in keys else f'folder = "{folder}"\n')
        config = tmp_path / "wrong.toml"
        config.write_text(text)
        done = subprocess.run([SERVER, "--config", config, "--check"], capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and words in done.stderr, done.stderr
