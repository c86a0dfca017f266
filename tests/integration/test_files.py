# SPDX-License-Identifier: Apache-2.0
"""The file server from outside: conditions, ranges, codings, rules, listings, and that no path leaves its root."""

import gzip
import json
import os
import subprocess
import threading

import pytest

from daemon import until
from h2_client import Client, get

PAGE = "<!doctype html><title>t</title>" + "<p>some text that repeats itself</p>" * 300
FILES = {
    "index.html": PAGE,
    "a.txt": "0123456789" * 10,
    "style.css": "body { color: black }\n" * 100,
    "sub/b.txt": "b",
    "no-extension": "%PDF-1.4 and so on",
    "ready.js": "plain " * 100,
    "ready.js.gz": gzip.compress(b"ready made " * 100),
    ".hidden": "secret",
    ".well-known/x": "known",
    "errors/404.html": "<p>nothing here</p>",
    "empty.txt": "",
}


@pytest.fixture
def server(start):
    return start(files=FILES, site="listing = true\n")


def test_conditions(server):
    first = server.get("/a.txt")
    etag, modified = first.getheader("etag"), first.getheader("last-modified")
    assert server.get("/a.txt", {"If-None-Match": etag}).status == 304
    assert server.get("/a.txt", {"If-None-Match": '"other"'}).status == 200
    assert server.get("/a.txt", {"If-Modified-Since": modified}).status == 304
    assert server.get("/a.txt", {"If-Match": '"other"'}).status == 412
    assert server.get("/a.txt", {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}).status == 412
    # If-None-Match goes before If-Modified-Since (RFC 9110 section 13.2.2).
    assert server.get("/a.txt", {"If-None-Match": '"other"', "If-Modified-Since": modified}).status == 200


def test_ranges(server):
    whole = FILES["a.txt"].encode()
    answer = server.get("/a.txt", {"Range": "bytes=10-19"})
    assert (answer.status, answer.body, answer.getheader("content-range")) == (206, whole[10:20], "bytes 10-19/100")
    assert server.get("/a.txt", {"Range": "bytes=-5"}).body == whole[-5:]
    assert server.get("/a.txt", {"Range": "bytes=95-"}).body == whole[95:]
    beyond = server.get("/a.txt", {"Range": "bytes=100-"})
    assert (beyond.status, beyond.getheader("content-range")) == (416, "bytes */100")
    several = server.get("/a.txt", {"Range": "bytes=0-0,50-59"})
    assert several.status == 206
    assert several.getheader("content-type").startswith("multipart/byteranges; boundary=")
    assert whole[50:60] in several.body
    etag = answer.getheader("etag")
    assert server.get("/a.txt", {"Range": "bytes=0-0", "If-Range": etag}).status == 206
    assert server.get("/a.txt", {"Range": "bytes=0-0", "If-Range": '"old"'}).status == 200
    # Many tiny overlapping ranges are not worth a multipart answer many times the file's size.
    greedy = server.get("/a.txt", {"Range": "bytes=" + ",".join("0-" for _ in range(500))})
    assert len(greedy.body) <= 2 * len(whole)


@pytest.mark.parametrize("coding, decode", [
    ("gzip", gzip.decompress),
    ("br", lambda body: subprocess.run(["brotli", "-dc"], input=body, capture_output=True, check=True).stdout),
    ("zstd", lambda body: subprocess.run(["zstd", "-dc"], input=body, capture_output=True, check=True).stdout),
])
def test_compression(server, coding, decode):
    answer = until(lambda: (a := server.get("/", {"Accept-Encoding": coding})).getheader("content-encoding") and a,
                   "the page is compressed")
    assert answer.getheader("content-encoding") == coding
    assert "accept-encoding" in answer.getheader("vary").lower()
    assert decode(answer.body) == PAGE.encode()
    assert len(answer.body) < len(PAGE) / 5
    plain = server.get("/")
    assert plain.body == PAGE.encode()
    assert plain.getheader("etag") != answer.getheader("etag")
    assert server.get("/", {"Accept-Encoding": coding, "If-None-Match": answer.getheader("etag")}).status == 304


def test_precompressed(server):
    answer = server.get("/ready.js", {"Accept-Encoding": "gzip"})
    assert answer.getheader("content-encoding") == "gzip"
    assert gzip.decompress(answer.body) == b"ready made " * 100
    assert server.get("/ready.js").body == FILES["ready.js"].encode()
    assert server.get("/ready.js", {"Accept-Encoding": "gzip;q=0"}).getheader("content-encoding") is None


