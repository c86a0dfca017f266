# SPDX-License-Identifier: Apache-2.0
"""Runs inside the machine under test: clients that count what they lose while the server is restarted.

    load_client.py load URL...      requests of many clients until SIGTERM
    load_client.py waits URL        new connections at a fixed rate until SIGTERM, timed beside a control server
    load_client.py download URL     one response read slowly

Each prints one JSON object at its end. HTTP/2 and WebSockets are for load_h2.py and load_websocket.py beside it.

A request is lost when its connection was refused or reset, when its response was cut short or was not the expected
one, or when it was taken and not answered. A kept connection that the server closes while it is idle is no loss: the
kernel's count of acknowledged bytes tells whether a request that met such an end had been taken.
"""

import argparse
import collections
import hashlib
import importlib
import json
import os
import random
import signal
import socket
import ssl
import struct
import sys
import threading
import time
from urllib.parse import urlsplit

TIMEOUT = 60
REQUESTS_ON_ONE_CONNECTION = 20
WAIT_INTERVAL = 0.005
BYTES_ACKED_OFFSET = 120  # of tcpi_bytes_acked in struct tcp_info


class Lost(Exception):
    """A request without its full answer; `kind` is the heading it is counted under."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


class ClosedWhileIdle(Exception):
    """The server closed a kept connection in order before it took the next request."""


class Connection:
    def __init__(self, url, protocol=None):
        self.url = urlsplit(url)
        self.protocol = protocol  # by ALPN
        secure = self.url.scheme == "https"
        self.used = False
        self.raw = None
        try:
            self.raw = socket.create_connection((self.url.hostname, self.url.port or (443 if secure else 80)), TIMEOUT)
            self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.stream = self._secured() if secure else self.raw
        except ConnectionRefusedError as error:
            raise Lost("refused", str(error)) from error
        except OSError as error:
            self.close()
            raise Lost("reset", f"while connecting: {error}") from error

    def _secured(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if self.protocol:
            context.set_alpn_protocols([self.protocol])
        return context.wrap_socket(self.raw, server_hostname=self.url.hostname)

    def close(self):
        stream = getattr(self, "stream", self.raw)
        if stream is not None:
            stream.close()

    def acknowledged(self):
        """Bytes of ours that the other side's kernel has taken."""
        size = BYTES_ACKED_OFFSET + 8
        information = self.stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
        return struct.unpack_from("=Q", information, BYTES_ACKED_OFFSET)[0]

    def closed(self):
        """Whether the server has ended this idle connection."""
        self.stream.setblocking(False)
        try:
            return self.stream.recv(1) == b""
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError as error:
            raise Lost("reset", f"while idle: {error}") from error
        finally:
            self.stream.settimeout(TIMEOUT)

    def exchange(self):
        """One request. Returns the status, the body, and whether the connection may be used again."""
        if self.used and self.closed():
            raise ClosedWhileIdle
        before = self.acknowledged()
        received = bytearray()
        try:
            self.stream.sendall(f"GET {self.url.path} HTTP/1.1\r\nHost: {self.url.hostname}\r\n\r\n".encode())
            return self._response(received)
        except TimeoutError as error:
            raise Lost("unanswered", f"nothing for {TIMEOUT} s after {len(received)} bytes") from error
        except (EOFError, BrokenPipeError) as error:
            if self.used and not received and self.acknowledged() == before:
                raise ClosedWhileIdle from error
            raise Lost("cut" if received else "unanswered", f"after {len(received)} bytes: {error}") from error
        except OSError as error:
            raise Lost("reset", f"after {len(received)} bytes: {error}") from error
        finally:
            self.used = True

    def _response(self, received):
        while b"\r\n\r\n" not in received:
            self.more(received)
        head, _, body = bytes(received).partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(fields["content-length"])
        body = bytearray(body)
        while len(body) < length:
            received[:] = b"x"  # something came; what, the body knows
            self.more(body)
        return int(lines[0].split()[1]), bytes(body), fields.get("connection", "").lower() != "close"

    def more(self, buffer):
        data = self.stream.recv(256 * 1024)
        if not data:
            raise EOFError("the connection ended")
        buffer += data


class Counts:
    """What all threads have counted together."""

    KINDS = ("refused", "reset", "cut", "unanswered", "wrong")

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.Counter({kind: 0 for kind in (
            "answered", "streams", "echoes", "connections", "idle_closed", "websockets_closed", *self.KINDS)})
        self.examples = []

    def add(self, kind):
        with self.lock:
            self.counts[kind] += 1

    def lose(self, lost):
        with self.lock:
            self.counts[lost.kind] += 1
            if len(self.examples) < 10:
                self.examples.append(f"{time.time():.3f} {lost.kind}: {lost}")

    def report(self):
        return {**self.counts, "lost": sum(self.counts[kind] for kind in self.KINDS), "examples": self.examples}


