# SPDX-License-Identifier: Apache-2.0
"""WebSockets at the echo endpoint: the clauses of RFC 6455 and 7692 that a client can break or use, one by one."""

import asyncio
import os
import struct
import threading
import time

import pytest

from daemon import until
from websocket_client import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, Client, deflate, frame

websockets = pytest.importorskip("websockets", reason="python3-websockets is not installed")

ECHO = 'echo = "/echo"'
DEFLATE = "permessage-deflate"


@pytest.fixture
def server(start):
    return start(site=ECHO)


@pytest.fixture
def client(server):
    with server.connect() as connection:
        yield Client(connection)


# The opening handshake (section 4.2)

HANDSHAKE = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade",
             "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}


def handshake(server, method="GET", version="1.1", path="/echo", **fields):
    lines = {**HANDSHAKE, **{name.replace("_", "-"): value for name, value in fields.items()}}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    with server.connect() as connection:
        connection.sendall(f"{method} {path} HTTP/{version}\r\n{text}\r\n".encode())
        return connection.recv(4096).decode()


def test_the_example_of_the_rfc(server):
    answer = handshake(server)
    assert answer.startswith("HTTP/1.1 101 Switching Protocols\r\n")
    assert "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert "Connection: Upgrade\r\n" in answer and "Upgrade: websocket\r\n" in answer
    assert "Content-Length" not in answer and "Transfer-Encoding" not in answer


@pytest.mark.parametrize("change, status", [
    (dict(Upgrade=None), 426),
    (dict(Upgrade="h2c"), 426),
    (dict(Connection="keep-alive"), 426),
    (dict(version="1.0"), 426),
    (dict(Sec_WebSocket_Version="8"), 426),
    (dict(Sec_WebSocket_Version=None), 426),
    (dict(Sec_WebSocket_Key=None), 400),
    (dict(Sec_WebSocket_Key="c2hvcnQ="), 400),
    (dict(Sec_WebSocket_Key="!!!!!!!!!!!!!!!!!!!!!!=="), 400),
    (dict(method="POST", Content_Length="0"), 400),
    (dict(Content_Length="5"), 400),
    (dict(Connection="keep-alive, UPGRADE"), 101),
    (dict(Upgrade="WebSocket"), 101),
    (dict(Upgrade="h2c, websocket"), 101),
    (dict(Origin="http://localhost"), 101),
    (dict(Origin="http://localhost:80"), 101),
    (dict(Origin="http://elsewhere.example"), 403),
    (dict(Origin="https://localhost"), 403),
    (dict(Origin="http://localhost:80x"), 403),
    (dict(Origin="http://localhost:+80"), 403),
    (dict(Origin="http://localhost:"), 403),
    (dict(Origin="http://localhost.example"), 403),
    (dict(Origin="null"), 403),
    (dict(path="/other"), 404),
])
def test_handshakes(server, change, status):
    answer = handshake(server, **change)
    assert answer.split()[1] == str(status), answer
    if status == 426 and change.get("version") != "1.0":
        assert "sec-websocket-version: 13\r\n" in answer and "\r\nUpgrade: websocket\r\n" in answer
        assert "\r\nConnection: Upgrade" in answer, "an Upgrade without it says nothing (RFC 9110 section 7.8)"
    if status == 101:
        assert "\r\nUpgrade: websocket\r\n" in answer


# Data (section 5)

@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 300000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_sizes(client, opcode, size):
    message = b"x" * size
    client.send(frame(opcode, message))
    assert client.next_message() == (opcode, message)


def test_fragments_with_a_ping_between(client):
    client.send(frame(TEXT, b"one ", fin=False), frame(PING, b"now"), frame(CONTINUATION, b"two ", fin=False),
                frame(CONTINUATION, b"", fin=False), frame(CONTINUATION, b"three"))
    assert client.next_message() == (PONG, b"now")
    assert client.next_message() == (TEXT, b"one two three")


def test_one_byte_at_a_time(client):
    for byte in frame(TEXT, "größer".encode()):
        client.send(bytes([byte]))
    assert client.next_message() == (TEXT, "größer".encode())


def test_many_messages_at_once_stay_in_order(client):
    messages = [os.urandom(i % 300) for i in range(500)]
    client.send(*[frame(BINARY, message) for message in messages])
    assert [client.next_message()[1] for _ in messages] == messages


