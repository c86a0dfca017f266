# SPDX-License-Identifier: Apache-2.0
"""Each MUST of RFC 9113 section 8 on requests, and of RFC 7541 (HPACK), that a client can break. A malformed request is reset
with PROTOCOL_ERROR, or answered where it is well-formed HTTP/2 and wrong HTTP; a head that cannot be decoded ends the
connection."""

import pytest

from h2_client import (COMPRESSION_ERROR, CONTINUATION, END_HEADERS, HEADERS, PROTOCOL_ERROR, Client, data, field, frame,
                       get, headers, integer, request, text)

FILES = {"index.html": "<p>hello</p>\n"}


@pytest.fixture(scope="module")
def server(start_for_module):
    return start_for_module(files=FILES, site='echo = "/echo"', more="[http.limits]\nmax_head = \"4K\"\n")


def without(name):
    return request(**{name: None})


def with_fields(*fields):
    return [*request(), *fields]


def post(stream, *fields):
    return headers(stream, *request("POST"), *fields, end=False)


CONNECT = dict(method="CONNECT", path=None, scheme=None)
WEBSOCKET = dict(method="CONNECT", path="/echo", protocol="websocket")

MALFORMED = {
    # 8.2: fields
    "8.2.1: a name in upper case": with_fields(("X-Upper", "a")),
    "8.2.1: one letter in upper case": with_fields(("x-uppeR", "a")),
    **{f"8.2.1: {octet:#04x} in a name": with_fields((b"x-" + bytes([octet]), "a"))
       for octet in (0x00, 0x0a, 0x0d, 0x20, 0x22, 0x3a, 0x7f, 0x80, 0xff)},
    "8.2.1: an empty name": with_fields(("", "a")),
    **{f"8.2.1: {octet:#04x} in a value": with_fields(("x-value", b"a" + bytes([octet]) + b"b"))
       for octet in (0x00, 0x0a, 0x0d)},
    "8.2.1: a value that begins with a space": with_fields(("x-value", " a")),
    "8.2.1: a value that begins with a tab": with_fields(("x-value", "\ta")),
    "8.2.1: a value that ends with a space": with_fields(("x-value", "a ")),
    "8.2.1: a value that ends with a tab": with_fields(("x-value", "a\t")),
    "8.2.2: Connection": with_fields(("connection", "close")),
    "8.2.2: Keep-Alive": with_fields(("keep-alive", "timeout=5")),
    "8.2.2: Proxy-Connection": with_fields(("proxy-connection", "keep-alive")),
    "8.2.2: Transfer-Encoding": with_fields(("transfer-encoding", "chunked")),
    "8.2.2: Upgrade": with_fields(("upgrade", "websocket")),
    "8.2.2: TE other than trailers": with_fields(("te", "gzip")),
    "8.2.2: TE with more than trailers": with_fields(("te", "trailers, gzip")),

    # 8.3: pseudo-fields
    "8.3: one after a field": [*request(path=None), ("a", "b"), (":path", "/")],
    "8.3: one that is unknown": [*request(), (":unknown", "a")],
    "8.3: one without a name": [*request(), (":", "a")],
    "8.3: the one of responses": [*request(), (":status", "200")],
    "8.3.1: no :method": without("method"),
    "8.3.1: no :scheme": without("scheme"),
    "8.3.1: no :path": without("path"),
    "8.3.1: nothing at all": [],
    "8.3.1: two :method": [(":method", "GET"), *request()],
    "8.3.1: two :scheme": [(":scheme", "http"), *request()],
    "8.3.1: two :authority": [(":authority", "localhost"), *request()],
    "8.3.1: two :path": [(":path", "/"), *request()],
    "8.3.1: an empty :path": request(path=""),
    "8.3.1: an empty :method": request(method=""),
    "8.3.1: a method with a space": request(method="GET /"),
    "8.3.1: a method with a line's end": request(method="GET\r\n"),
    "8.3.1: a path without its slash": request(path="index.html"),
    "8.3.1: a path with a line's end": request(path="/\r\nx: y"),
    "8.3.1: * with another method than OPTIONS": request(path="*"),
    "8.3.1: an authority with a line's end": request(authority="localhost\r\nx: y"),
    "8.3.1: neither :authority nor Host": without("authority"),
    "8.3.1: two Hosts": [*without("authority"), ("host", "localhost"), ("host", "localhost")],
    "8.3.1: an authority with a space": request(authority="local host"),
    "8.3.1: an empty scheme": request(scheme=""),

    # 8.5: CONNECT; RFC 8441
    "8.5: CONNECT with a :scheme": request(**CONNECT | {"scheme": "http"}),
    "8.5: CONNECT with a :path": request(**CONNECT | {"path": "/"}),
    "8.5: CONNECT without an :authority": request(**CONNECT | {"authority": None}),
    "RFC 8441 4: :protocol with another method": request(protocol="websocket"),
    "RFC 8441 4: extended CONNECT without a :path": request(**WEBSOCKET | {"path": None}),
    "RFC 8441 4: extended CONNECT without a :scheme": request(**WEBSOCKET | {"scheme": None}),
    "RFC 8441 4: extended CONNECT without an :authority": request(**WEBSOCKET | {"authority": None}),
    "RFC 8441 4: two :protocol": [*request(**WEBSOCKET), (":protocol", "websocket")],
}


