# SPDX-License-Identifier: Apache-2.0
"""A sealed upload folder, its keys, and what its files hold when they are opened without the product."""

import http.client
import os
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "vectors"))

import sealed  # noqa: E402

UPLOAD = """
[[site.upload]]
name = "vault"
path = "/vault/"
folder = "{folder}/vault"
access = "anyone"
methods = ["get", "put", "delete", "tus"]
listing = true
min_free = 0
format = "sealed"
key = "vault"
{keys}
"""


def key_line(name):
    return f"{name} {secrets.token_hex(32)}\n"


class Vault:
    """The folder, and the credentials beside it; a daemon that finds them is started by `start`."""

    def __init__(self, top, monkeypatch):
        self.top, self.folder, self.credentials = top, top / "vault", top / "credentials"
        self.folder.mkdir()
        self.credentials.mkdir(mode=0o700)
        self.keys = "ccodes-keys 1 seal\n" + key_line("first")
        self.write_keys()
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(self.credentials))

    def write_keys(self, purpose="vault", text=None):
        path = self.credentials / purpose
        path.write_text(self.keys if text is None else text)
        path.chmod(0o600)

    def configuration(self, keys=""):
        return UPLOAD.format(folder=self.top, keys=keys)

    def path(self, name):
        return self.folder / name

    def opened(self, name):
        """The content of a file, by the decoder of the tests."""
        return sealed.unseal(self.path(name).read_bytes(), sealed.read_keys(self.keys))


def request(daemon, method, path, body=None, headers=None, host="localhost"):
    """An answer, read to its end; `.cut` when it ended too early."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    connection.request(method, path, body=body, headers={"Host": host, **(headers or {})})
    response = connection.getresponse()
    response.cut = False
    try:
        response.body = response.read()
    except http.client.IncompleteRead as error:
        response.body, response.cut = error.partial, True
    connection.close()
    response.cause = response.getheader("ccodes-cause")
    return response


def put(daemon, path, content):
    response = request(daemon, "PUT", path, content)
    assert response.status in (201, 204), response.body
    return response


def change(path, offset, flip=1):
    """Changes a byte in place, as whoever has the disk may."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ flip]))
        os.fsync(file.fileno())
