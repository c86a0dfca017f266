# SPDX-License-Identifier: Apache-2.0
"""A client of the load (load_client.py) that keeps several requests of one HTTP/2 connection under way.

Frames are read by hand: python3-h2 takes a GOAWAY for the end, while the requests that it lets through are answered
yet. A request is lost when a GOAWAY let it through, or none came, and its whole answer did not; or when its stream was
reset, unless as refused, which says that it was not looked at (RFC 9113 sections 6.8 and 8.7).
"""

import random
import ssl

import h2_client
from load_client import Connection, Lost

STREAMS = 5
REQUESTS_ON_ONE_CONNECTION = 100
EVERY_STREAM = (1 << 31) - 1


class Load:
    """One connection with its requests."""

    def __init__(self, url, counts, expected):
        self.connection = Connection(url, "h2")
        self.client = h2_client.Client(self.connection.stream)
        self.counts = counts
        self.expected = expected  # an answer, once one is known
        self.pending = {}
        self.next = 1
        self.left = random.randint(STREAMS, REQUESTS_ON_ONE_CONNECTION)
        self.last = EVERY_STREAM  # that will be answered

    def ask(self):
        while self.left > 0 and len(self.pending) < STREAMS and self.last == EVERY_STREAM:
            url = self.connection.url
            stream, self.next = self.next, self.next + 2
            self.left -= 1
            self.pending[stream] = bytearray()
            try:
                self.client.send(h2_client.get(stream, url.path, scheme=url.scheme, authority=url.hostname))
            except (BrokenPipeError, ssl.SSLEOFError):
                self.left = 0  # the server has gone: what it said before, a GOAWAY perhaps, is yet to be read

    def receive(self):
        frame = self.client.next_frame()
        if frame.kind == h2_client.HEADERS:
            status = dict(self.client.decoder.decode(frame.payload))[":status"]
            if status != "200":
                raise Lost("wrong", f"status {status}")
        elif frame.kind == h2_client.DATA and frame.stream in self.pending:
            self.pending[frame.stream] += frame.payload
        elif frame.kind == h2_client.GOAWAY:
            self.last = frame.last_stream
            self.pending = {stream: body for stream, body in self.pending.items() if stream <= self.last}
        elif frame.kind == h2_client.RST_STREAM and frame.stream in self.pending:
            del self.pending[frame.stream]
            if frame.code != h2_client.REFUSED_STREAM:
                self.counts.lose(Lost("reset", f"stream {frame.stream} with code {frame.code}"))
        if frame.kind in (h2_client.HEADERS, h2_client.DATA) and frame.flags & h2_client.END_STREAM:
            self.take_answer(bytes(self.pending.pop(frame.stream)))

    def take_answer(self, body):
        self.expected = self.expected or body
        if body != self.expected:
            raise Lost("wrong", f"{len(body)} bytes")
        self.counts.add("streams")

    def run(self, stop, pause):
        """Until its requests are used up, the server has ended it in order, or a request is lost."""
        try:
            while not (stop.is_set() and self.left == 0):
                if stop.is_set():
                    self.left = 0
                self.ask()
                if not self.pending:
                    return
                self.receive()
                stop.wait(pause)
        except TimeoutError as error:
            self.lose_all("unanswered", error)
        except (EOFError, OSError) as error:
            self.lose_all("cut" if any(self.pending.values()) else "reset", error)
        except Lost as lost:
            self.counts.lose(lost)
        finally:
            self.connection.close()

    def lose_all(self, kind, error):
        for stream in self.pending:
            self.counts.lose(Lost(kind, f"stream {stream}: {type(error).__name__} {error}"))


def ask_forever(url, counts, stop, pause=0):
    expected = None
    while not stop.is_set():
        try:
            load = Load(url, counts, expected)
            counts.add("connections")
            load.run(stop, pause)
            expected = load.expected
        except Lost as lost:
            counts.lose(lost)
