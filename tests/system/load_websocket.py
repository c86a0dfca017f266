# SPDX-License-Identifier: Apache-2.0
"""A client of the load (load_client.py) that says something at an echo endpoint and waits until it comes back.

A WebSocket is lost when its connection ends without a close frame, or when something else comes back. One that the
server closes in order, since it is being stopped, is opened again.
"""

import base64
import os

import websocket_client
from load_client import Connection, Lost

GOING_AWAY = 1001


class Closed(Exception):
    """The server has closed the WebSocket, in order."""


class Talk:
    def __init__(self, url):
        self.connection = Connection(url)
        self.received = bytearray()
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection.stream.sendall(
            f"GET {self.connection.url.path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        while b"\r\n\r\n" not in self.received:
            self.connection.more(self.received)
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        self.received = bytearray(rest)
        if not head.startswith(b"HTTP/1.1 101 "):
            raise Lost("wrong", head.partition(b"\r\n")[0].decode())

    def take(self, length):
        while len(self.received) < length:
            self.connection.more(self.received)
        taken = bytes(self.received[:length])
        del self.received[:length]
        return taken

    def say(self, message):
        """Sends a short text and waits for it. Pings are answered."""
        self.connection.stream.sendall(websocket_client.frame(websocket_client.TEXT, message))
        while True:
            opcode, length = self.take(2)
            payload = self.take(length)
            if opcode & 15 == websocket_client.CLOSE:
                code = int.from_bytes(payload[:2], "big")
                if code != GOING_AWAY:
                    raise Lost("wrong", f"closed with {code}")
                self.connection.stream.sendall(websocket_client.frame(websocket_client.CLOSE, payload[:2]))
                raise Closed
            if opcode & 15 == websocket_client.TEXT:
                if payload != message:
                    raise Lost("wrong", f"{payload} came back for {message}")
                return
            self.connection.stream.sendall(websocket_client.frame(websocket_client.PONG, payload))


def talk_forever(url, counts, stop, pause=0):
    talk = None
    number = 0
    while not stop.is_set():
        try:
            if talk is None:
                talk = Talk(url)
                counts.add("connections")
            number += 1
            talk.say(b"message %d" % number)
            counts.add("echoes")
            stop.wait(pause)
            continue
        except Closed:
            counts.add("websockets_closed")
        except Lost as lost:
            counts.lose(lost)
        except TimeoutError as error:
            counts.lose(Lost("unanswered", str(error)))
        except (EOFError, OSError) as error:
            counts.lose(Lost("cut", f"after {number} messages: {error}"))
        if talk is not None:
            talk.connection.close()
            talk = None
    if talk is not None:
        talk.connection.close()
