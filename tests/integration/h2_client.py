# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frames by hand, right or wrong (RFC 9113), for what a well-behaved library would not send."""

import struct
from dataclasses import dataclass

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 16

END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITIZED = 0x4, 0x8, 0x20

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)

(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE,
 ENABLE_CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES) = (1, 2, 3, 4, 5, 6, 8, 9)

WINDOW = 65535  # where every window begins
FRAME_MAX = 16384  # what a frame's payload may have as long as nobody allowed more


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """`length` replaces the payload's in the head."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*entries):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *entry) for entry in entries))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def data(stream, payload=b"", end=True):
    """In as many frames as it takes."""
    pieces = [payload[i:i + FRAME_MAX] for i in range(0, len(payload), FRAME_MAX)] or [b""]
    return b"".join(frame(DATA, END_STREAM if end and piece is pieces[-1] else 0, stream, piece) for piece in pieces)


# HPACK (RFC 7541), plainly: no Huffman code, no table.

def integer(value, bits, first=0):
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    encoded, value = bytearray([first | most]), value - most
    while value >= 128:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes(encoded + bytes([value]))


def text(value):
    value = value.encode("latin-1") if isinstance(value, str) else value
    return integer(len(value), 7) + value


def field(name, value, indexed=False):
    """A literal with a literal name (section 6.2)."""
    return (b"\x40" if indexed else b"\0") + text(name) + text(value)


def block(*fields):
    """Fields, given as pairs, or as bytes that are taken as they are."""
    return b"".join(item if isinstance(item, bytes) else field(*item) for item in fields)


def request(method="GET", path="/", scheme="http", authority="localhost", **pseudo):
    """A request's pseudo-fields as pairs; one that is None is left out."""
    fields = {"method": method, "scheme": scheme, "authority": authority, "path": path, **pseudo}
    return [(f":{name}", value) for name, value in fields.items() if value is not None]


def headers(stream, *fields, end=True, more=False):
    flags = (END_STREAM if end else 0) | (0 if more else END_HEADERS)
    return frame(HEADERS, flags, stream, block(*fields))


def get(stream, path="/", *fields, **pseudo):
    return headers(stream, *request(path=path, **pseudo), *fields)


@dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self):
        """The error of a RST_STREAM or GOAWAY."""
        return struct.unpack_from(">I", self.payload, 4 if self.kind == GOAWAY else 0)[0]

    @property
    def last_stream(self):
        return struct.unpack_from(">I", self.payload)[0] & 0x7fffffff


class Response:
    def __init__(self):
        self.informational, self.fields, self.trailers, self.body, self.reset = [], None, None, b"", None

    @property
    def status(self):
        return int(self.fields[":status"])


class Client:
    """A connection. Acknowledges settings and opens windows as it reads, unless told otherwise; a silent one sends nothing of itself."""

    def __init__(self, connection, *entries, preface=PREFACE, opens_windows=True, silent=False):
        self.connection, self.opens_windows, self.silent = connection, opens_windows and not silent, silent
        self.received, self.decoder = b"", hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 24
        self.settings = {}
        if preface is not None:
            self.send(preface, settings(*entries))

    def send(self, *parts):
        self.connection.sendall(b"".join(parts))

    def _take(self, length):
        while len(self.received) < length:
            chunk = self.connection.recv(262144)
            if not chunk:
                raise EOFError
            self.received += chunk
        taken, self.received = self.received[:length], self.received[length:]
        return taken

    def next_frame(self):
        head = self._take(9)
        length, (kind, flags, stream) = int.from_bytes(head[:3], "big"), struct.unpack(">BBI", head[3:])
        taken = Frame(kind, flags, stream, self._take(length))
        assert length <= FRAME_MAX, "a frame larger than was allowed (4.2)"
        if kind == SETTINGS and not flags & ACK:
            self.settings.update(struct.iter_unpack(">HI", taken.payload))
            self.send(b"" if self.silent else frame(SETTINGS, ACK))
        if kind == DATA and self.opens_windows and length > 0:
            self.send(window_update(0, length), b"" if flags & END_STREAM else window_update(stream, length))
        return taken

    def next_of(self, *kinds):
        """The next frame of one of these kinds; others are passed over, heads decoded all the same."""
        while (taken := self.next_frame()).kind not in kinds:
            if taken.kind in (HEADERS, CONTINUATION):
                self.decoder.decode(taken.payload)
        return taken

    def _take_head(self, first, response):
        payload = first.payload
        while not first.flags & END_HEADERS:
            first = self.next_frame()
            assert first.kind == CONTINUATION, "a head is not interrupted (4.3)"
            payload += first.payload
        fields = self.decoder.decode(payload)
        if response.fields is None and dict(fields)[":status"].startswith("1"):
            response.informational.append(dict(fields))
        elif response.fields is None:
            response.fields = dict(fields)
        else:
            response.trailers = dict(fields)

    def responses(self, *streams):
        """Reads until each of these streams is answered or reset."""
        found, open_streams = {stream: Response() for stream in streams}, set(streams)
        while open_streams:
            taken = self.next_frame()
            assert taken.kind != GOAWAY or taken.code == NO_ERROR, f"the connection ended: {taken}"
            if taken.stream not in found:
                if taken.kind == HEADERS:
                    self._take_head(taken, Response())
                continue
            response = found[taken.stream]
            if taken.kind == HEADERS:
                self._take_head(taken, response)
            elif taken.kind == DATA:
                response.body += taken.payload
            elif taken.kind == RST_STREAM:
                response.reset = taken.code
            if taken.kind == RST_STREAM or (taken.kind in (DATA, HEADERS) and taken.flags & END_STREAM):
                open_streams.discard(taken.stream)
        return [found[stream] for stream in streams]

    def response(self, stream):
        return self.responses(stream)[0]

    def reset_code(self, stream):
        """The code that the server resets this stream with."""
        while (taken := self.next_of(RST_STREAM, GOAWAY)).stream != stream or taken.kind == GOAWAY:
            assert taken.kind != GOAWAY, f"the connection ended: {taken}"
        return taken.code

    def goaway_code(self):
        """The code that the server ends the connection with, once it did; None for an end without a word."""
        code = None
        try:
            while True:
                code = self.next_of(GOAWAY).code
        except (EOFError, ConnectionError):
            return code

    def synchronize(self):
        """Returns when the server has taken all that was sent before."""
        self.send(frame(PING, payload=b"synchron"))
        while (taken := self.next_of(PING, GOAWAY)).kind != PING or not taken.flags & ACK:
            assert taken.kind != GOAWAY, f"the connection ended: {taken}"
        assert taken.payload == b"synchron"

    def is_answering(self, stream):
        """Whether a further request on this connection is served."""
        self.send(get(stream))
        return self.response(stream).status == 200
