# SPDX-License-Identifier: Apache-2.0
"""Signed addresses: who has one reads, until its time is over, and nobody else; and the rates that downloads go at."""

import base64
import hashlib
import hmac
import re
import secrets
import subprocess
import threading
import time
from urllib.parse import quote

import pytest
from daemon import until
from sealed_folder import request

KEY = "20260101-aaaa"
CONTENT = bytes(range(256)) * 40


def signature(secret, key, host, path, expires, name="", rate=""):
    """As signed_address.h says it."""
    parts = ["ccodes-signed-1", "read", host, path, str(expires), key, name, rate]
    digest = hmac.new(bytes.fromhex(secret), b"".join(part.encode() + b"\0" for part in parts), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Signer:
    def __init__(self, top, monkeypatch):
        self.secret = secrets.token_hex(32)
        self.credentials = top / "credentials"
        self.credentials.mkdir(mode=0o700)
        self.write(f"{KEY} {self.secret}")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(self.credentials))

    def write(self, *lines):
        (self.credentials / "downloads").write_text("\n".join(["ccodes-keys 1 sign", *lines]) + "\n")

    def query(self, path, lifetime=60, name=None, rate=None, host="localhost", secret=None, key=KEY):
        expires = int(time.time()) + lifetime
        name, rate = quote(name, safe="") if name else None, str(rate) if rate else None
        made = signature(secret or self.secret, key, host, path, expires, name or "", rate or "")
        return (f"?expires={expires}&key={key}" + (f"&name={name}" if name else "") + (f"&rate={rate}" if rate else "")
                + f"&signature={made}")


@pytest.fixture
def signer(tmp_path, monkeypatch):
    return Signer(tmp_path, monkeypatch)


SITE = 'signing_key = "downloads"\n'
RULE = '[[site.rule]]\npath = "/paid/**"\nsigned = true\n'


@pytest.fixture
def served(start, signer, tmp_path):
    def starter(more=RULE, **options):
        return start(site=SITE, files={"paid/a b.bin": CONTENT, "free.bin": CONTENT}, more=more, **options)
    return starter


def get(daemon, path, **options):
    return request(daemon, "GET", path, **options)


def test_an_address_opens_one_file(served, signer):
    daemon = served()
    got = get(daemon, "/paid/a%20b.bin" + signer.query("/paid/a b.bin"))
    assert (got.status, got.body) == (200, CONTENT)
    assert got.getheader("content-disposition") is None
    assert "private" in got.getheader("cache-control") and got.getheader("referrer-policy") == "no-referrer"
    part = get(daemon, "/paid/a%20b.bin" + signer.query("/paid/a b.bin"), headers={"Range": "bytes=5-9"})
    assert (part.status, part.body) == (206, CONTENT[5:10])
    assert request(daemon, "HEAD", "/paid/a%20b.bin" + signer.query("/paid/a b.bin")).status == 200
    assert get(daemon, "/free.bin").body == CONTENT


@pytest.mark.parametrize("name, disposition", [
    ("report.pdf", 'attachment; filename="report.pdf"'),
    ("Jahr „26“.pdf", "attachment; filename=\"Jahr _26_.pdf\"; filename*=UTF-8''Jahr%20%E2%80%9E26%E2%80%9C.pdf"),
])
def test_the_name_is_the_one_that_was_signed(served, signer, name, disposition):
    got = get(served(), "/paid/a%20b.bin" + signer.query("/paid/a b.bin", name=name))
    assert (got.status, got.getheader("content-disposition")) == (200, disposition)


def test_without_one_nothing_is_read(served, signer):
    daemon = served()
    for path in ("/paid/a%20b.bin", "/paid/", "/paid/nothing", "/paid/a%20b.bin?x=1"):
        got = get(daemon, path)
        assert (got.status, got.cause) == (403, "signature-missing"), path
        assert CONTENT[:64] not in got.body
    assert request(daemon, "HEAD", "/paid/a%20b.bin").status == 403


def test_wrong_ones_are_refused(served, signer):
    daemon, good = served(), signer.query("/paid/a b.bin", name="x.bin", rate=1000000)
    path = "/paid/a%20b.bin"
    assert get(daemon, path + good).status == 200
    for wrong, cause in ((good.replace("x.bin", "y.bin"), "signature-invalid"),
                         (good.replace("rate=1000000", "rate=9000000"), "signature-invalid"),
                         (re.sub(r"expires=\d+", "expires=9999999999", good), "signature-invalid"),
                         (good.replace("aaaa", "bbbb"), "signature-invalid"),
                         (good[:-1] + ("A" if good[-1] != "A" else "E"), "signature-invalid"),
                         (good[:-5], "signature-malformed"),
                         (good + "&x=1", "signature-malformed"),
                         ("?x=1&" + good[1:], "signature-malformed"),
                         (good.replace("name=x.bin", "name=%2Fetc%2Fpasswd"), "signature-malformed"),
                         (good.replace("rate=1000000", "rate=0"), "signature-malformed"),
                         (signer.query("/paid/other"), "signature-invalid"),
                         (signer.query("/paid/a b.bin", host="example.org"), "signature-invalid"),
                         (signer.query("/paid/a b.bin", secret="00" * 32), "signature-invalid")):
        got = get(daemon, path + wrong)
        assert (got.status, got.cause) == (403, cause), wrong
    assert get(daemon, path + good, host="127.0.0.1").cause == "signature-invalid"
    late = get(daemon, path + signer.query("/paid/a b.bin", lifetime=-1))
    assert (late.status, late.cause) == (410, "signature-expired")


