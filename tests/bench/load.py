# SPDX-License-Identifier: Apache-2.0
"""The load: wrk and h2load for closed loops, the bench's own clients for what it cannot do, and the look at one answer that keeps
a server from being measured while it serves errors."""

import gzip
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass

import place

DOWNLOADS_AT_A_TIME = 4
CODING_PATIENCE = 5


@dataclass
class Answer:
    coding: str
    wire_bytes: int  # of the body


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def get(server, path, headers, host="localhost"):
    """One request: status, fields, body as it came."""
    if server.setup.tls:
        connection = http.client.HTTPSConnection("127.0.0.1", server.tls_port, timeout=30, context=client_context())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": host, **headers})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def examine(server, path, headers, host="localhost"):
    """Asks until the answer is the file, and is coded when a coding was offered (some compress aside and send the plain
    file meanwhile). The floors' bytes are anything, but as many."""
    wanted = (server.place.root / path.lstrip("/")).read_bytes()
    until = time.monotonic() + CODING_PATIENCE
    while True:
        status, fields, body = get(server, path, headers, host)
        coding = fields.get("Content-Encoding", "")
        if status != 200:
            raise place.BenchError(f"{server.name} answers {path} with {status}")
        if server.name == "floor":
            return Answer("", len(body))
        if coding or not headers.get("Accept-Encoding") or time.monotonic() > until:
            break
        time.sleep(0.05)
    plain = gzip.decompress(body) if coding == "gzip" else body
    if coding != "br" and plain != wanted:
        raise place.BenchError(f"{server.name} answers {path} with other bytes than the file's")
    return Answer(coding, len(body))


def arguments_of(headers, option):
    return [word for name, value in headers.items() for word in (option, f"{name}: {value}")]


def wrk(server, path, seconds, connections, headers=None, host=None):
    """A closed loop. Returns answers and answers a second."""
    headers = dict(headers or {})
    if host:
        headers["Host"] = host
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", *arguments_of(headers, "-H"),
               url(server, path)]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         env={**os.environ, "OPENSSL_CONF": str(server.place.client_openssl)})
    done = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", run.stdout)
    if run.returncode != 0 or not done or int(done[1]) == 0:
        raise place.BenchError(f"wrk against {server.name} failed:\n{run.stdout}")
    if "Non-2xx" in run.stdout:
        raise place.BenchError(f"{server.name} answered with errors:\n{run.stdout}")
    faults = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", run.stdout)
    if faults and any(int(count) for count in faults.groups()):
        raise place.BenchError(f"{server.name}: {faults[0]}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", run.stdout)
    return int(done[1]), float(rate[1])


def url(server, path):
    scheme = "https" if server.setup.tls else "http"
    return f"{scheme}://127.0.0.1:{server.main_port()}{path}"


