# SPDX-License-Identifier: Apache-2.0
"""Floods on HTTP/2: frames that cost the client nothing and the server something. Each is cut with ENHANCE_YOUR_CALM."""

import threading

import pytest

from h2_client import (ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, ENHANCE_YOUR_CALM, GOAWAY, HEADERS,
                       INITIAL_WINDOW_SIZE, PADDED, PING, PRIORITY, PRIORITY_UPDATE, STREAM_CLOSED, Client, block, data,
                       field, frame, get, headers, integer, request, reset, settings, window_update)
from rig import defences, under_attack

FILES = {"a.txt": "0123456789", "big": b"x" * 3_000_000}
LIMITS = defences("", "[http.http2]\nmax_resets = 100000\nmax_control_frames = 100000\n")
BATCH = 200  # frames that are sent in one go

HEAD = block(*request(path="/a.txt"))
CONNECT = headers(1, *request("CONNECT", "/echo", protocol="websocket"), ("sec-websocket-version", "13"), end=False)


@pytest.fixture
def server(start):
    return start(files=FILES, tls=True, site='echo = "/echo"', more=LIMITS)


def flood(begin, make_batch):
    """An attacker that sends batch after batch and listens only for its end, with 20,000 frames and more to its name."""
    def attacker(connection):
        client = Client(connection, silent=True)
        codes = []
        reader = threading.Thread(target=lambda: codes.append(client.goaway_code()))
        reader.start()
        try:
            client.send(begin)
            for number in range(200):
                if not reader.is_alive():
                    break
                client.send(make_batch(number))
        except OSError:
            pass  # it was cut while it sent
        reader.join(5)
        return codes[0] if codes else "not cut"
    return attacker


def each(make_frames):
    """A batch of what this makes of one stream identifier after the other."""
    return lambda number: b"".join(make_frames(2 * (number * BATCH + i) + 3) for i in range(BATCH))


def same(frames):
    return lambda number: frames * BATCH


def provoked(stream):
    """MadeYouReset (CVE-2025-8671): it is the server that resets, for a body that is longer than announced."""
    return headers(stream, *request("POST", "/a.txt"), ("content-length", "0"), end=False) + data(stream, b"x")