@pytest.mark.parametrize("clause", MALFORMED)
def test_a_malformed_head(server, clause):
    with server.connect() as connection:
        client = Client(connection)
        client.send(headers(1, *MALFORMED[clause]))
        assert client.reset_code(1) == PROTOCOL_ERROR
        assert client.is_answering(3)


WRONG = {
    "8.3.1: Host and :authority differ": (with_fields(("host", "other.example")), 400),
    "8.3.1: user information in the :authority": (request(authority="user@localhost"), 400),
    "8.3.1: Host alone": ([*without("authority"), ("host", "localhost")], 200),
    "8.3.1: a * of OPTIONS": (request("OPTIONS", "*"), 204),
    "8.2.2: TE: trailers": (with_fields(("te", "trailers")), 200),
    "8.2.3: cookies one by one": (with_fields(("cookie", "a=b"), ("cookie", "c=d"), ("x", "y"), ("cookie", "e=f")), 200),
    "8.2.1: a value with octets above 0x7f, and a tab within": (with_fields(("x", b"gr\xc3\xb6\xdf\ter")), 200),
    "8.2.1: an empty value": (with_fields(("x", "")), 200),
    "8.5: CONNECT": (request(**CONNECT), 405),
    "RFC 8441 4: a :protocol that is unknown": (request(**WEBSOCKET | {"protocol": "gopher"}), 426),
    "9110 9.1: a method that is unknown": (request("BREW"), 501),
    "9110 10.1.1: an expectation that is unknown": (with_fields(("expect", "the-unexpected")), 417),
    "6.5.2: a head above the limit": (with_fields(("x", "y" * 5000)), 431),
    "6.5.2: too many fields": (with_fields(*[(f"x-{i}", "") for i in range(101)]), 431),
}


@pytest.mark.parametrize("clause", WRONG)
def test_a_head_that_is_answered(server, clause):
    fields, status = WRONG[clause]
    with server.connect() as connection:
        client = Client(connection)
        client.send(headers(1, *fields))
        answer = client.response(1)
        if answer.reset == PROTOCOL_ERROR:  # as newer libraries do before we see it
            assert clause == "8.3.1: user information in the :authority"
        else:
            assert answer.status == status
        assert client.is_answering(3)


