# SPDX-License-Identifier: Apache-2.0
"""Uploads from this host to the machine, and a journal on this side of what the machine has acknowledged.

Whatever happens to the machine, the journal says afterwards what must be there: of each name the version that was
acknowledged last, whole, or one that was sent later, whole; never anything else.
"""

import base64
import contextlib
import hashlib
import http.client
import random
import socket
import threading

PATH = "/files/"
FOLDER = "/srv/ccodes-tests-uploads"
STAGING = ".ccodes-staging"
CONFIG = f"""
[[site.upload]]
name = "files"
path = "{PATH}"
folder = "{FOLDER}"
access = "anyone"
methods = ["get", "put", "delete", "tus"]
min_free = 0
"""
PUTTERS = 3
NAMES = 12  # of each; so names are used again, and files are replaced
SIZES = (0, 1, 700, 4096, 70_000, 300_000, 1_500_000)
PIECE = 40_000
PAUSE = 0.005
TIMEOUT = 60
TUS = {"Tus-Resumable": "1.0.0"}


class Connection(http.client.HTTPConnection):
    """To the machine's port 80."""

    def __init__(self, machine):
        super().__init__("localhost", timeout=TIMEOUT)
        self.machine = machine

    def connect(self):
        self.sock = self.machine.connect(80)
        self.sock.settimeout(TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def content_of(name, version):
    """What that version of a file holds; its size is one of SIZES."""
    source = random.Random(f"{name} {version}")
    return source.randbytes(source.choice(SIZES))


def slowly(content):
    """The content in pieces, so that there is a middle in which something can happen."""
    for start in range(0, len(content), PIECE):
        yield content[start:start + PIECE]
        threading.Event().wait(PAUSE)


class Journal:
    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}  # name -> the version that was begun last
        self.kept = {}  # name -> the version that was acknowledged last
        self.offsets = {}  # URL of a resumable upload -> (name, version, bytes acknowledged)
        self.refused = []

    def acknowledgements(self):
        with self.lock:
            return sum(version + 1 for version in self.kept.values())

    def may_hold(self, name):
        """The digests of what a name may have, and whether it may be absent."""
        first = self.kept.get(name, 0)
        digests = {hashlib.sha256(content_of(name, version)).hexdigest()
                   for version in range(first, self.sent[name] + 1)}
        return digests, name not in self.kept


class Uploader:
    """Threads that upload until stop(), beginning anew when the connection breaks."""

    def __init__(self, machine):
        self.machine = machine
        self.journal = Journal()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._forever, args=(self._put, number)) for number in range(PUTTERS)]
        self.threads.append(threading.Thread(target=self._forever, args=(self._resumable, PUTTERS)))

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _forever(self, upload, number):
        turn = 0
        while not self.stopping.is_set():
            connection = Connection(self.machine)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                while not self.stopping.is_set():
                    upload(connection, f"{number}-{turn % NAMES}.bin")
                    turn += 1
            self.stopping.wait(0.02)

    def _begin(self, name):
        with self.journal.lock:
            self.journal.sent[name] = self.journal.sent.get(name, -1) + 1
            return self.journal.sent[name]

    def _acknowledged(self, name, version):
        with self.journal.lock:
            self.journal.kept[name] = version

    def _ask(self, connection, method, path, body=None, headers=None):
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        text = response.read()
        if response.status >= 300:
            with self.journal.lock:
                self.journal.refused.append(f"{method} {path}: {response.status} {text[:300]}")
        return response

    def _put(self, connection, name):
        version = self._begin(name)
        content = content_of(name, version)
        response = self._ask(connection, "PUT", PATH + name, slowly(content), {"Content-Length": str(len(content))})
        if response.status in (201, 204):
            self._acknowledged(name, version)

    def _resumable(self, connection, name):
        version = self._begin(name)
        content = content_of(name, version)
        metadata = "filename " + base64.b64encode(name.encode()).decode()
        response = self._ask(connection, "POST", PATH, headers={
            **TUS, "Upload-Length": str(len(content)), "Upload-Metadata": metadata, "Content-Length": "0"})
        if response.status == 201 and content:
            self.go_on(connection, response.getheader("location"), name, version, 0)
        elif response.status == 201:
            self._acknowledged(name, version)

    def go_on(self, connection, url, name, version, offset):
        """Sends what follows `offset`, piece by piece."""
        content = content_of(name, version)
        while True:
            with self.journal.lock:
                self.journal.offsets[url] = name, version, offset
            if offset == len(content):
                break
            piece = content[offset:offset + 5 * PIECE]
            response = self._ask(connection, "PATCH", url, slowly(piece), {
                **TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(len(piece))})
            if response.status != 204:
                return
            offset = int(response.getheader("upload-offset"))
        self._acknowledged(name, version)
        with self.journal.lock:
            del self.journal.offsets[url]

    def offset_of(self, url):
        """How far the machine says it has a resumable upload."""
        with contextlib.closing(Connection(self.machine)) as connection:
            response = self._ask(connection, "HEAD", url, headers=TUS)
            return int(response.getheader("upload-offset")) if response.status == 200 else None


def digests(machine):
    """The SHA-256 of each file in the folder, as its name says."""
    out = machine.script(f"cd {FOLDER} && find . -path './{STAGING}' -prune -o -type f -print0 | "
                         "xargs --null --no-run-if-empty sha256sum").out
    return {name.removeprefix("./"): digest for digest, name in (line.split(maxsplit=1) for line in out.splitlines())}


def check(uploader, machine):
    """Everything that was acknowledged is whole, nothing is half there, and parts of resumable uploads go on."""
    journal = uploader.journal
    assert any(name.startswith(f"{PUTTERS}-") for name in journal.kept), f"no resumable upload: {journal.refused[-3:]}"
    found = digests(machine)
    assert set(found) <= set(journal.sent), "files that nobody has sent"
    for name in journal.sent:
        allowed, may_be_absent = journal.may_hold(name)
        if name in found:
            assert found[name] in allowed, f"{name} is not what was sent, or older than what was acknowledged"
        else:
            assert may_be_absent, f"{name} was acknowledged as version {journal.kept[name]}, and is gone"
    for url, (name, version, acknowledged) in list(journal.offsets.items()):
        offset = uploader.offset_of(url)
        assert offset is not None and offset >= acknowledged, f"{url}: {offset} of {acknowledged} bytes are left"
        with contextlib.closing(Connection(machine)) as connection:
            uploader.go_on(connection, url, name, version, offset)
        if journal.sent[name] == version:
            assert digests(machine)[name] == hashlib.sha256(content_of(name, version)).hexdigest()
