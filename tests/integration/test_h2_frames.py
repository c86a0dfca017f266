# SPDX-License-Identifier: Apache-2.0
"""Each MUST of RFC 9113 on frames, streams, settings and windows that a client can break: the connection ends, or the stream is
reset, with the right code; nothing passes silently, and the daemon serves on."""

import struct

import pytest

import websocket_client
from h2_client import (ACK, CONTINUATION, DATA, ENABLE_CONNECT_PROTOCOL, ENABLE_PUSH, END_HEADERS, END_STREAM,
                       FLOW_CONTROL_ERROR, FRAME_MAX, FRAME_SIZE_ERROR, GOAWAY, HEADER_TABLE_SIZE, HEADERS,
                       INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, NO_ERROR, NO_RFC7540_PRIORITIES, PADDED, PING, PREFACE,
                       PRIORITIZED, PRIORITY, PRIORITY_UPDATE, PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM,
                       SETTINGS, STREAM_CLOSED, WINDOW, WINDOW_UPDATE, Client, block, data, field, frame, get, headers,
                       request, reset, settings, window_update)

BIG = 300_000
FILES = {"index.html": "<p>hello</p>\n", "big": b"b" * BIG}
LARGEST = 0x7fffffff

POST = request("POST", "/index.html")
CONNECT = [*request("CONNECT", "/echo", protocol="websocket"), ("sec-websocket-version", "13")]  # stays open both ways
TUNNEL = headers(1, *CONNECT, end=False)
HEAD = block(*request())


@pytest.fixture(scope="module")
def server(start_for_module):
    return start_for_module(files=FILES, site='echo = "/echo"')


def entry(identifier, value):
    return settings((identifier, value))


def padded(kind, flags, stream, padding, payload=b"", actual=None):
    return frame(kind, flags | PADDED, stream, bytes([padding]) + payload + b"\0" * (padding if actual is None else actual))


def dependency(stream, on, weight=15):
    return frame(PRIORITY, 0, stream, struct.pack(">IB", on, weight))


def urgency(prioritized, value=b"u=1", stream=0):
    return frame(PRIORITY_UPDATE, 0, stream, struct.pack(">I", prioritized) + value)