def examine_http2(server, path):
    run = subprocess.run(["nghttp", "--timeout=30", url(server, path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if run.stdout != (server.place.root / path.lstrip("/")).read_bytes():
        raise place.BenchError(f"{server.name} does not answer {path} over HTTP/2 with the file: {run.stderr.decode()}")


def h2load(server, path, count, connections, streams):
    """A number of requests over HTTP/2, as fast as they are answered (h2load given a time never ends when a server
    always has more for it). Returns answers a second."""
    command = ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-n{count}",
               "--tls13-ciphers=TLS_AES_128_GCM_SHA256", url(server, path)]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    rate = re.search(r"finished in [\d.]+m?s, ([\d.]+) req/s", run.stdout)
    if run.returncode != 0 or not rate or f"{count} done, {count} succeeded" not in run.stdout:
        raise place.BenchError(f"h2load against {server.name} failed:\n{run.stdout}")
    return float(rate[1])


def own_client(*arguments):
    run = subprocess.run([str(argument) for argument in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    return parse(run.returncode, run.stdout, run.stderr)


def parse(status, output, errors):
    """What one of the bench's own clients said."""
    if status != 0:
        raise place.BenchError(errors.strip() or f"a client ended with status {status}")
    return json.loads(output)


class Steady:
    """The open loop, begun when its connections are there. Use as a context. `strict`: a lost request is an error."""

    def __init__(self, server, path, rate, seconds, connections, headers=None, strict=True):
        self.server, self.rate, self.seconds, self.strict = server, rate, seconds, strict
        tls = ["--tls"] if server.setup.tls else []
        self.command = [place.program("open_loop"), "--port", str(server.main_port()), *tls, "--path", path,
                        "--rate", str(rate), "--connections", str(connections), "--seconds", str(seconds),
                        *arguments_of(headers or {}, "--header"), "--wait"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, process_group=0)
        if self.process.stdout.readline().strip() != "connected":
            reason = self.process.stderr.read().strip()
            self.__exit__()
            raise place.BenchError(f"{self.server.name}: {reason}")
        return self

    def begin(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        output, errors = self.process.communicate(timeout=self.seconds + 60)
        found = parse(self.process.returncode, output, errors)
        if self.strict and (found["wrong"] or found["lost"]):
            raise place.BenchError(f"{self.server.name} at {self.rate}/s: {found['lost']} lost ({found['failure']}), "
                                   f"{found['wrong']} wrong")
        return found

    def run(self):
        self.begin()
        return self.end()

    def __exit__(self, *_):
        end_client(self.process)


def open_loop(server, path, rate, seconds, connections, headers=None):
    """Latencies at a fixed rate, in microseconds."""
    with Steady(server, path, rate, seconds, connections, headers) as steady:
        return steady.run()


def end_client(process):
    """Ends a client, by its own id, if it has not ended, and closes what led to it."""
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def handshakes(server, seconds, resume):
    """New TLS connections: how many were made, how many a second, and how many tickets each was given."""
    found = own_client(place.program("handshakes"), server.tls_port, seconds, *(["resume"] if resume else []))
    if resume and found["resumed"] < 0.95 * found["completed"]:
        raise place.BenchError(f"{server.name} resumed {found['resumed']} of {found['completed']} sessions")
    if not resume and found["resumed"]:
        raise place.BenchError(f"{server.name} resumed sessions that were not offered")
    return found["completed"], found["completed"] / found["seconds"], found["tickets"] / max(found["completed"], 1)


class Held:
    """Idle connections, each after one answer. Use as a context: they are held inside."""

    def __init__(self, server, connections, path):
        tls = ["tls"] if server.setup.tls else []
        self.server, self.connections = server, connections
        self.command = [place.program("hold"), str(server.main_port()), str(connections), path, *tls]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, process_group=0)
        line = self.process.stdout.readline()
        if line.strip() != f"held {self.connections}":
            reason = self.process.stderr.read().strip()
            self.__exit__()
            raise place.BenchError(f"{self.server.name} cannot hold {self.connections} connections: {reason}")
        return self

    def closed(self):
        """Ends them. Returns how many the server had closed before."""
        self.process.stdin.close()
        return int(self.process.stdout.read().split()[1])

    def __exit__(self, *_):
        end_client(self.process)


def download(server, path, count):
    """Takes the file `count` times over several connections at a time. Returns bytes and seconds."""
    shares = [count // DOWNLOADS_AT_A_TIME] * DOWNLOADS_AT_A_TIME
    received, failures = [], []

    def work(share):
        try:
            received.append(sum(download_one(server, path) for _ in range(share)))
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(max(share, 1),)) for share in shares]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise place.BenchError(f"{server.name}: {path}: {failures[0]}")
    return sum(received), time.monotonic() - start


def download_one(server, path):
    size = (server.place.root / path.lstrip("/")).stat().st_size
    with socket.create_connection(("127.0.0.1", server.port), 30) as stream:
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        buffer = memoryview(bytearray(1 << 20))
        head = b""
        while b"\r\n\r\n" not in head:
            more = stream.recv(4096)
            if not more:
                raise OSError("closed without an answer")
            head += more
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise OSError("no success")
        left = size - len(head.partition(b"\r\n\r\n")[2])
        while left > 0:
            # MSG_TRUNC: the kernel throws the bytes away instead of copying them, so that the client costs little.
            got = stream.recv_into(buffer, min(left, len(buffer)), socket.MSG_TRUNC)
            if got == 0:
                raise OSError("cut short")
            left -= got
    return size