def test_what_compressors_make_beside_a_file_is_used(start):
    """brotli gives its output the file's time without the fraction."""
    server = start(files={"a.js": "var a;\n" * 500})
    for command in (["gzip", "-k"], ["brotli"], ["zstd", "-q"]):
        subprocess.run([*command, server.root / "a.js"], check=True)
    for coding, suffix in (("gzip", "gz"), ("br", "br"), ("zstd", "zst")):
        answer = server.get("/a.js", {"Accept-Encoding": coding})
        assert answer.getheader("content-encoding") == coding
        assert answer.body == (server.root / f"a.js.{suffix}").read_bytes(), coding
        assert answer.getheader("etag").endswith(f'-{coding}0"')  # made by nobody of ours


def test_types(server):
    assert server.get("/style.css").getheader("content-type") == "text/css; charset=utf-8"
    assert server.get("/no-extension").getheader("content-type") == "application/pdf"
    assert server.get("/a.txt").getheader("x-content-type-options") == "nosniff"


def test_head_is_get_without_the_body(server):
    for path in ("/", "/a.txt", "/missing", "/empty.txt"):
        get, head = server.get(path), server.request("HEAD", path)
        assert (head.status, head.body) == (get.status, b"")
        assert head.getheader("content-length") == get.getheader("content-length")


def test_a_changed_file_is_seen(server):
    assert server.get("/a.txt").body == FILES["a.txt"].encode()
    path = server.root / "a.new"
    path.write_text("changed")
    path.rename(server.root / "a.txt")
    until(lambda: server.get("/a.txt").body == b"changed", "the new file is served", seconds=5)


def test_folders(server):
    redirect = server.get("/sub?x=1")
    assert (redirect.status, redirect.getheader("location")) == (301, "/sub/?x=1")
    listing = server.get("/sub/", {"Accept": "text/html"})
    assert listing.status == 200 and b"b.txt" in listing.body
    assert listing.getheader("content-type").startswith("text/html")
    names = json.dumps(json.loads(server.get("/sub/", {"Accept": "application/json"}).body))
    assert "b.txt" in names
    names = server.get("/?", {"Accept": "application/json"}).body
    assert b"hidden" not in names


def test_a_large_folder_is_listed_page_by_page(start):
    server = start(files=FILES, site="listing = true\n")
    folder = server.root / "many"
    folder.mkdir()
    for i in range(2500):
        (folder / f"f{i:04}").touch()
    (folder / "f0007").write_text("largest")
    page = lambda query: server.get("/many/" + query, {"Accept": "text/html"}).body.decode()
    assert page("").count("<tr>") == 1000 + 2  # the head of the table, and ".."
    assert ">f0999<" in page("?page=1") and ">f1000<" not in page("?page=1")
    assert ">f2499<" in page("?page=3") and "Page 3 of 3" in page("?page=3")
    assert "Page 3 of 3" in page("?page=99999999999999999999")
    assert page("?page=0") == page("?page=x") == page("")
    assert ">f0007<" in page("?sort=size&order=descending")
    whole = json.loads(server.get("/many/?sort=name&order=descending", {"Accept": "application/json"}).body)
    assert (whole["complete"], whole["count"], whole["pages"]) == (True, 2500, 1)
    assert [entry["name"] for entry in whole["entries"]] == [f"f{i:04}" for i in reversed(range(2500))]
    first = server.get("/many/")
    assert server.get("/many/", {"If-None-Match": first.getheader("etag")}).status == 304
    (folder / "f0000").unlink()
    until(lambda: ">f0000<" not in page(""), "the file is no longer listed", seconds=30)