ENDS_THE_CONNECTION = {
    "3.4: the first frame is not SETTINGS": (PREFACE + frame(PING, payload=bytes(8)), PROTOCOL_ERROR),
    "3.4: the first frame acknowledges": (PREFACE + frame(SETTINGS, ACK), PROTOCOL_ERROR),

    "4.2: DATA above the limit": (TUNNEL + frame(DATA, 0, 1, bytes(FRAME_MAX + 1)), FRAME_SIZE_ERROR),
    "4.2: HEADERS above the limit": (frame(HEADERS, END_HEADERS, 1, bytes(FRAME_MAX + 1)), FRAME_SIZE_ERROR),
    "4.2: CONTINUATION above the limit": (headers(1, HEAD, more=True) + frame(CONTINUATION, END_HEADERS, 1,
                                                                             bytes(FRAME_MAX + 1)), FRAME_SIZE_ERROR),
    "4.2: an unknown type above the limit": (frame(99, payload=bytes(FRAME_MAX + 1)), FRAME_SIZE_ERROR),
    "4.2: the largest length there is": (frame(DATA, 0, 1, length=(1 << 24) - 1), FRAME_SIZE_ERROR),

    "5.1: DATA on an idle stream": (data(1, b"a"), PROTOCOL_ERROR),
    "5.1: RST_STREAM on an idle stream": (reset(1), PROTOCOL_ERROR),
    "5.1: WINDOW_UPDATE on an idle stream": (window_update(1, 1), PROTOCOL_ERROR),
    "5.1: CONTINUATION on an idle stream": (frame(CONTINUATION, END_HEADERS, 1, HEAD), PROTOCOL_ERROR),
    "5.1: DATA after the stream's end": (get(1, "/big") + data(1, b"a"), STREAM_CLOSED),
    "5.1: HEADERS after the stream's end": (get(1, "/big") + headers(1, ("a", "b")), STREAM_CLOSED),
    "5.1.1: an even identifier": (get(2), PROTOCOL_ERROR),
    "5.1.1: DATA on a stream of the server's": (data(2, b"a"), PROTOCOL_ERROR),
    "5.1.1: WINDOW_UPDATE on a stream of the server's": (window_update(2, 1), PROTOCOL_ERROR),

    "6.1: DATA on stream 0": (data(0, b"a"), PROTOCOL_ERROR),
    "6.1: DATA with as much padding as payload": (TUNNEL + padded(DATA, 0, 1, 5, actual=4), PROTOCOL_ERROR),
    "6.1: DATA with more padding than payload": (TUNNEL + padded(DATA, 0, 1, 255, actual=4), PROTOCOL_ERROR),
    "6.1: padded DATA without a length of it": (TUNNEL + frame(DATA, PADDED, 1), FRAME_SIZE_ERROR),
    "6.2: HEADERS on stream 0": (headers(0, HEAD), PROTOCOL_ERROR),
    "6.2: HEADERS with more padding than payload": (padded(HEADERS, END_HEADERS, 1, 200, HEAD, actual=0),
                                                    PROTOCOL_ERROR),
    "6.2: padded HEADERS without a length of it": (frame(HEADERS, END_HEADERS | PADDED, 1), FRAME_SIZE_ERROR),
    "6.2: HEADERS too short for their priority": (frame(HEADERS, END_HEADERS | PRIORITIZED, 1, bytes(4)),
                                                  FRAME_SIZE_ERROR),
    "6.2: HEADERS followed by another stream's": (headers(1, HEAD, more=True) + get(3), PROTOCOL_ERROR),
    "6.3: PRIORITY on stream 0": (dependency(0, 1), PROTOCOL_ERROR),
    "6.3: PRIORITY of four bytes": (frame(PRIORITY, 0, 1, bytes(4)), FRAME_SIZE_ERROR),
    "6.3: PRIORITY of six bytes": (frame(PRIORITY, 0, 1, bytes(6)), FRAME_SIZE_ERROR),
    "6.4: RST_STREAM on stream 0": (reset(0), PROTOCOL_ERROR),
    "6.4: RST_STREAM of three bytes": (TUNNEL + frame(RST_STREAM, 0, 1, bytes(3)), FRAME_SIZE_ERROR),
    "6.4: RST_STREAM of five bytes": (TUNNEL + frame(RST_STREAM, 0, 1, bytes(5)), FRAME_SIZE_ERROR),
    "6.5: SETTINGS on a stream": (TUNNEL + frame(SETTINGS, 0, 1), PROTOCOL_ERROR),
    "6.5: SETTINGS of a length that is no multiple of six": (frame(SETTINGS, payload=bytes(7)), FRAME_SIZE_ERROR),
    "6.5: an acknowledgement with a payload": (frame(SETTINGS, ACK, payload=bytes(6)), FRAME_SIZE_ERROR),
    "6.5.2: ENABLE_PUSH that is 2": (entry(ENABLE_PUSH, 2), PROTOCOL_ERROR),
    "6.5.2: INITIAL_WINDOW_SIZE above the largest": (entry(INITIAL_WINDOW_SIZE, LARGEST + 1), FLOW_CONTROL_ERROR),
    "6.5.2: MAX_FRAME_SIZE below the smallest": (entry(MAX_FRAME_SIZE, FRAME_MAX - 1), PROTOCOL_ERROR),
    "6.5.2: MAX_FRAME_SIZE above the largest": (entry(MAX_FRAME_SIZE, 1 << 24), PROTOCOL_ERROR),
    "6.6: PUSH_PROMISE": (TUNNEL + frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + HEAD), PROTOCOL_ERROR),
    "6.6: PUSH_PROMISE on stream 0": (frame(PUSH_PROMISE, END_HEADERS, 0, struct.pack(">I", 2) + HEAD), PROTOCOL_ERROR),
    "6.7: PING on a stream": (TUNNEL + frame(PING, 0, 1, bytes(8)), PROTOCOL_ERROR),
    "6.7: PING of seven bytes": (frame(PING, payload=bytes(7)), FRAME_SIZE_ERROR),
    "6.7: PING of nine bytes": (frame(PING, payload=bytes(9)), FRAME_SIZE_ERROR),
    "6.8: GOAWAY on a stream": (TUNNEL + frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL_ERROR),
    "6.8: GOAWAY of seven bytes": (frame(GOAWAY, payload=bytes(7)), FRAME_SIZE_ERROR),
    "6.9: WINDOW_UPDATE of nothing, of the connection": (window_update(0, 0), PROTOCOL_ERROR),
    "6.9: WINDOW_UPDATE of nothing, of a stream": (TUNNEL + window_update(1, 0), PROTOCOL_ERROR),
    "6.9: WINDOW_UPDATE of three bytes": (frame(WINDOW_UPDATE, payload=bytes(3)), FRAME_SIZE_ERROR),
    "6.9: WINDOW_UPDATE of five bytes": (frame(WINDOW_UPDATE, payload=bytes(5)), FRAME_SIZE_ERROR),
    "6.9.1: the connection's window above the largest": (window_update(0, LARGEST), FLOW_CONTROL_ERROR),
    "6.9.1: a stream's window above the largest": (TUNNEL + window_update(1, LARGEST), FLOW_CONTROL_ERROR),
    "6.9.2: settings that lift a stream's window above the largest":
        (TUNNEL + window_update(1, LARGEST - WINDOW) + entry(INITIAL_WINDOW_SIZE, WINDOW + 1), FLOW_CONTROL_ERROR),
    "6.10: CONTINUATION on stream 0": (headers(1, HEAD, more=True) + frame(CONTINUATION, END_HEADERS, 0), PROTOCOL_ERROR),
    "6.10: CONTINUATION of another stream": (headers(1, HEAD, more=True) + frame(CONTINUATION, END_HEADERS, 3),
                                             PROTOCOL_ERROR),
    "6.10: CONTINUATION after the end of the head": (get(1) + frame(CONTINUATION, END_HEADERS, 1), PROTOCOL_ERROR),
    "6.10: DATA within a head": (headers(1, HEAD, end=False, more=True) + data(1), PROTOCOL_ERROR),
    "6.10: SETTINGS within a head": (headers(1, HEAD, more=True) + settings(), PROTOCOL_ERROR),
    "6.10: PING within a head": (headers(1, HEAD, more=True) + frame(PING, payload=bytes(8)), PROTOCOL_ERROR),
    "6.10: WINDOW_UPDATE within a head": (headers(1, HEAD, more=True) + window_update(0, 1), PROTOCOL_ERROR),
    "6.10: an unknown type within a head": (headers(1, HEAD, more=True) + frame(99), PROTOCOL_ERROR),

    "RFC 9218 2.1: NO_RFC7540_PRIORITIES that is 2": (entry(NO_RFC7540_PRIORITIES, 2), PROTOCOL_ERROR),
    "RFC 9218 2.1: NO_RFC7540_PRIORITIES that changes": (entry(NO_RFC7540_PRIORITIES, 1), PROTOCOL_ERROR),
    "RFC 9218 7.1: PRIORITY_UPDATE on a stream": (TUNNEL + urgency(1, stream=1), PROTOCOL_ERROR),
    "RFC 9218 7.1: PRIORITY_UPDATE of stream 0": (urgency(0), PROTOCOL_ERROR),
    "RFC 9218 7.1: PRIORITY_UPDATE of a push": (urgency(2), PROTOCOL_ERROR),
    "RFC 9218 7.1: PRIORITY_UPDATE of three bytes": (frame(PRIORITY_UPDATE, payload=bytes(3)), FRAME_SIZE_ERROR),
    "RFC 8441 3: ENABLE_CONNECT_PROTOCOL that is 2": (entry(ENABLE_CONNECT_PROTOCOL, 2), PROTOCOL_ERROR),
}


