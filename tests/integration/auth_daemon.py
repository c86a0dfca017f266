# SPDX-License-Identifier: Apache-2.0
"""A ccodes-auth of the test's own, and ways to ask its two roles."""

import array
import base64
import http.client
import json
import signal
import socket
import subprocess

from daemon import BUILD, SANDBOX, until

AUTH = BUILD / "src/auth/ccodes-auth"
REQUEST = {"client": "127.0.0.1", "audience": "server", "method": "PUT", "host": "files.example", "path": "/in/a",
           "scope": "upload:in"}


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class AuthDaemon:
    def __init__(self, folder, configuration=""):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.config, self.log_file, self.process = folder / "ccodes.toml", folder / "log", None
        self.config.write_text(f"[auth]\n{SANDBOX}\n{configuration}\n")

    def start(self):
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen([AUTH, "--config", self.config, "--state", self.folder], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        until(self.is_ready, "ccodes-auth is ready")
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"ccodes-auth ended:\n{self.log()}"
        try:
            return self.ask("", "GET", "/readyz")[0] == 200
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(15)
        return self.process.returncode if self.process else None

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def ask(self, role, method, path, body=None):
        """(status, what the JSON says, fields) of a request to a role; the empty one is the admin's."""
        connection = http.client.HTTPConnection("auth")
        connection.sock = self.hand("grants") if role == "grants" else self.connect(role)
        connection.sock.settimeout(20)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, body=data)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        is_json = "json" in (response.getheader("Content-Type") or "")
        return response.status, json.loads(text) if is_json else text, response.headers

    def connect(self, role):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.folder / (f"auth-{role}.sock" if role else "auth.sock")))
        return connection

    def hand(self, role, *more):
        """One end of a socketpair, whose other end was handed to a role, with `more` descriptors if there are any."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self.hand_end(role, theirs, *more)
        return ours

    def hand_end(self, role, end, *more):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end.fileno(), *more]))], 0,
                           str(self.folder / f"auth-{role}.sock"))

    def change(self, path, **members):
        return self.ask("accounts", "POST", path, members)

    def grant(self, authorization, **members):
        return self.ask("grants", "POST", "/grant", {**REQUEST, "authorization": authorization, **members})
