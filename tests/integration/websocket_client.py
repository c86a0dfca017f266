# SPDX-License-Identifier: Apache-2.0
"""WebSocket frames by hand, right or wrong (RFC 6455 section 5), for what a well-behaved library would not send."""

import base64
import hashlib
import os
import struct
import zlib

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
RSV1 = 0x40


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None):
    """`length` replaces the payload's in the head: (bytes of the field, value) for what is not the shortest form."""
    head = bytes([(0x80 if fin else 0) | rsv | opcode])
    mask_bit = 0x80 if masked else 0
    size = len(payload)
    if length:
        width, value = length
        head += bytes([mask_bit | (126 if width == 2 else 127)]) + value.to_bytes(width, "big")
    elif size < 126:
        head += bytes([mask_bit | size])
    elif size < 65536:
        head += bytes([mask_bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def deflate(message, bits=15):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -bits)
    return (compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Client:
    def __init__(self, connection, path="/echo", extensions=None, fields=()):
        self.connection = connection
        self.received = b""
        self.inflater = None
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *fields]
        if extensions:
            lines.append(f"Sec-WebSocket-Extensions: {extensions}")
        self.connection.sendall("\r\n".join(lines + ["", ""]).encode())
        while b"\r\n\r\n" not in self.received:
            self._receive()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        if self.status == 101:
            digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            assert self.fields["sec-websocket-accept"] == base64.b64encode(digest).decode()

    def _receive(self):
        chunk = self.connection.recv(65536)
        if not chunk:
            raise EOFError
        self.received += chunk

    def _take(self, size):
        while len(self.received) < size:
            self._receive()
        taken, self.received = self.received[:size], self.received[size:]
        return taken

    def send(self, *frames):
        self.connection.sendall(b"".join(frames))

    def next_frame(self):
        """(opcode, payload, fin, rsv) of what the server sends next."""
        first, second = self._take(2)
        assert not second & 0x80, "a server must not mask (section 5.1)"
        size = second & 0x7f
        if size == 126:
            size, = struct.unpack(">H", self._take(2))
            assert size > 125
        elif size == 127:
            size, = struct.unpack(">Q", self._take(8))
            assert size > 65535
        return first & 0x0f, self._take(size), bool(first & 0x80), first & 0x70

    def next_message(self):
        """(opcode, message), expanded."""
        opcode, payload, fin, rsv = self.next_frame()
        while not fin:
            more_opcode, more, fin, _ = self.next_frame()
            assert more_opcode == CONTINUATION
            payload += more
        if rsv & RSV1:
            self.inflater = self.inflater or zlib.decompressobj(-15)
            payload = self.inflater.decompress(payload + b"\0\0\xff\xff")
        return opcode, payload

    def close_code(self):
        """The code of the server's close, after which it must end the connection; None for a close without one."""
        opcode, payload = self.next_message()
        assert opcode == CLOSE, (opcode, payload[:50])
        return struct.unpack(">H", payload[:2])[0] if payload else None

    def is_ended(self):
        try:
            self._receive()
        except (EOFError, ConnectionError):
            return True
        return False