def request_forever(url, kept, counts, stop, pause=0):
    """One client of the load: `kept` says whether it uses a connection more than once; `pause` is in seconds."""
    expected = None
    connection = None
    left = 0
    while not stop.is_set():
        try:
            if connection is None:
                connection = Connection(url)
                counts.add("connections")
                left = random.randint(2, REQUESTS_ON_ONE_CONNECTION) if kept else 1
            status, body, reusable = connection.exchange()
            if expected is None:
                expected = body
            if status != 200 or body != expected:
                raise Lost("wrong", f"status {status} with {len(body)} bytes")
            counts.add("answered")
            left -= 1
            stop.wait(pause)
            if reusable and left > 0:
                continue
        except ClosedWhileIdle:
            counts.add("idle_closed")
        except Lost as lost:
            counts.lose(lost)
        if connection is not None:
            connection.close()
            connection = None


def stopped_by_signal():
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    return stop


def mark(path):
    """Makes the file that says that the first answer is there."""
    if path:
        with open(path, "w", encoding="ascii"):
            pass


def load(options):
    stop = stopped_by_signal()
    counts = Counts()
    threads = [threading.Thread(target=request_forever, args=(url, number % 2 == 0, counts, stop, options.pause))
               for url in options.url for number in range(options.clients)]
    wanted = {"answered": len(threads), "streams": len(options.h2), "echoes": len(options.websocket)}
    for urls, module, function in ((options.h2, "load_h2", "ask_forever"),
                                   (options.websocket, "load_websocket", "talk_forever")):
        for url in urls:
            target = getattr(importlib.import_module(module), function)
            threads.append(threading.Thread(target=target, args=(url, counts, stop, options.pause)))
    for thread in threads:
        thread.start()
    while not stop.wait(0.01):
        if all(counts.counts[kind] >= number for kind, number in wanted.items()):
            mark(options.begun)
            stop.wait()
    for thread in threads:
        thread.join()
    return counts.report()


def serve_control():
    """A server that does nothing but answer, in a process of its own. Its waits are the machine's own noise."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while True:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            connection.close()
    port = listener.getsockname()[1]
    listener.close()
    return child, f"http://127.0.0.1:{port}/"


def timed_exchange(url, counts):
    """Seconds from the first SYN to the whole answer on a new connection."""
    began = time.monotonic()
    try:
        connection = Connection(url)
        connection.exchange()
        connection.close()
        counts.add("answered")
    except Lost as lost:
        counts.lose(lost)
    return time.monotonic() - began


def waits(options):
    stop = stopped_by_signal()
    control, control_url = serve_control()
    counts, control_counts = Counts(), Counts()
    ours, noise = [], []
    try:
        timed_exchange(options.url, counts)  # may have to start the server
        mark(options.begun)
        while not stop.wait(WAIT_INTERVAL):
            noise.append(timed_exchange(control_url, control_counts))
            ours.append(timed_exchange(options.url, counts))
    finally:
        os.kill(control, signal.SIGTERM)
        os.waitpid(control, 0)
    return {**counts.report(), "worst_ms": 1000 * max(ours, default=0),
            "worst_control_ms": 1000 * max(noise, default=0)}


def download(options):
    """Reads a response at an even pace, so that it takes `seconds`; writes `begun` when the first bytes are there."""
    connection = Connection(options.url)
    connection.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.stream.sendall(f"GET {connection.url.path} HTTP/1.1\r\nHost: {connection.url.hostname}\r\n"
                              "Connection: close\r\n\r\n".encode())
    received = bytearray()
    while b"\r\n\r\n" not in received:
        connection.more(received)
    mark(options.begun)
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                  if line.startswith(b"content-length:"))
    digest = hashlib.sha256(body)
    count = len(body)
    began = time.monotonic()
    while data := connection.stream.recv(65536):
        digest.update(data)
        count += len(data)
        ahead = began + options.seconds * count / length - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    return {"status": int(head.split()[1]), "length": length, "received": count, "sha256": digest.hexdigest(),
            "seconds": time.monotonic() - began}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("load")
    command.add_argument("url", nargs="+")
    command.add_argument("--clients", type=int, default=4, help="for each URL; every second one keeps its connection")
    command.add_argument("--pause", type=float, default=0, help="seconds between two requests of a client")
    command.add_argument("--h2", action="append", default=[], metavar="URL", help="a client of HTTP/2 more")
    command.add_argument("--websocket", action="append", default=[], metavar="URL", help="a WebSocket that echoes more")
    command.set_defaults(function=load)
    command = commands.add_parser("waits")
    command.add_argument("url")
    command.set_defaults(function=waits)
    command = commands.add_parser("download")
    command.add_argument("url")
    command.add_argument("--seconds", type=float, default=5)
    command.set_defaults(function=download)
    for command in commands.choices.values():
        command.add_argument("--begun", help="a file to make when the first answer has come")
    options = parser.parse_args()
    json.dump(options.function(options), sys.stdout)


if __name__ == "__main__":
    main()
