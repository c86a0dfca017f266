# SPDX-License-Identifier: Apache-2.0
"""A ccodes-server of the test's own: a folder, a configuration, a process, and ways to speak to it."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("CCODES_BUILD", TOP / "build"))
SERVER = BUILD / "src/server/ccodes-server"

# The leak checker of a sanitized build reads /proc at the end, which the sandbox forbids.
SANDBOX = "sandbox = false" if os.environ.get("CCODES_SANITIZED") else ""

CONFIGURATION = """
[server]
workers = 2
{sandbox}
{server}
[[server.listener]]
name = "http"
address = "127.0.0.1:0"
{http}
{https}
[[site]]
name = "main"
default = true
root = "{root}"
{site}
{more}
"""

HTTPS = """
[[server.listener]]
name = "https"
address = "127.0.0.1:0"
tls = true
[[certificate]]
name = "test"
certificate = "{folder}/test.pem"
key = "{folder}/test.key"
"""


def until(reached, what, seconds=10):
    """Waits for a state, never for a time."""
    end = time.monotonic() + seconds
    while not (result := reached()):
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.01)
    return result


def make_certificate(folder, name, *hosts, key="ec"):
    """A self-signed certificate for these hosts; returns its path."""
    kind = ["-newkey", "rsa:2048"] if key == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    names = ",".join(f"DNS:{host}" for host in hosts)
    subprocess.run(["openssl", "req", "-x509", *kind, "-nodes", "-days", "30", "-subj", f"/CN={hosts[0]}", "-addext",
                    f"subjectAltName={names}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"],
                   check=True, capture_output=True)
    return folder / f"{name}.pem"


def start_with_sockets(passed, words, log):
    """Starts a program as systemd does: with the sockets {name: socket} from descriptor 3 on."""
    fds = [fd.fileno() for fd in passed.values()]

    def arrange():
        copies = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
        for i, fd in enumerate(copies):
            os.dup2(fd, 3 + i)

    script = ('LISTEN_PID=$$ LISTEN_FDS=$1 LISTEN_FDNAMES=$2; export LISTEN_PID LISTEN_FDS LISTEN_FDNAMES; shift 2; '
              'exec "$@"')
    return subprocess.Popen(["/bin/sh", "-c", script, "sh", str(len(fds)), ":".join(passed), *words], stdout=log,
                            stderr=log, stdin=subprocess.DEVNULL, close_fds=False, preexec_fn=arrange)


def listening_socket(path):
    """A unix socket that listens, as a socket unit makes it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(8)
    return listener


def ask(path, method, target):
    """One request to a unix socket; the body is in `.body`."""
    connection = http.client.HTTPConnection("unix")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(10)
    connection.sock.connect(str(path))
    connection.request(method, target)
    response = connection.getresponse()
    response.body = response.read()
    connection.close()
    return response


class Daemon:
    def __init__(self, folder, files=None, tls=False, wrapper=(), **parts):
        self.folder, self.root, self.wrapper = folder, folder / "root", wrapper
        self.root.mkdir(exist_ok=True)
        for name, content in (files or {}).items():
            self.write(name, content)
        if tls and not (folder / "test.pem").exists():
            make_certificate(folder, "test", "localhost", "*.test.example")
        self.config = folder / "ccodes.toml"
        self.parts = {"server": "", "http": "", "site": "", "more": "", **parts}
        self.parts["https"] = HTTPS.format(folder=folder) if tls else ""
        self.write_configuration()
        self.log_file = folder / "log"
        self.admin_socket = folder / "server.sock"
        self.process = None

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def write_configuration(self, **parts):
        self.parts.update(parts)
        self.config.write_text(CONFIGURATION.format(root=self.root, sandbox=SANDBOX, **self.parts))

    def start(self):
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen([*self.wrapper, SERVER, "--config", self.config, "--state",
                                             self.folder], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(self.is_ready, "the daemon is ready")
        ports = {listener["name"]: int(listener["address"].rpartition(":")[2])
                 for listener in self.admin_json("/status")["listeners"]}
        self.port, self.https_port = ports["http"], ports.get("https")
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"the daemon ended:\n{self.log()}"
        try:
            return self.admin("GET", "/readyz").status == 200
        except OSError:
            return False

    def stop(self, signal_number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal_number)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode if self.process else None

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    # The admin socket

    def admin(self, method, path):
        return ask(self.admin_socket, method, path)

    def admin_json(self, path, method="GET"):
        return json.loads(self.admin(method, path).body)

    # Clients

    def connect(self, secure=False, alpn=None):
        connection = socket.create_connection(("127.0.0.1", self.https_port if secure else self.port), timeout=10)
        if not secure:
            return connection
        context = ssl.create_default_context(cafile=self.folder / "test.pem")
        if alpn:
            context.set_alpn_protocols([alpn])
        return context.wrap_socket(connection, server_hostname="localhost")

    def raw(self, request, secure=False):
        """Sends bytes and reads until the server ends the connection."""
        with self.connect(secure) as connection:
            connection.sendall(request)
            return read_all(connection)

    def request(self, method, path, headers=None, secure=False, host=None):
        """One request on a connection of its own; the body is in `.body`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        if secure:
            connection.sock = self.connect(secure=True)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host or "localhost")
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    def get(self, path, headers=None, **options):
        return self.request("GET", path, headers, **options)


def read_all(connection):
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received