BODIES = {
    "8.1.1: less than Content-Length": post(1, ("content-length", "5")) + data(1, b"1234"),
    "8.1.1: more than Content-Length": post(1, ("content-length", "3")) + data(1, b"1234"),
    "8.1.1: none at all": headers(1, *request("POST"), ("content-length", "5")),
    "8.1.1: one where there should be none": post(1, ("content-length", "0")) + data(1, b"1"),
    "8.1.1: two Content-Lengths": post(1, ("content-length", "3"), ("content-length", "3")) + data(1, b"123"),
    "8.1.1: a Content-Length that is no number": post(1, ("content-length", "3x")) + data(1, b"123"),
    "8.1.1: a Content-Length below zero": post(1, ("content-length", "-1")) + data(1, b""),
    "8.1.1: a Content-Length beyond all bounds": post(1, ("content-length", "9" * 30)) + data(1, b""),
    "8.1: a head after the body that does not end": post(1) + data(1, b"1", end=False) +
                                                    headers(1, ("a", "b"), end=False),
    "8.1: trailers with a pseudo-field": post(1) + data(1, b"1", end=False) + headers(1, (":method", "GET")),
    "8.2.1: trailers in upper case": post(1) + data(1, b"1", end=False) + headers(1, ("A", "b")),
    "8.2.2: Connection in trailers": post(1) + data(1, b"1", end=False) + headers(1, ("connection", "close")),
}


@pytest.mark.parametrize("clause", BODIES)
def test_a_malformed_body(server, clause):
    """Sent at once, so that the server has not answered yet when it sees the fault."""
    with server.connect() as connection:
        client = Client(connection)
        client.send(BODIES[clause])
        response = client.response(1)
        code = client.reset_code(1) if response.reset is None else response.reset
        assert code == PROTOCOL_ERROR
        assert client.is_answering(3)


def test_trailers(server):
    with server.connect() as connection:
        client = Client(connection)
        client.send(post(1), data(1, b"abc", end=False), headers(1, ("x-checksum", "abc")))
        assert client.response(1).status == 405
        assert client.is_answering(3)


# HPACK

GET = [*request(path="/")]
STATIC_GET = b"\x82\x86\x84" + field(":authority", "localhost")


def huffman(octets, length=None):
    return integer(len(octets) if length is None else length, 7, 0x80) + octets


def raw(block):
    return frame(HEADERS, END_HEADERS | 1, 1, block)


UNDECODABLE = {
    "2.3.3: index 0": STATIC_GET + b"\x80",
    "2.3.3: an index beyond the static table, the dynamic one being empty": STATIC_GET + integer(62, 7, 0x80),
    "2.3.3: an index beyond the dynamic table": STATIC_GET + field("a", "b", indexed=True) + integer(63, 7, 0x80),
    "2.3.3: a name's index beyond the tables": STATIC_GET + integer(70, 6, 0x40) + text("a"),
    "2.3.3: a name's index beyond the tables, never indexed": STATIC_GET + integer(70, 4, 0x10) + text("a"),
    "5.1: an integer that overflows": STATIC_GET + b"\xff" + b"\xff" * 10 + b"\x01",
    "5.1: an integer of many zeros": STATIC_GET + b"\xff" + b"\x80" * 30 + b"\x00",
    "5.1: an integer that does not end": STATIC_GET + b"\xff\x80",
    "5.1: a length that overflows": STATIC_GET + b"\x00\x7f" + b"\xff" * 10 + b"\x01",
    "5.2: a string longer than the block": STATIC_GET + b"\x00\x05abc",
    "5.2: a value longer than the block": STATIC_GET + b"\x00\x01a\x05abc",
    "5.2: no value": STATIC_GET + b"\x00\x01a",
    "5.2: Huffman padding of zeros": STATIC_GET + b"\x00" + huffman(b"\x18") + text("b"),
    "5.2: Huffman padding of a whole octet": STATIC_GET + b"\x00" + huffman(b"\x1f\xff") + text("b"),
    "5.2: Huffman's end of string": STATIC_GET + b"\x00" + text("a") + huffman(b"\xff\xff\xff\xff"),
    "5.2: a code that is cut off": STATIC_GET + b"\x00" + text("a") + huffman(b"\xfe"),
    "4.2: a table larger than was allowed": integer(4097, 5, 0x20) + STATIC_GET,
    "4.2: the largest table there can be": integer(0xffffffff, 5, 0x20) + STATIC_GET,
    "4.2: a table's size after a field": STATIC_GET + integer(0, 5, 0x20),
    "4.2: a table's size between fields": b"\x82" + integer(0, 5, 0x20) + STATIC_GET[1:],
}


