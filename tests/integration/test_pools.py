# SPDX-License-Identifier: Apache-2.0
"""Slow work on its own pool: it holds up nobody's look-up, and its queue does not hold up the end."""

import random
import re
import time

from daemon import until

FILES = 16


def texts():
    """Texts of 2 MiB that take brotli some seconds each at its highest level."""
    words = ["".join(random.choices("abcdefghijklmnop", k=random.randint(2, 9))) for _ in range(5000)]
    text = " ".join(random.choices(words, k=400000))[:2 << 20]
    return {f"{number}.txt": text[number * 999:] + text[:number * 999] for number in range(FILES)}


def figure(server, name, pool):
    text = server.admin("GET", "/metrics").body.decode()
    return int(float(re.search(rf'^ccodes_pool_{name}{{pool="{pool}"}} (\S+)$', text, re.MULTILINE)[1]))


def start_busy(start):
    """A server that has more to compress than it can within the test."""
    files = texts()
    files |= {f"folder{number}/a.txt": "a" for number in range(50)}
    server = start(files=files, server='drain_timeout = "10s"\n',
                   site="listing = true\n[site.compression]\nbrotli_level = 11\n")
    for name in files:
        if name.endswith("0.txt") or "/" not in name:
            assert server.get(f"/{name}", {"Accept-Encoding": "br"}).getheader("content-encoding") is None
    assert figure(server, "running_tasks", "compute") >= 1
    return server


def test_look_ups_do_not_wait_for_compression(start):
    server = start_busy(start)
    waiting = figure(server, "waiting_tasks", "compute")
    assert waiting >= FILES / 2
    for number in range(50):
        assert server.get(f"/folder{number}/").status == 200  # a folder is read on the pool for look-ups
    # They would have come behind all of these; the threads may have got on by one each at most.
    assert figure(server, "waiting_tasks", "compute") >= waiting / 2
    assert figure(server, "waiting_tasks", "lookups") == 0


def test_the_end_does_not_wait_for_what_is_queued(start):
    server = start_busy(start)
    assert figure(server, "waiting_tasks", "compute") >= FILES / 2
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10, "within drain_timeout"


def test_a_request_that_waits_for_the_queue_is_cut_after_the_drain(start):
    """A small file waits for its compressed form, which will not come in time."""
    server = start_busy(start)
    server.write_configuration(server='drain_timeout = "1s"\n')
    assert server.admin("POST", "/reload").status == 200
    server.write("small.txt", "small " * 2000)
    with server.connect() as client:
        client.sendall(b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br\r\n\r\n")
        until(lambda: figure(server, "tasks_total", "compute") == FILES + 1, "it waits")
        assert server.stop() == 0
        assert client.recv(65536) == b"", "no half answer"
