# SPDX-License-Identifier: Apache-2.0
"""What one address may hold: connections, requests under way, unfinished heads, answers that it does not take. The attackers come
from 127.0.0.2 and on, the honest client from 127.0.0.1."""

import multiprocessing
import resource
import socket
from contextlib import ExitStack

import pytest

from daemon import until
from h2_client import Client, get, headers, request
from rig import defences, refusals, under_attack

FILES = {"a.txt": "0123456789", "big": b"x" * 30_000_000}
EXEMPT = '[http.clients]\nexempt = ["127.0.0.0/8"]\n'
EVENTS = b"GET /echo HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"
PART_OF_A_HEAD = b"GET /a.txt HTTP/1.1\r\nHost: a\r\nX-"


def from_address(server, address="127.0.0.2", receive=None):
    connection = socket.socket()
    connection.settimeout(20)
    if receive:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    connection.bind((address, 0))
    connection.connect(("127.0.0.1", server.port))
    return connection


def answer(connection):
    """All that comes until the end, which may be a reset when more was sent than was read."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionError:
        pass
    return received


def head(connection):
    received = b""
    while b"\r\n\r\n" not in received and (chunk := connection.recv(4096)):
        received += chunk
    return received


def metric(server, name):
    lines = server.admin("GET", "/metrics").body.decode().splitlines()
    return sum(int(float(line.split()[1])) for line in lines if line.startswith(name))


def counted(server, cause):
    return metric(server, f'ccodes_http_failures_total{{cause="{cause}"}}')


def test_requests_under_way(start):
    limits = defences("[http.clients]\nmax_requests = 8\n", "")
    server = start(files=FILES, site='echo = "/echo"', more=limits)
    with under_attack(server, cause="too-many-requests"), ExitStack() as stack:
        held = [stack.enter_context(from_address(server)) for _ in range(8)]
        for connection in held:
            connection.sendall(EVENTS)
            assert head(connection).startswith(b"HTTP/1.1 200")
        with from_address(server) as ninth:
            ninth.sendall(EVENTS)
            refused = head(ninth)
        assert refused.startswith(b"HTTP/1.1 429 ") and b"retry-after: 1\r\n" in refused.lower(), refused
        assert b"too-many-requests" in refused
        held.pop().close()

        def is_free():
            with from_address(server) as connection:
                connection.sendall(b"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                return answer(connection).startswith(b"HTTP/1.1 200")
        until(is_free, "a place is free again")


def test_requests_under_way_in_http2(start):
    limits = defences("[http.clients]\nmax_requests = 8\n", "")
    server = start(files=FILES, site='echo = "/echo"', more=limits)
    with under_attack(server, cause="too-many-requests"), from_address(server) as connection:
        client = Client(connection)
        events = ("accept", "text/event-stream")
        client.send(*[get(stream, "/echo", events) for stream in range(1, 17, 2)], get(17, "/a.txt"))
        assert client.response(17).status == 429


def test_unfinished_heads(start):
    limits = defences('[http.clients]\nmax_head_memory = "64K"\n', "")
    server = start(files=FILES, more=limits)
    with under_attack(server, cause="too-many-heads"), ExitStack() as stack:
        held = [stack.enter_context(from_address(server)) for _ in range(12)]
        for connection in held:
            connection.sendall(PART_OF_A_HEAD)
        until(lambda: refusals(server, "too-many-heads"), "one is refused")
        outcomes = []
        for connection in held:
            connection.sendall(b"a: b\r\nConnection: close\r\n\r\n")
            outcomes.append(answer(connection)[:12])
        assert outcomes.count(b"HTTP/1.1 200") == 4, outcomes
        assert counted(server, "too-many-heads") == 8


def test_unfinished_heads_in_http2(start):
    limits = defences('[http.clients]\nmax_head_memory = "64K"\n', "")
    server = start(files=FILES, more=limits)
    with under_attack(server, cause="too-many-heads"), ExitStack() as stack:
        clients = [Client(stack.enter_context(from_address(server))) for _ in range(12)]
        for client in clients:
            client.synchronize()
            client.send(headers(1, *request(path="/a.txt"), more=True))
        until(lambda: counted(server, "too-many-heads") == 8, "eight are refused")


@pytest.mark.parametrize("version", (1, 2))
def test_slow_reads(start, version):
    limits = defences("[http.clients]\nmax_slow_reads = 4\n", "")
    server = start(files=FILES, more=limits)
    with under_attack(server, cause="too-many-slow-reads"), ExitStack() as stack:
        for _ in range(12):
            connection = stack.enter_context(from_address(server, receive=4096))
            if version == 1:
                connection.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            else:
                Client(connection, opens_windows=False).send(get(1, "/big"))
        until(lambda: counted(server, "too-many-slow-reads") == 8, "eight are cut", 30)


def test_exempt_addresses(start):
    server = start(files=FILES, more='[http.clients]\nmax_connections = 2\nexempt = ["127.0.0.2", "192.0.2.0/24"]\n')
    with ExitStack() as stack:
        for address, allowed in (("127.0.0.2", 6), ("127.0.0.3", 2)):
            answers = []
            for _ in range(6):
                connection = stack.enter_context(from_address(server, address))
                try:
                    connection.sendall(b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
                    answers.append(head(connection)[:12])
                except ConnectionError:
                    answers.append(b"reset")
            assert answers.count(b"HTTP/1.1 200") == allowed, answers


def flood(port, address, count):
    """Opens `count` connections and keeps those that it may keep: bounded in processor time by being one process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    kept = []
    for number in range(count):
        connection = socket.socket()
        connection.bind((address, 0))
        try:
            connection.connect(("127.0.0.1", port))
        except OSError:
            connection.close()
            continue
        if len(kept) < 2000:
            kept.append(connection)
        else:
            connection.close()
    return len(kept)


def test_a_hundred_thousand_connections_from_few_addresses(start):
    """Each address keeps what it may, all others are refused at once; a connection that waits costs half a kibibyte."""
    limits = defences("", EXEMPT)
    server = start(files=FILES, more=limits)
    with under_attack(server, cause="too-many-connections", offenders=4):
        with multiprocessing.Pool(4) as pool:
            pool.starmap(flood, [(server.port, f"127.0.0.{2 + i}", 25_000) for i in range(4)])
            assert metric(server, "ccodes_connections_open ") <= 4 * 1024 + 100
