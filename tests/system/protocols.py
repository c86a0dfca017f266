# SPDX-License-Identifier: Apache-2.0
"""Connections from this host to the server in the machine, by HTTP/2 and as WebSockets."""

import ssl

import h2.config
import h2.connection
import h2.events
from server import CERTIFICATE

UPGRADE = (b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def trusting(server, *protocols):
    """What a client of this host needs to believe the server."""
    context = ssl.create_default_context(cadata=server.machine.get(CERTIFICATE).decode())
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


class Http2:
    """A connection of python3-h2 over TLS."""

    def __init__(self, server):
        context = trusting(server, "h2")
        self.stream = context.wrap_socket(server.machine.connect(443), server_hostname="localhost")
        assert self.stream.selected_alpn_protocol() == "h2"
        self.http2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.http2.initiate_connection()
        self.bodies, self.heads, self.ended = {}, {}, set()

    def request(self, path):
        stream = self.http2.get_next_available_stream_id()
        self.http2.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                                         (":path", path)], end_stream=True)
        return stream

    def receive(self):
        self.stream.sendall(self.http2.data_to_send())
        data = self.stream.recv(65536)
        assert data, "the server closed the connection"
        for event in self.http2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.heads[event.stream_id] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.bodies.setdefault(event.stream_id, bytearray()).extend(event.data)
                self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event
        self.stream.sendall(self.http2.data_to_send())

    def get(self, path):
        """The whole body."""
        stream = self.request(path)
        while stream not in self.ended:
            self.receive()
        return bytes(self.bodies[stream])

    def close(self):
        self.stream.close()


def open_websocket(server):
    """A WebSocket at the echo endpoint, for what comes and goes by hand."""
    connection = server.machine.connect(80)
    connection.sendall(UPGRADE)
    assert connection.recv(4096).startswith(b"HTTP/1.1 101 ")
    return connection