def test_text_split_within_a_character(client):
    text = "äöü€𝄞".encode()
    client.send(frame(TEXT, text[:1], fin=False), *[frame(CONTINUATION, text[i:i + 1], fin=False)
                                                     for i in range(1, len(text))], frame(CONTINUATION))
    assert client.next_message() == (TEXT, text)


MALFORMED = {
    "not masked (5.1)": ([frame(TEXT, b"a", masked=False)], 1002),
    "reserved bit 1 without an extension (5.2)": ([frame(TEXT, b"a", rsv=0x40)], 1002),
    "reserved bit 2 (5.2)": ([frame(TEXT, b"a", rsv=0x20)], 1002),
    "reserved bit 3 (5.2)": ([frame(TEXT, b"a", rsv=0x10)], 1002),
    **{f"reserved opcode {opcode} (5.2)": ([frame(opcode, b"a")], 1002) for opcode in (3, 7, 11, 15)},
    "a continuation of nothing (5.4)": ([frame(CONTINUATION, b"a")], 1002),
    "a new message within one (5.4)": ([frame(TEXT, b"a", fin=False), frame(TEXT, b"b")], 1002),
    "a fragmented ping (5.5)": ([frame(PING, b"a", fin=False)], 1002),
    "a ping of 126 bytes (5.5)": ([frame(PING, b"a" * 126)], 1002),
    "a fragmented close (5.5)": ([frame(CLOSE, struct.pack(">H", 1000), fin=False)], 1002),
    "a close of one byte (5.5.1)": ([frame(CLOSE, b"a")], 1002),
    "text that is not UTF-8 (8.1)": ([frame(TEXT, b"\xc0\x80")], 1007),
    "a surrogate (8.1)": ([frame(TEXT, b"\xed\xa0\x80")], 1007),
    "above U+10FFFF (8.1)": ([frame(TEXT, b"\xf4\x90\x80\x80")], 1007),
    "text that ends within a character (8.1)": ([frame(TEXT, b"\xe2\x82")], 1007),
    "not UTF-8 in a later fragment (8.1)": ([frame(TEXT, b"ok", fin=False), frame(CONTINUATION, b"\xff")], 1007),
    "a reason that is not UTF-8 (8.1)": ([frame(CLOSE, struct.pack(">H", 1000) + b"\xff")], 1007),
    "a message above the limit (10.4)": ([frame(BINARY, b"x" * 100, length=(8, 2 << 20))], 1009),
    "fragments above the limit (10.4)": ([frame(BINARY, b"x" * 600000, fin=False),
                                          frame(CONTINUATION, b"x" * 600000)], 1009),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_malformed_closes(client, what):
    frames, code = MALFORMED[what]
    client.send(*frames)
    assert client.close_code() == code
    assert client.is_ended()


@pytest.mark.parametrize("length", [(2, 5), (8, 5), (8, 200), (8, 1 << 63)])
def test_lengths_that_are_not_the_shortest_end_the_connection(client, length):
    client.send(frame(BINARY, b"x" * 5, length=length))
    try:
        assert client.close_code() == 1002
    except EOFError:
        pass
    else:
        assert client.is_ended()


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 4999])
def test_closes_are_answered_with_their_code(client, code):
    client.send(frame(CLOSE, struct.pack(">H", code) + "fertig".encode()))
    assert client.close_code() == code
    assert client.is_ended()


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
def test_codes_that_must_not_be_sent(client, code):
    client.send(frame(CLOSE, struct.pack(">H", code)))
    assert client.close_code() == 1002
    assert client.is_ended()


def test_a_close_without_code(client):
    client.send(frame(CLOSE))
    assert client.close_code() is None
    assert client.is_ended()


def test_nothing_is_answered_after_a_close(client):
    client.send(frame(CLOSE, struct.pack(">H", 1000)), frame(TEXT, b"late"))
    assert client.close_code() == 1000
    assert client.is_ended()


def test_pings_are_answered_with_their_payload(client):
    for payload in (b"", b"x", bytes(range(125))):
        client.send(frame(PING, payload))
        assert client.next_message() == (PONG, payload)
    client.send(frame(PONG, b"unasked"), frame(TEXT, b"on"))
    assert client.next_message() == (TEXT, b"on")