@pytest.mark.parametrize("clause", UNDECODABLE)
def test_a_head_that_cannot_be_decoded(server, clause):
    with server.connect() as connection:
        client = Client(connection)
        client.send(raw(UNDECODABLE[clause]))
        assert client.goaway_code() == COMPRESSION_ERROR
    with server.connect() as connection:
        assert Client(connection).is_answering(1)


@pytest.mark.parametrize("clause", [clause for clause in UNDECODABLE if clause.startswith(("2.3.3", "4.2: a table"))])
def test_trailers_and_dropped_heads_are_decoded_too(server, clause):
    """4.3: the tables are the connection's, whatever becomes of the stream."""
    for begin in (post(1), post(1) + data(1, b"", end=False)):
        with server.connect() as connection:
            client = Client(connection)
            client.send(begin, frame(HEADERS, END_HEADERS | 1, 1, UNDECODABLE[clause]))
            assert client.goaway_code() == COMPRESSION_ERROR


DECODABLE = {
    "2.3.1: the static table": STATIC_GET,
    "4.2: a smaller table, and back": integer(0, 5, 0x20) + integer(4096, 5, 0x20) + STATIC_GET,
    "4.4: a field larger than the table empties it": STATIC_GET + field("a", "b" * 3500, indexed=True),
    "5.1: an integer with a zero too many": STATIC_GET + b"\x00\x01a\x7f\x80\x00" + b"b" * 127,
    "5.2: an empty Huffman string": STATIC_GET + b"\x00" + text("a") + huffman(b""),
    "6.2.3: never indexed": STATIC_GET + b"\x10" + text("authorization") + text("secret"),
}


@pytest.mark.parametrize("clause", DECODABLE)
def test_a_head_that_can_be_decoded(server, clause):
    with server.connect() as connection:
        client = Client(connection)
        client.send(raw(DECODABLE[clause]))
        assert client.response(1).status == 200
        assert client.is_answering(3)


def test_the_table_lasts_over_streams(server):
    """2.3.2: :path of the first request is the newest entry in the second."""
    with server.connect() as connection:
        client = Client(connection)
        start = b"\x82\x86" + field(":authority", "localhost", indexed=True)
        client.send(frame(HEADERS, END_HEADERS | 1, 1, start + field(":path", "/none", indexed=True)),
                    frame(HEADERS, END_HEADERS | 1, 3, b"\x82\x86" + b"\xbf" + b"\xbe"))
        assert [response.status for response in client.responses(1, 3)] == [404, 404]


def test_evicted_entries_are_gone(server):
    """4.3: a table of nothing holds nothing."""
    with server.connect() as connection:
        client = Client(connection)
        client.send(raw(STATIC_GET + field("a", "b", indexed=True)),
                    frame(HEADERS, END_HEADERS | 1, 3, integer(0, 5, 0x20) + STATIC_GET + b"\xbe"))
        assert client.goaway_code() == COMPRESSION_ERROR


def test_a_refused_request_still_feeds_the_table(server):
    with server.connect() as connection:
        client = Client(connection)
        client.send(headers(1, *GET, ("X-UPPER", "a"), field("x-kept", "kept", indexed=True)),
                    frame(HEADERS, END_HEADERS | 1, 3, STATIC_GET + b"\xbe"))
        first, second = client.responses(1, 3)
        assert (first.reset, second.status) == (PROTOCOL_ERROR, 200)


def test_a_head_one_octet_a_frame_is_an_attack(server):
    """10.5: the head is small, its frames are many."""
    with server.connect() as connection:
        client = Client(connection)
        head = STATIC_GET
        client.send(frame(HEADERS, 1, 1, head[:1]), *[frame(CONTINUATION, 0, 1, head[i:i + 1]) for i in range(1, len(head))])
        assert client.goaway_code() is not None