def test_a_listing_is_made_once_for_all_who_wait(start):
    server = start(files=FILES, site="listing = true\n", server="[server.cache]\nrevalidate = \"0\"\n")
    folder = server.root / "many"
    folder.mkdir()
    for i in range(3000):
        (folder / f"f{i:04}").touch()
    bodies = []
    threads = [threading.Thread(target=lambda: bodies.append(server.get("/many/").body)) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == 32 and len(set(bodies)) == 1


def test_hidden_files(server):
    assert server.get("/.hidden").status == 404
    assert server.get("/.well-known/x").body == b"known"


def test_rules_fallback_and_error_pages(start):
    server = start(files=FILES, site='fallback = "/index.html"\n', more="""
[[site.rule]]
path = "/old/**"
redirect = "/new/$1"
status = 302
[[site.rule]]
path = "/*.css"
cache_control = "public, max-age=600"
headers = { X-Test = "yes" }
""")
    moved = server.get("/old/a/b?q=1")
    assert (moved.status, moved.getheader("location").partition("?")[0]) == (302, "/new/a/b")
    style = server.get("/style.css")
    assert (style.getheader("cache-control"), style.getheader("x-test")) == ("public, max-age=600", "yes")
    assert server.get("/some/client/route").body == PAGE.encode()


def test_custom_error_page(start):
    server = start(files=FILES, site='errors = { 404 = "/errors/404.html" }\n')
    answer = server.get("/missing")
    assert (answer.status, answer.body) == (404, b"<p>nothing here</p>")
    assert answer.getheader("ccodes-cause") == "file-not-found"


def test_no_path_leaves_the_root(start, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("outside")
    server = start(files=FILES)
    (server.root / "link").symlink_to(outside)
    (server.root / "up").symlink_to("..")
    (server.root / "inner").symlink_to("a.txt")
    for path in ("/../outside.txt", "/%2e%2e/outside.txt", "/sub/../../outside.txt", "/sub/%2e%2e/%2e%2e/outside.txt",
                 "/link", "/up/", "/up/ccodes.toml", "/a.txt%00.html", "/..%2foutside.txt", "/sub/..%5c..%5coutside.txt",
                 "//../outside.txt", "/./../outside.txt"):
        answer = server.get(path)
        assert answer.status in (400, 403, 404), path
        assert b"outside" != answer.body and b"[server]" not in answer.body
    assert server.get("/inner").body == FILES["a.txt"].encode()


def test_swapped_symlinks_never_lead_out(start, tmp_path):
    """A folder that is replaced by a link to the outside, again and again, while it is asked for."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "b.txt").write_text("secret")
    server = start(files=FILES, server="[server.cache]\nrevalidate = \"0\"\n")
    folder, link, spare = server.root / "swap", server.root / "swap.link", server.root / "swap.dir"
    folder.mkdir()
    (folder / "b.txt").write_text("public")
    link.symlink_to(secret)
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            os.rename(folder, spare)
            os.rename(link, folder)
            os.rename(folder, link)
            os.rename(spare, folder)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        bodies = {server.get("/swap/b.txt").body for _ in range(400)}
    finally:
        stop.set()
        thread.join()
    assert b"public" in bodies
    assert b"secret" not in bodies


def test_cached_and_large_files_are_whole(start):
    content = os.urandom(5_000_000)
    server = start(files={"large.bin": content, "small.bin": content[:5000]}, tls=True)
    for secure in (False, True):
        for _ in range(3):
            assert server.get("/large.bin", secure=secure).body == content
            assert server.get("/small.bin", secure=secure).body == content[:5000]


HINTS = """
[[site.rule]]
path = "/*.html"
link = ["</style.css>; rel=preload; as=style", "</app.js>; rel=modulepreload"]
early_hints = true
[[site.rule]]
path = "/other.html"
link = ["</other.css>; rel=preload; as=style"]
[[site.rule]]
path = "/moved.html"
redirect = "/page.html"
"""
NAVIGATION = {"Sec-Fetch-Mode": "navigate"}


@pytest.mark.parametrize("path, fields, hints", [
    ("/page.html", NAVIGATION, 2),
    ("/page.html", {}, 0),
    ("/page.html", {"Sec-Fetch-Mode": "no-cors"}, 0),
    ("/other.html", NAVIGATION, 2),
    ("/moved.html", NAVIGATION, 0),
    ("/page.txt", NAVIGATION, 0),
])
def test_early_hints(start, path, fields, hints):
    """The links go ahead as 103, and come with the answer too."""
    server = start(files={"page.html": "<p>page", "other.html": "<p>other", "page.txt": "text"}, more=HINTS)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    answer = server.raw(f"GET {path} HTTP/1.1\r\nHost: a\r\n{lines}Connection: close\r\n\r\n".encode()).decode()
    early = answer.split("\r\n\r\n")[0] if answer.startswith("HTTP/1.1 103 Early Hints\r\n") else ""
    assert early.count("link: ") == hints
    last = answer[len(early):].lower()
    assert last.count("\r\nlink: ") == {"/page.html": 2, "/other.html": 3}.get(path, last.count("\r\nlink: "))

    with server.connect() as connection:
        client = Client(connection)
        client.send(get(1, path, *[(name.lower(), value) for name, value in fields.items()]))
        response = client.response(1)
        assert len(response.informational) == (1 if hints else 0)
        assert response.status in (200, 301, 302)


def test_no_hints_in_http10(start):
    server = start(files={"page.html": "<p>page"}, more=HINTS)
    assert server.raw(b"GET /page.html HTTP/1.0\r\nSec-Fetch-Mode: navigate\r\n\r\n").startswith(b"HTTP/1.1 200 ")