def test_keys_change_without_an_address_lost(served, signer):
    daemon, path = served(), "/paid/a%20b.bin"
    old = signer.query("/paid/a b.bin")
    new_secret = secrets.token_hex(32)
    signer.write(f"{KEY} {signer.secret}", f"20260201-bbbb {new_secret}")
    assert daemon.admin("POST", "/reload").status == 200
    new = signer.query("/paid/a b.bin", secret=new_secret, key="20260201-bbbb")
    assert get(daemon, path + old).status == get(daemon, path + new).status == 200
    signer.write(f"20260201-bbbb {new_secret}")
    assert daemon.admin("POST", "/reload").status == 200
    assert (get(daemon, path + old).cause, get(daemon, path + new).status) == ("signature-invalid", 200)


@pytest.mark.parametrize("target", ["file", "console"])
def test_no_signature_is_in_a_log(start, signer, tmp_path, target):
    access = f'[log.access]\ntarget = "file"\npath = "{tmp_path}/access.log"\n' if target == "file" else ""
    daemon = start(site=SITE, files={"paid/a": CONTENT}, more=RULE + access)
    query = signer.query("/paid/a")
    made = query.rpartition("=")[2]
    assert get(daemon, "/paid/a" + query).status == 200
    assert get(daemon, "/nothing", headers={"Referer": "http://localhost/paid/a" + query}).status == 404
    decoy = query.replace("&signature=", "&name=a?signature=decoy.txt&signature=")
    assert get(daemon, "/nowhere" + decoy).status == 404
    log = (lambda: (tmp_path / "access.log").read_text()) if target == "file" else daemon.log
    if target == "file":
        until(lambda: "/nowhere" in log(), "the log has the last request")
        assert made[:6] + "..." in log()
    assert made not in log() and made not in daemon.log()


def test_signed_upload_folders(start, signer, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "x.bin").write_bytes(CONTENT)
    daemon = start(site=SITE, more=f'[[site.upload]]\nname = "f"\npath = "/files/"\nfolder = "{folder}"\naccess = "anyone"\n'
                                   'signed = true\nlisting = true\nmin_free = 0\n')
    assert get(daemon, "/files/x.bin").cause == get(daemon, "/files/").cause == "signature-missing"
    assert get(daemon, "/files/x.bin" + signer.query("/files/x.bin")).body == CONTENT
    assert request(daemon, "PUT", "/files/y.bin", b"put").status == 201


# Rates. The bounds are coarse: no faster than the rate and a burst allow; and whole, however slow.

MIB = 1 << 20


def timed(daemon, path, *options, secure=False):
    url = f"https://127.0.0.1:{daemon.https_port}" if secure else f"http://127.0.0.1:{daemon.port}"
    begun = time.monotonic()
    got = subprocess.run(["curl", "-sSfk", *options, url + path], check=True, capture_output=True, timeout=60).stdout
    return got, time.monotonic() - begun


@pytest.mark.parametrize("options, secure", [([], False), (["--http1.1"], True), (["--http2"], True)], ids=str)
def test_a_rule_sets_the_rate_of_each_download(start, options, secure):
    content = bytes(MIB)
    daemon = start(files={"slow/a.bin": content, "fast.bin": content}, tls=True,
                   more='[[site.rule]]\npath = "/slow/**"\nrate = "512K"\n')
    got, seconds = timed(daemon, "/slow/a.bin", *options, secure=secure)
    assert got == content and seconds > 1.5 # all but the burst of a quarter of a second
    assert timed(daemon, "/fast.bin", *options, secure=secure)[1] < seconds


def test_a_folder_shares_its_rate(start, tmp_path):
    folder, content = tmp_path / "files", bytes(MIB // 2)
    folder.mkdir()
    (folder / "a.bin").write_bytes(content)
    daemon = start(more=f'[[site.upload]]\nname = "f"\npath = "/files/"\nfolder = "{folder}"\ntotal_rate = "1M"\n'
                        'min_free = 0\n')
    results = []
    threads = [threading.Thread(target=lambda: results.append(timed(daemon, "/files/a.bin"))) for _ in range(4)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [got for got, _ in results] == [content] * 4
    assert time.monotonic() - begun > 1.5


def test_a_signed_address_may_go_slower(served, signer):
    daemon = served(http='[http.timeouts.send]\nminimum_rate = "100K"\ngrace = "1s"\n')
    path = "/paid/a%20b.bin" + signer.query("/paid/a b.bin", rate=4000)
    got, seconds = timed(daemon, path, "-H", "Host: localhost")
    assert got == CONTENT # though slower than the minimum rate: it is not the client that is slow
    assert seconds > (len(CONTENT) - 1000) / 4000 - 0.1
