# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 over real sockets: what clients of every kind rely on, and what hostile ones get."""

import os
import socket
import subprocess
import time

import pytest

from daemon import read_all, until

FILES = {"index.html": "<p>hello</p>\n", "a.txt": "0123456789", "big.bin": b"x" * 3_000_000}


@pytest.fixture
def server(start):
    return start(files=FILES)


def test_curl_speaks_to_it(server):
    out = subprocess.run(["curl", "-sS", "-i", f"http://127.0.0.1:{server.port}/"], capture_output=True, text=True,
                         check=True).stdout
    assert out.startswith("HTTP/1.1 200 OK\r\n") or out.startswith("HTTP/1.1 200 OK\n")
    assert out.endswith("<p>hello</p>\n")


def test_httpx_keeps_the_connection(server):
    import httpx

    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        for _ in range(3):
            assert client.get("/a.txt").text == "0123456789"
    assert server.admin_json("/status")["requests"] >= 3


def test_options_and_allow(server):
    answer = server.request("OPTIONS", "/a.txt")
    assert answer.status == 204
    assert set(answer.getheader("allow").replace(" ", "").split(",")) >= {"GET", "HEAD", "OPTIONS"}
    refused = server.request("POST", "/a.txt", {"Content-Length": "0"})
    assert refused.status == 405
    assert "GET" in refused.getheader("allow")
    assert server.request("BREW", "/a.txt").status == 501


SMUGGLING = {
    "CL.TE": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nSMUGGLED",
    "TE.TE": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "TE.0": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    "length list": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\nabcde",
    "negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "length overflow": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\nHost: a\n\n",
    "bare CR": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n",
    "obs-fold": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "NUL in a field": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", SMUGGLING.values(), ids=SMUGGLING.keys())
def test_ambiguous_requests_are_refused_and_the_connection_closed(server, request_bytes):
    answer = server.raw(request_bytes + b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.split(b" ")[1] in (b"400", b"501")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"0123456789" not in answer
    assert b"Connection: close\r\n" in answer


def test_a_refusal_is_logged_once_a_second(server):
    for _ in range(50):
        server.raw(b"GARBAGE\r\n\r\n")
    until(lambda: "request-malformed" in server.log(), "the refusal is logged")
    lines = [line for line in server.log().splitlines() if "request-malformed" in line]
    seconds = {line[:19] for line in lines}
    assert len(lines) <= len(seconds)


def test_a_log_line_cannot_be_forged(server):
    """Control characters are refused in the head; what remains are those of UTF-8 and of ISO 8859-1."""
    server.raw(b"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: x\xc2\x9b31m\xc2\x85forged\r\n\r\n")
    until(lambda: "GET /a.txt 200" in server.log(), "the request is logged")
    assert "\x9b" not in server.log() and "\x85" not in server.log()
    assert not any(line.startswith("forged") for line in server.log().splitlines())


def test_dribbled_request(server):
    with server.connect() as connection:
        for byte in b"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert read_all(connection).endswith(b"\r\n\r\n0123456789")


def test_slow_reader_gets_all(server):
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(b"GET /big.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = 0
        while chunk := connection.recv(16384):
            received += len(chunk)
    assert received > 3_000_000


def test_slowloris_is_cut_and_others_are_served(start):
    server = start(files=FILES, more="""
[http.timeouts.head]
deadline = "1s"
idle = "500ms"
""")
    slow = [server.connect() for _ in range(200)]
    for connection in slow:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
    begun = time.monotonic()
    assert server.get("/a.txt").body == b"0123456789"
    assert time.monotonic() - begun < 1
    for connection in slow:
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")
        connection.close()


def test_client_limit(start):
    server = start(files=FILES, more="[http.clients]\nmax_connections = 5\n")
    held = [server.connect() for _ in range(5)]
    for connection in held:
        connection.sendall(b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    with server.connect() as sixth:
        assert b"too-many-connections" in read_all(sixth)
    for connection in held:
        connection.close()
    until(lambda: can_connect(server), "a place is free again")


def can_connect(server):
    with server.connect() as connection:
        # Who is refused is not listened to: the request may be met by a reset.
        try:
            connection.sendall(b"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return b" 200 " in read_all(connection)
        except ConnectionError:
            return False


def test_a_slow_but_steady_reader_is_not_cut(start):
    """A full send buffer empties long before epoll reports room: what the client's kernel took counts."""
    server = start(files={"big": b"x" * (32 << 20)}, more='[http.timeouts.send]\nidle = "1s"\nminimum_rate = 0\n')
    with server.connect() as connection:
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = 0
        for _ in range(50):
            received += len(connection.recv(20000))
            time.sleep(0.1)
        while chunk := connection.recv(1 << 20):
            received += len(chunk)
        assert received > 32 << 20


def test_key_updates_do_not_keep_a_connection(start):
    """TLS records that carry no request are no reason to wait on for one."""
    server = start(files=FILES, tls=True, more='[http.timeouts]\nkeep_alive = "2s"\n')
    command = ["openssl", "s_client", "-no_ign_eof", "-connect", f"127.0.0.1:{server.https_port}"]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.write(client.stdin.fileno(), b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    until(lambda: "GET /a.txt 200" in server.log(), "the request is answered")
    try:
        updates = 0
        while client.poll() is None and updates < 30:
            os.write(client.stdin.fileno(), b"K\n")  # a KeyUpdate message
            updates += 1
            time.sleep(0.3)
        assert updates < 30
    finally:
        client.kill()
        client.wait()


def test_workers_share_the_connections(start):
    server = start(files=FILES, server="")
    held = []
    for _ in range(64):
        connection = server.connect()
        connection.sendall(b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(4096)
        held.append(connection)
    threads = open_sockets_by_thread(server.process.pid)
    for connection in held:
        connection.close()
    assert len(threads) == 2 and min(threads) >= 8, threads


def open_sockets_by_thread(pid):
    """Connections that each worker watches: the epoll sets of a process, without the small ones."""
    from pathlib import Path

    counts = []
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        text = info.read_text()
        watched = text.count("tfd:")
        if watched >= 5:
            counts.append(watched)
    return counts


def test_stop_lets_a_download_end(start):
    server = start(files=FILES)
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(b"GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        received = len(connection.recv(1000))
        server.process.terminate()
        until(lambda: "stopping" in server.log(), "the daemon stops")
        while chunk := connection.recv(65536):
            received += len(chunk)
    assert received > 3_000_000
    assert server.process.wait(10) == 0