@pytest.mark.parametrize("clause", ENDS_THE_CONNECTION)
def test_the_connection_ends(server, clause):
    frames, code = ENDS_THE_CONNECTION[clause]
    starts = frames.startswith(PREFACE)
    with server.connect() as connection:
        client = Client(connection, preface=None if starts else PREFACE)
        client.send(frames)
        assert client.goaway_code() == code
    with server.connect() as connection:
        assert Client(connection).is_answering(1)


def test_the_end_of_a_connection_is_said_and_logged(server):
    with server.connect() as connection:
        client = Client(connection)
        client.send(get(1), data(0, b"a"))
        taken = client.next_of(GOAWAY)
        assert (taken.last_stream, taken.code) == (1, PROTOCOL_ERROR)
    assert "http2-malformed" in server.log()


# 3.4: bytes that are no preface. There is nobody who would understand a GOAWAY.
@pytest.mark.parametrize("garbage", [b"PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n", b"\0" * 24, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_over_tls_a_wrong_preface_ends_the_connection(start, garbage):
    server = start(files=FILES, tls=True)
    with server.connect(secure=True, alpn="h2") as connection:
        client = Client(connection, preface=None)
        client.send(garbage)
        assert client.goaway_code() in (PROTOCOL_ERROR, None)


def test_streams_above_the_limit_are_refused(server):
    """5.1.2"""
    with server.connect() as connection:
        client = Client(connection)
        client.send(*[headers(stream, *CONNECT, end=False) for stream in range(1, 259, 2)])
        assert client.reset_code(257) == REFUSED_STREAM
        client.send(data(257, b"sent before it was known"), reset(1))
        assert client.is_answering(259), "there is room again"


PASSES = {
    "4.1: the reserved bit of the stream's identifier": get(1 | 1 << 31),
    "4.1: flags that mean nothing": frame(HEADERS, END_STREAM | END_HEADERS | 0xd2 & ~PRIORITIZED & ~PADDED, 1, HEAD),
    "4.2: a frame of the largest size": frame(99, payload=bytes(FRAME_MAX)) + get(1),
    "4.3: a head in pieces": headers(1, HEAD[:5], more=True) + frame(CONTINUATION, 0, 1, HEAD[5:9]) +
                             frame(CONTINUATION, 0, 1) + frame(CONTINUATION, END_HEADERS, 1, HEAD[9:]),
    "5.1: PRIORITY on an idle stream": dependency(1, 0) + dependency(5, 3) + get(1),
    "5.1: WINDOW_UPDATE and RST_STREAM after the end": get(1) + window_update(1, 1) + reset(1, NO_ERROR) + get(3),
    "5.5: unknown types": frame(99, 0xff, 0, b"abc") + frame(200, 0, 1, b"") + frame(255, 0, 77, b"x") + get(1),
    "6.1: padding": headers(1, *POST, end=False) + padded(DATA, 0, 1, 255, b"abc") + padded(DATA, END_STREAM, 1, 0),
    "6.2: padding and a priority": frame(HEADERS, END_STREAM | END_HEADERS | PADDED | PRIORITIZED, 1,
                                         b"\3" + struct.pack(">IB", 0, 15) + HEAD + bytes(3)),
    "6.5.2: unknown settings": settings((0x9999, 7), (0, 1), (0xffff, 0xffffffff)) + get(1),
    "6.5.2: every known setting": settings((HEADER_TABLE_SIZE, 0), (ENABLE_PUSH, 0), (INITIAL_WINDOW_SIZE, LARGEST),
                                           (MAX_FRAME_SIZE, (1 << 24) - 1), (NO_RFC7540_PRIORITIES, 0)) + get(1),
    "6.7: an acknowledgement nobody asked for": frame(PING, ACK, payload=bytes(8)) + get(1),
    "6.8: GOAWAY with a reason": get(1) + frame(GOAWAY, payload=struct.pack(">II", 0, 0) + b"bye"),
    "6.9: the window at its largest": window_update(0, LARGEST - WINDOW) + get(1),
    "RFC 9218 7.1: PRIORITY_UPDATE before its stream": urgency(1) + get(1),
    "RFC 9218 7.1: PRIORITY_UPDATE that makes no sense": urgency(1, b"!!!") + get(1),
}


@pytest.mark.parametrize("clause", PASSES)
def test_what_is_allowed_passes(server, clause):
    with server.connect() as connection:
        client = Client(connection)
        client.send(PASSES[clause])
        stream = 3 if "after the end" in clause else 1
        assert client.response(stream).status in (200, 405)


def test_frames_on_a_stream_that_has_ended(server):
    """5.1: no frame but PRIORITY may be sent on it."""
    for late, code in ((data(1, b"a"), STREAM_CLOSED), (headers(1, ("a", "b")), STREAM_CLOSED)):
        with server.connect() as connection:
            client = Client(connection)
            assert client.is_answering(1)
            client.send(late)
            assert client.goaway_code() == code


def test_a_new_stream_below_the_last(server):
    """5.1.1: identifiers grow."""
    with server.connect() as connection:
        client = Client(connection)
        assert client.is_answering(5)
        client.send(get(3))
        assert client.goaway_code() in (PROTOCOL_ERROR, STREAM_CLOSED)


def test_what_is_under_way_to_a_stream_that_the_server_reset(server):
    """5.1: the client cannot know yet: it is dropped, and counted in the windows."""
    with server.connect() as connection:
        client = Client(connection)
        client.send(headers(1, *POST, end=False))
        response = client.response(1)
        assert (response.status, response.reset) == (405, None)
        assert client.reset_code(1) == NO_ERROR
        window = WINDOW
        for _ in range(40):
            while window < FRAME_MAX:
                taken = client.next_of(WINDOW_UPDATE)
                window += struct.unpack(">I", taken.payload)[0] if taken.stream == 0 else 0
            client.send(data(1, bytes(FRAME_MAX), end=False))
            window -= FRAME_MAX
        client.send(headers(1, ("late", "trailer")))
        assert client.is_answering(3)


# Settings (6.5)

def test_settings_are_acknowledged_in_order(server):
    with server.connect() as connection:
        client = Client(connection)
        client.send(settings(), settings((HEADER_TABLE_SIZE, 100)))
        for _ in range(3):
            taken = client.next_of(SETTINGS)
            while not taken.flags & ACK:
                taken = client.next_of(SETTINGS)
            assert taken.payload == b""


def test_the_servers_settings(server):
    with server.connect() as connection:
        client = Client(connection)
        taken = client.next_frame()
        assert taken.kind == SETTINGS and not taken.flags & ACK, "the server's preface (3.4)"
        assert client.settings[ENABLE_CONNECT_PROTOCOL] == 1 and client.settings[NO_RFC7540_PRIORITIES] == 1
        assert ENABLE_PUSH not in client.settings or client.settings[ENABLE_PUSH] == 0


def test_a_ping_is_answered_with_what_it_had(server):
    with server.connect() as connection:
        client = Client(connection)
        client.send(frame(PING, payload=b"12345678"))
        taken = client.next_of(PING)
        assert (taken.flags, taken.stream, taken.payload) == (ACK, 0, b"12345678")


def test_a_small_table_is_kept_to(server):
    """RFC 7541 4.2: the server says so, and does not refer to what is not there."""
    with server.connect() as connection:
        client = Client(connection, (HEADER_TABLE_SIZE, 0))
        client.synchronize()
        client.decoder.max_allowed_table_size = 0
        for stream in range(1, 21, 2):
            assert client.is_answering(stream)


# Flow control (5.2, 6.9)

def received_of(client, stream):
    """Bytes of DATA until the server has nothing more to say: what follows from the first ping's read is out by the second's."""
    length = 0
    for _ in range(2):
        client.send(frame(PING, payload=bytes(8)))
        while (taken := client.next_frame()).kind != PING:
            assert taken.kind != RST_STREAM, taken
            if taken.kind == HEADERS:
                client.decoder.decode(taken.payload)
            if taken.kind == DATA and taken.stream == stream:
                length += len(taken.payload)
    return length


def test_the_server_stops_at_the_connections_window(server):
    with server.connect() as connection:
        client = Client(connection, (INITIAL_WINDOW_SIZE, BIG * 2), opens_windows=False)
        client.send(get(1, "/big"))
        assert received_of(client, 1) == WINDOW
        assert received_of(client, 1) == 0
        client.send(window_update(0, 10))
        assert received_of(client, 1) == 10
        client.send(window_update(0, BIG))
        assert received_of(client, 1) == BIG - WINDOW - 10


def test_the_server_stops_at_the_streams_window(server):
    with server.connect() as connection:
        client = Client(connection, (INITIAL_WINDOW_SIZE, 1), opens_windows=False)
        client.send(window_update(0, BIG), get(1, "/big"))
        assert received_of(client, 1) == 1
        client.send(window_update(1, 4))
        assert received_of(client, 1) == 4
        client.send(settings((INITIAL_WINDOW_SIZE, 21)))
        assert received_of(client, 1) == 20, "6.9.2: a change holds for streams that are open"
        assert client.is_answering(3), "others are served beside it"


def test_a_window_can_become_negative(server):
    """6.9.2"""
    with server.connect() as connection:
        client = Client(connection, (INITIAL_WINDOW_SIZE, 1000), opens_windows=False)
        client.send(get(1, "/big"))
        assert received_of(client, 1) == 1000
        client.send(settings((INITIAL_WINDOW_SIZE, 100)), window_update(1, 899))
        assert received_of(client, 1) == 0, "it is at -1"
        client.send(window_update(1, 2))
        assert received_of(client, 1) == 1


def test_more_than_the_windows(server):
    """5.2.1, 6.9.1: an echo that cannot be sent is not read on, and what comes all the same is too much."""
    with server.connect() as connection:
        client = Client(connection, (INITIAL_WINDOW_SIZE, 0), opens_windows=False)
        client.send(TUNNEL)
        message = websocket_client.frame(websocket_client.BINARY, bytes(FRAME_MAX - 8))
        try:
            for _ in range(300):
                client.send(data(1, message, end=False))
        except ConnectionError:
            pass
        assert client.goaway_code() == FLOW_CONTROL_ERROR


def test_a_response_does_not_exceed_the_largest_frame(server):
    """4.2: also when the client would take more, since nothing is won by it."""
    with server.connect() as connection:
        client = Client(connection, (INITIAL_WINDOW_SIZE, LARGEST), (MAX_FRAME_SIZE, (1 << 24) - 1))
        client.send(window_update(0, BIG), get(1, "/big"))
        assert client.response(1).body == FILES["big"]


# Streams

def test_many_streams_at_a_time(server):
    with server.connect() as connection:
        client = Client(connection)
        client.send(*[get(stream, "/big" if stream % 10 == 1 else "/") for stream in range(1, 201, 2)])
        for stream, response in zip(range(1, 201, 2), client.responses(*range(1, 201, 2))):
            assert response.body == (FILES["big"] if stream % 10 == 1 else FILES["index.html"].encode())


def test_every_byte_alone(server):
    with server.connect() as connection:
        client = Client(connection, preface=None)
        for byte in PREFACE + settings() + get(1) + headers(3, *POST, end=False) + padded(DATA, END_STREAM, 3, 4, b"abc"):
            client.send(bytes([byte]))
        first, second = client.responses(1, 3)
        assert (first.status, second.status) == (200, 405)


def test_a_stream_that_the_client_resets(server):
    with server.connect() as connection:
        client = Client(connection, opens_windows=False)
        client.send(get(1, "/big"))
        client.next_of(DATA)
        client.send(reset(1), window_update(0, WINDOW))
        assert client.is_answering(3)


def test_an_end_by_the_client(server):
    """6.8: what was begun is answered, then the connection ends."""
    with server.connect() as connection:
        client = Client(connection)
        client.send(get(1, "/big"), frame(GOAWAY, payload=struct.pack(">II", 0, NO_ERROR)))
        assert client.response(1).body == FILES["big"]
        assert client.goaway_code() in (None, NO_ERROR)


def test_the_highest_identifier(server):
    """5.1.1: a client that has used it up opens a new connection."""
    with server.connect() as connection:
        assert Client(connection).is_answering(LARGEST)