FLOODS = {
    "rapid reset (CVE-2023-44487)": (b"", each(lambda stream: get(stream, "/big") + reset(stream))),
    "resets before the head's end": (b"", each(lambda stream: headers(stream, *request("POST", "/a.txt"), end=False) +
                                               reset(stream))),
    "MadeYouReset by a body": (b"", each(provoked)),
    "MadeYouReset by a malformed head": (b"", each(lambda stream: headers(stream, (":method", "GET")))),
    "MadeYouReset by a refused stream": (b"", each(lambda stream: headers(
        stream, *request("CONNECT", "/echo", protocol="websocket"), ("sec-websocket-version", "13"), end=False))),
    "SETTINGS": (b"", same(settings())),
    "SETTINGS that change the windows": (get(1, "/big"), lambda number: b"".join(
        settings((INITIAL_WINDOW_SIZE, i % 2)) for i in range(BATCH))),
    "PING": (b"", same(frame(PING, payload=bytes(8)))),
    "acknowledgements of PING": (b"", same(frame(PING, ACK, payload=bytes(8)))),
    "PRIORITY": (b"", each(lambda stream: frame(PRIORITY, 0, stream, bytes(5)))),
    "PRIORITY_UPDATE": (get(1, "/big"), same(frame(PRIORITY_UPDATE, payload=b"\0\0\0\1u=1"))),
    "WINDOW_UPDATE of the connection": (b"", same(window_update(0, 1))),
    "WINDOW_UPDATE of a stream": (CONNECT, same(window_update(1, 1))),
    "empty DATA": (CONNECT, same(frame(DATA, 0, 1))),
    "DATA that is padding": (CONNECT, same(frame(DATA, PADDED, 1, b"\x05" + bytes(5)))),
    "empty DATA on a stream that was reset": (CONNECT + reset(1), same(frame(DATA, 0, 1))),
    "unknown frames": (b"", same(frame(99))),
    "resets of a stream that is over": (CONNECT, same(reset(1))),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_frames_that_carry_nothing(server, kind):
    begin, make_batch = FLOODS[kind]
    with under_attack(server, "http2-flood" if "was reset" not in kind else None) as attack:
        outcomes = attack.strike(flood(begin, make_batch))
    expected = {ENHANCE_YOUR_CALM, None}  # None: the end overtook the GOAWAY, since the attacker went on sending
    if "was reset" in kind:
        expected = {STREAM_CLOSED}
    assert set(outcomes) <= expected, outcomes


def test_rapid_reset_over_tls(server):
    with under_attack(server, "http2-flood") as attack:
        outcomes = attack.strike(flood(*FLOODS["rapid reset (CVE-2023-44487)"]), secure=True, alpn="h2")
    assert set(outcomes) <= {ENHANCE_YOUR_CALM, None}


def test_coming_back_gives_no_new_burst(server):
    """The limits are the client's, not the connection's. Seen to fail without h2_accounts_spend_burst."""
    def pings_until_the_end(connection):
        client = Client(connection)
        answered = 0
        while answered < 20000:  # some at a time, so that a machine that is busy does not slow it down to what is allowed
            client.send(frame(PING, payload=bytes(8)) * 20)
            for _ in range(20):
                if client.next_of(PING, GOAWAY).kind == GOAWAY:
                    return answered
                answered += 1
        return "not cut"
    with under_attack(server, "http2-flood") as attack:
        first, second = attack.strike(pings_until_the_end, attackers=1, strikes=2)
    assert first >= 400 and second < first / 2, (first, second)
    with server.connect() as connection:
        client = Client(connection)
        client.send(get(1, "/a.txt"))
        assert client.response(1).status == 200, "what is modest is served all the same"


def test_heads_after_the_end(start):
    """What comes after the last GOAWAY is dropped, but decoded all the same. Seen to fail without h2_framing's is_ended."""
    server = start(files=FILES, site='echo = "/echo"')

    def attacker(connection):
        client = Client(connection)
        client.send(CONNECT)
        client.next_of(HEADERS)
        assert server.admin("POST", "/reload").status == 200
        while client.next_of(GOAWAY).last_stream != 1:
            pass
        try:
            for first in range(3, 4000, 2 * BATCH):
                client.send(*[get(stream, "/a.txt") for stream in range(first, first + 2 * BATCH, 2)])
        except OSError:
            pass  # it was cut while it sent
        return client.goaway_code()
    with under_attack(server, "http2-flood") as attack:
        assert set(attack.strike(attacker, attackers=1, strikes=2)) <= {ENHANCE_YOUR_CALM, None}


CONTINUATIONS = {
    "of nothing (CVE-2024-24549)": b"",
    "of one small field each": field("a", "b"),
    "of a large field each": field("a", "b" * 16000),
}


@pytest.mark.parametrize("kind", CONTINUATIONS)
@pytest.mark.parametrize("is_request", [True, False])
def test_a_head_without_end(server, kind, is_request):
    """Also as trailers. The bounds are constants; seen to fail with both of CONTINUATIONS_MAX and HEAD_EXCESS a thousand times as large."""
    stream = 1 if is_request else 3
    begin = b"" if is_request else headers(3, *request("POST", "/a.txt"), end=False)
    begin += frame(HEADERS, 1, stream, HEAD if is_request else field("a", "b"))
    with under_attack(server) as attack:
        outcomes = attack.strike(flood(begin, same(frame(CONTINUATION, 0, stream, CONTINUATIONS[kind]))))
    assert set(outcomes) <= {ENHANCE_YOUR_CALM, None}


def test_an_hpack_bomb(server):
    """A large entry of the table, referred to again and again: each octet is 4,000. Seen to fail with HEAD_EXCESS at 10,000."""
    bomb = block(*request(path="/a.txt")) + field("x", "y" * 4000, indexed=True) + integer(62, 7, 0x80) * 12000

    with under_attack(server, "fields-too-large") as attack:
        outcomes = attack.strike(flood(b"", each(lambda stream: frame(HEADERS, END_HEADERS | 1, stream, bomb))))
    assert set(outcomes) <= {ENHANCE_YOUR_CALM, None}


def test_heads_above_the_bound_cost_no_memory(server):
    """Each is answered with 431, which is fair; a thousand of them leave nothing behind."""
    head = frame(HEADERS, END_HEADERS | 1, 0, block(*request(), *[("x", "y" * 1000)] * 16))

    def attacker(connection):
        client = Client(connection)
        for first in range(1, 400, 40):
            streams = range(first, first + 40, 2)
            client.send(*[head[:5] + stream.to_bytes(4, "big") + head[9:] for stream in streams])
            assert {response.status for response in client.responses(*streams)} == {431}
    with under_attack(server, "fields-too-large") as attack:
        attack.strike(attacker)


# Streams that are held open

HOLD = defences("[http.timeouts.send]\nidle = \"1s\"\nminimum_rate = 4096\ngrace = \"2s\"\n", "")


def held(trickle):
    """Many streams whose windows are shut, or opened by a byte ten times a second."""
    def attacker(connection):
        client = Client(connection, (INITIAL_WINDOW_SIZE, 0), opens_windows=False)
        streams = range(1, 201, 2)
        client.send(*[get(stream, "/big") for stream in streams])
        done = threading.Event()

        def open_windows():
            while not done.wait(0.1):
                try:
                    client.send(window_update(1, 1), window_update(3, 1))
                except OSError:
                    return
        if trickle:
            threading.Thread(target=open_windows, daemon=True).start()
        connection.settimeout(30)
        try:
            return {response.reset for response in client.responses(*streams)}
        finally:
            done.set()
    return attacker


@pytest.mark.parametrize("trickle", [False, True])
def test_windows_held_shut(start, trickle):
    server = start(files=FILES, more=HOLD)
    with under_attack(server) as attack:
        outcomes = attack.strike(held(trickle), strikes=1)
    assert all(codes == {CANCEL} for codes in outcomes), outcomes


def test_a_body_in_dribbles(server):
    """CVE-2019-9511: windows of a few bytes make the server send a frame for each of them."""
    def attacker(connection):
        client = Client(connection, (INITIAL_WINDOW_SIZE, 8))
        client.send(*[get(stream, "/big") for stream in range(1, 21, 2)])
        return client.goaway_code()
    with under_attack(server, "http2-flood") as attack:
        assert set(attack.strike(attacker)) == {ENHANCE_YOUR_CALM}


def test_the_connections_window_held_shut(start):
    server = start(files=FILES, more=HOLD)

    def attacker(connection):
        client = Client(connection, (INITIAL_WINDOW_SIZE, 1 << 30), opens_windows=False)
        client.send(get(1, "/big"), get(3, "/big"))
        connection.settimeout(30)
        return {response.reset for response in client.responses(1, 3)}
    with under_attack(server) as attack:
        outcomes = attack.strike(attacker)
    assert all(codes == {CANCEL} for codes in outcomes), outcomes


def test_a_client_that_does_not_read(start):
    server = start(files=FILES, more=HOLD)

    def attacker(connection):
        client = Client(connection, (INITIAL_WINDOW_SIZE, 1 << 30))
        client.send(window_update(0, 1 << 30), *[get(stream, "/big") for stream in range(1, 201, 2)])
        connection.settimeout(30)
        # Nothing is read until the server has gone, which is seen by what cannot be sent any more.
        try:
            while True:
                client.send(frame(PING, payload=bytes(8)))
                threading.Event().wait(0.2)
        except OSError:
            return "cut"
    with under_attack(server) as attack:
        assert attack.strike(attacker, strikes=1) == ["cut"] * 4


def test_slow_bodies(start, tmp_path):
    """A hundred uploads on one connection, an octet at a time: each is answered with 408, and the honest are served."""
    (tmp_path / "uploads").mkdir()
    slow = defences("[http.timeouts.body]\nidle = \"1s\"\nminimum_rate = 1000\ngrace = \"1s\"\n",
                    "[http.timeouts.body]\nidle = \"1h\"\nminimum_rate = 0\n")
    upload = (f'[[site.upload]]\nname = "files"\npath = "/files/"\nfolder = "{tmp_path}/uploads"\naccess = "anyone"\n'
              'methods = ["put"]\nmin_free = 0\nmax_active = 1000\n')
    server = start(files=FILES, more=upload + slow)

    def attacker(connection):
        client = Client(connection, opens_windows=False)
        streams = range(1, 201, 2)
        client.send(*[headers(stream, *request("PUT", f"/files/{id(connection)}-{stream}"), end=False)
                      for stream in streams])
        done = threading.Event()

        def dribble():
            while not done.wait(0.2):
                try:
                    client.send(*[data(stream, b"x", end=False) for stream in streams[::2]])
                except OSError:
                    return
        threading.Thread(target=dribble, daemon=True).start()
        connection.settimeout(30)
        statuses = {response.status for response in client.responses(*streams)}
        done.set()
        return statuses
    with under_attack(server) as attack:
        outcomes = attack.strike(attacker, strikes=1)
    assert all(statuses == {408} for statuses in outcomes), outcomes
