# SPDX-License-Identifier: Apache-2.0
"""The load client itself: each way to lose a request is counted, and an orderly end of an idle connection is not."""

import contextlib
import socket
import struct
import threading
import time

import load_client
import pytest

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextlib.contextmanager
def server(handle):
    """Calls handle(connection) for each connection; yields the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        handle(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def count(url, kept=False, until=lambda counts: counts["connections"] >= 3):
    counts, stop = load_client.Counts(), threading.Event()
    thread = threading.Thread(target=load_client.request_forever, args=(url, kept, counts, stop))
    thread.start()
    end = time.monotonic() + 10
    while not until(counts.counts) and time.monotonic() < end:
        time.sleep(0.001)
    stop.set()
    thread.join()
    return counts.report()


def answer_all(connection):
    while connection.recv(4096):
        connection.sendall(ANSWER)


def reset_at_once(connection):
    connection.recv(4096)
    reset(connection)


def cut_short(connection):
    connection.recv(4096)
    connection.sendall(ANSWER[:-2])


def take_and_hang_up(connection):
    connection.recv(4096)


def answer_otherwise(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")


def test_answered_requests_are_no_loss():
    with server(answer_all) as url:
        report = count(url, kept=True)
    assert report["answered"] > 3 and report["lost"] == 0


@pytest.mark.parametrize("handle, kind", [(reset_at_once, "reset"), (cut_short, "cut"),
                                          (take_and_hang_up, "unanswered"), (answer_otherwise, "wrong")])
def test_each_loss_has_its_name(handle, kind):
    with server(handle) as url:
        report = count(url)
    assert report[kind] >= 3 and report["lost"] == report[kind] and report["answered"] == 0


def test_refused():
    with server(answer_all) as url:
        pass
    report = count(url, until=lambda counts: counts["refused"] >= 3)
    assert report["refused"] == report["lost"] >= 3


@pytest.mark.parametrize("seen_before", [True, False])
def test_closing_an_idle_connection_in_order_is_no_loss(monkeypatch, seen_before):
    closed = threading.Event()

    def answer_once(connection):
        connection.recv(4096)
        connection.sendall(ANSWER)
        connection.close()
        closed.set()

    if not seen_before:  # the request and the end of the connection cross on their ways
        monkeypatch.setattr(load_client.Connection, "closed", lambda self: False)
    with server(answer_once) as url, contextlib.closing(load_client.Connection(url)) as connection:
        connection.exchange()
        closed.wait()
        with pytest.raises(load_client.ClosedWhileIdle):
            connection.exchange()


def test_hanging_up_after_a_second_request_was_taken_is_a_loss():
    def answer_once_of_two(connection):
        connection.recv(4096)
        connection.sendall(ANSWER)
        connection.recv(4096)

    with server(answer_once_of_two) as url:
        report = count(url, kept=True, until=lambda counts: counts["unanswered"] >= 3)
    assert report["unanswered"] == report["lost"] >= 3