# permessage-deflate (RFC 7692)

@pytest.mark.parametrize("offer, answer", [
    ("permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
    ("permessage-deflate; server_no_context_takeover; client_no_context_takeover",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"),
    ("permessage-deflate; client_max_window_bits",
     "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
    ("permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
     "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"),
    ("permessage-deflate; client_max_window_bits=8",
     "permessage-deflate; server_max_window_bits=12; client_max_window_bits=8"),
    ('permessage-deflate; server_max_window_bits="11"', "permessage-deflate; server_max_window_bits=11"),
    ("permessage-deflate; server_max_window_bits=8", None),
    ("permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
    ("permessage-deflate; server_max_window_bits=16", None),
    ("permessage-deflate; server_max_window_bits", None),
    ("permessage-deflate; unknown", None),
    ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
    ("permessage-deflate; server_no_context_takeover=1", None),
    ("x-unknown, permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
    ("x-webkit-deflate-frame", None),
])
def test_offers(server, offer, answer):
    with server.connect() as connection:
        assert Client(connection, extensions=offer).fields.get("sec-websocket-extensions") == answer


def test_compression_can_be_switched_off(start):
    server = start(site=ECHO, more="[http.websocket]\ncompression = false\n")
    with server.connect() as connection:
        assert "sec-websocket-extensions" not in Client(connection, extensions=DEFLATE).fields


@pytest.mark.parametrize("offer", [DEFLATE, f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover"])
def test_compressed_messages(server, offer):
    with server.connect() as connection:
        client = Client(connection, extensions=offer)
        for message in (b"a" * 100000, b"", "größer".encode() * 50, b"short", b"a" * 100000):
            client.send(frame(TEXT, deflate(message), rsv=RSV1))
            assert client.next_message() == (TEXT, message)
            if "no_context" in offer:
                client.inflater = None


def test_compressed_fragments(server):
    with server.connect() as connection:
        client = Client(connection, extensions=DEFLATE)
        payload = deflate(b"fragmented " * 1000)
        middle = len(payload) // 2
        client.send(frame(TEXT, payload[:middle], fin=False, rsv=RSV1), frame(PING, b"p"),
                    frame(CONTINUATION, payload[middle:]))
        assert client.next_message() == (PONG, b"p")
        assert client.next_message() == (TEXT, b"fragmented " * 1000)


@pytest.mark.parametrize("frames, code", [
    ([frame(TEXT, b"\xff\xff\xff\xff", rsv=RSV1)], 1007),
    ([frame(TEXT, deflate(b"\xff\xfe"), rsv=RSV1)], 1007),
    ([frame(PING, b"a", rsv=RSV1)], 1002),
    ([frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b", rsv=RSV1)], 1002),
    ([frame(BINARY, deflate(b"\0" * (64 << 20)), rsv=RSV1)], 1009),
])
def test_compressed_and_malformed(server, frames, code):
    with server.connect() as connection:
        client = Client(connection, extensions=DEFLATE)
        client.send(*frames)
        assert client.close_code() == code
        assert client.is_ended()


def test_a_window_smaller_than_the_librarys_is_read(server):
    with server.connect() as connection:
        client = Client(connection, extensions=f"{DEFLATE}; client_max_window_bits=8")
        message = b"abcd" * 50
        client.send(frame(TEXT, deflate(message, bits=9), rsv=RSV1))
        assert client.next_message() == (TEXT, message)


@pytest.mark.parametrize("secure", [False, True])
def test_what_a_client_reads_late_is_not_lost(start, secure):
    """Far more small messages than the queue holds, in reads that cross its limit: each is answered, in order."""
    server = start(site=ECHO, tls=secure)
    with server.connect(secure=secure) as connection:
        client = Client(connection)
        messages = [struct.pack(">I", i) + b"x" * (i % 50) for i in range(60_000)]
        sender = threading.Thread(target=client.send, args=[b"".join(frame(BINARY, message) for message in messages)])
        sender.start()
        time.sleep(0.5)  # so that the queue is full, and the client reads late
        assert [client.next_message()[1] for _ in messages] == messages
        sender.join()


# Attacks, and the end of things

def memory_kib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@pytest.mark.parametrize("flood", [frame(CONTINUATION, fin=False), frame(PING, b"x" * 125)])
def test_floods_end_the_connection(start, flood):
    """Empty fragments without end, and pings whose answers nobody reads."""
    server = start(site=ECHO, more="[http.websocket]\nmax_fragments = 1000\n[http.timeouts.send]\nidle = \"1s\"\n")
    with server.connect() as connection:
        client = Client(connection)
        before = memory_kib(server)
        client.send(frame(TEXT, fin=False))
        with pytest.raises(ConnectionError):
            end = time.monotonic() + 20
            while time.monotonic() < end:
                client.send(flood * 1000)
        assert memory_kib(server) - before < 8192


def test_a_client_that_does_not_read_is_not_read_either(start):
    server = start(site=ECHO, more='[http.timeouts.send]\nidle = "2s"\n')
    with server.connect() as connection:
        client = Client(connection)
        before = memory_kib(server)
        connection.settimeout(1)
        with pytest.raises((TimeoutError, ConnectionError)):
            for _ in range(2000):
                client.send(frame(BINARY, b"x" * 100000))
        assert memory_kib(server) - before < 32768
        until(lambda: "send-too-slow" in server.log(), "it is cut")


def test_silent_clients_are_pinged_and_cut(start):
    server = start(site=ECHO, more='[http.websocket]\nping_interval = "1s"\n')
    with server.connect() as connection:
        client = Client(connection)
        assert client.next_message() == (PING, b"")
        client.send(frame(PONG))
        assert client.next_message() == (PING, b"")
        assert client.is_ended()
    until(lambda: "cause=client-silent" in server.log(), "it is in the log")


def test_a_stop_says_good_bye(server):
    with server.connect() as connection:
        client = Client(connection)
        server.process.terminate()
        opcode, payload = client.next_message()
        assert opcode == CLOSE and struct.unpack(">H", payload[:2])[0] == 1001
        client.send(frame(CLOSE, payload))
        assert client.is_ended()
    assert server.process.wait(5) == 0


def stop_within_a_head(server, connection, rest):
    """Asks for /echo, while half of the request's head is with the server when it begins to stop."""
    connection.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\n")
    server.process.terminate()
    until(lambda: "stopping;" in server.log(), "it stops")
    connection.sendall(rest)


def test_one_that_opens_while_it_stops_is_told_as_well(server):
    with server.connect() as connection:
        stop_within_a_head(server, connection, b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                               b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                                               b"Sec-WebSocket-Version: 13\r\n\r\n")
        received = b""
        while b"\x88" not in received:
            received += (chunk := connection.recv(4096))
            assert chunk
        assert received.startswith(b"HTTP/1.1 101 ") and b"\x03\xe9" in received, "1001"
        connection.sendall(frame(CLOSE, b"\x03\xe9"))
    assert server.process.wait(5) == 0


def test_events_that_begin_while_it_stops_end_at_once(server):
    with server.connect() as connection:
        stop_within_a_head(server, connection, b"Accept: text/event-stream\r\n\r\n")
        received = b""
        while chunk := connection.recv(4096):
            received += chunk
        assert received.startswith(b"HTTP/1.1 200 ") and received.endswith(b"0\r\n\r\n")
    assert server.process.wait(5) == 0


def test_an_unclean_end(server):
    for cut in (b"", frame(TEXT, b"half")[:3], frame(TEXT, b"x", fin=False)):
        with server.connect() as connection:
            Client(connection).send(cut)
    until(lambda: server.log().count("GET /echo 101") == 3, "all have ended")


def test_a_real_client(server):
    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/echo") as socket:
            for message in ("hello", "x" * 200000, b"\0\1" * 5000, ""):
                await socket.send(message)
                assert await socket.recv() == message
            await (await socket.ping())
    asyncio.run(talk())


def test_events(server):
    with server.connect() as connection:
        connection.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nLast-Event-ID: 41\r\n\r\n")
        received = b""
        while b"data: 43" not in received:
            received += connection.recv(4096)
        assert b"content-type: text/event-stream" in received and b"id: 42\nevent: second\ndata: 42\n\n" in received
        threading.Timer(0.2, server.process.terminate).start()
        while chunk := connection.recv(4096):
            received += chunk
        assert received.endswith(b"0\r\n\r\n"), "the stream ends in order, so that the client comes back"
