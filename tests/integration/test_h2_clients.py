# SPDX-License-Identifier: Apache-2.0
"""Real HTTP/2 clients against the real daemon, over TLS and in clear text."""

import shutil
import socket
import ssl
import struct
import subprocess
import time

import h2.config
import h2.connection
import h2.events
import pytest

import websocket_client
from daemon import until
from h2_client import (DATA, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, NO_ERROR, PREFACE, REFUSED_STREAM,
                       RST_STREAM, SETTINGS, Client, frame, get, headers, request, reset, window_update)

FILES = {"index.html": "<p>hello</p>\n", "a.txt": "0123456789", "big": bytes(range(256)) * 12000}


@pytest.fixture(scope="module")
def server(start_for_module):
    return start_for_module(files=FILES, tls=True, site='echo = "/echo"')


def curl(server, *words, path="/a.txt", secure=True):
    base = f"https://localhost:{server.https_port}" if secure else f"http://localhost:{server.port}"
    done = subprocess.run(["curl", "-sS", "--cacert", server.folder / "test.pem", "-w", "\n%{http_version} %{http_code}",
                           *words, base + path], capture_output=True, check=True)
    body, _, last = done.stdout.rpartition(b"\n")
    return body, last.decode()


def test_curl_chooses_it_by_alpn(server):
    assert curl(server) == (b"0123456789", "2 200")
    assert curl(server, "--http1.1") == (b"0123456789", "1.1 200")


def test_curl_in_clear_text_by_prior_knowledge(server):
    assert curl(server, "--http2-prior-knowledge", secure=False) == (b"0123456789", "2 200")


def test_an_upgrade_to_h2c_is_ignored(server):
    """RFC 9113 3.1: the upgrade is no more; the request is answered in HTTP/1.1."""
    assert curl(server, "--http2", secure=False) == (b"0123456789", "1.1 200")


def test_curl_uploads_to_what_takes_no_upload(server):
    body, last = curl(server, "--data-binary", f"@{server.root}/big")
    assert last == "2 405" and b"method-not-allowed" in body


@pytest.mark.parametrize("words, status", [
    (["-I"], "2 200"),
    (["-r", "2-4"], "2 206"),
    (["-H", "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT"], "2 304"),
    (["-H", "Expect: 100-continue"], "2 200"),
    (["-X", "OPTIONS"], "2 204"),
])
def test_curl_asks_for_more_than_files(server, words, status):
    body, last = curl(server, *words)
    assert last == status
    assert body == (b"234" if "-r" in words else b"0123456789" if "-H" in words and status == "2 200" else body)


def test_curl_gets_a_large_file_whole(server):
    assert curl(server, path="/big") == (FILES["big"], "2 200")


def test_it_can_be_switched_off(start):
    server = start(files=FILES, tls=True, more="[http.http2]\nenabled = false\n")
    assert curl(server) == (b"0123456789", "1.1 200")
    with server.connect() as connection:
        client = Client(connection)
        assert client.connection.recv(100).startswith(b"HTTP/1.1 505")


@pytest.mark.skipif(not shutil.which("nghttp"), reason="nghttp2-client is not installed")
def test_nghttp_gets_many_at_once(server):
    base = f"https://localhost:{server.https_port}"
    out = subprocess.run(["nghttp", "-n", "-s", "--no-verify-peer", "-m", "20", base + "/", base + "/a.txt", base + "/big"],
                         capture_output=True, text=True, check=True).stdout
    assert out.count(" 200 ") == 60


@pytest.mark.skipif(not shutil.which("h2load"), reason="nghttp2-client is not installed")
@pytest.mark.parametrize("secure", [True, False])
def test_h2load_gets_all_of_its_answers(server, secure):
    base = f"https://localhost:{server.https_port}" if secure else f"http://localhost:{server.port}"
    out = subprocess.run(["h2load", "-n", "5000", "-c", "10", "-m", "50", base + "/a.txt"], capture_output=True,
                         text=True, check=True).stdout
    assert "5000 succeeded, 0 failed" in out, out


class Library:
    """python3-h2 over TLS."""

    def __init__(self, server):
        context = ssl.create_default_context(cafile=server.folder / "test.pem")
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", server.https_port), timeout=10)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def request(self, *fields, method="GET", path="/", end=True):
        stream = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":authority", "localhost"), (":scheme", "https"), (":path", path)]
        self.h2.send_headers(stream, [*pseudo, *fields], end_stream=end)
        self.flush()
        return stream

    def events(self, kind, stream=None):
        """Events up to and with the first of this kind."""
        seen = []
        while True:
            received = self.socket.recv(65536)
            assert received, "the connection ended"
            for event in self.h2.receive_data(received):
                seen.append(event)
                if isinstance(event, h2.events.DataReceived):
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                    self.flush()
                    return seen
            self.flush()


def test_python_h2(server):
    client = Library(server)
    stream = client.request(path="/big")
    events = client.events(h2.events.StreamEnded, stream)
    head = dict(next(e for e in events if isinstance(e, h2.events.ResponseReceived)).headers)
    assert head[":status"] == "200" and head["content-length"] == str(len(FILES["big"]))
    assert b"".join(e.data for e in events if isinstance(e, h2.events.DataReceived)) == FILES["big"]
    client.socket.close()


def test_fields_of_responses(server):
    """RFC 9113 8.2: lower case; nothing of HTTP/1.1's connection."""
    with server.connect() as connection:
        client = Client(connection)
        client.send(get(1, "/a.txt"))
        fields = client.response(1).fields
        assert all(name == name.lower() for name in fields)
        assert not set(fields) & {"connection", "keep-alive", "transfer-encoding", "upgrade"}
        assert fields["content-length"] == "10" and "date" in fields and "etag" in fields


def test_the_same_answers_as_http1(server):
    """One router, one handler: what differs is the framing alone."""
    own = {"date", "connection", "upgrade", "ccodes-request-id", ":status", "content-length"}
    for path in ("/a.txt", "/none", "/big", "/%2e%2e/x", "/echo"):
        first = server.get(path)
        with server.connect() as connection:
            client = Client(connection)
            client.send(get(1, path))
            second = client.response(1)
        assert second.status == first.status
        assert {n: v for n, v in second.fields.items() if n not in own and "date" not in n} == \
            {n.lower(): v for n, v in first.getheaders() if n.lower() not in own and "date" not in n.lower()}
        assert first.status != 200 or second.body == first.body


def test_a_websocket_in_a_stream(server):
    """RFC 8441, with other streams beside it."""
    with server.connect() as connection:
        client = Client(connection)
        client.send(headers(1, *request("CONNECT", "/echo", protocol="websocket"), ("sec-websocket-version", "13"),
                            end=False))
        client.send(frame(DATA, 0, 1, websocket_client.frame(websocket_client.TEXT, b"hello")))
        assert client.next_of(DATA).payload == b"\x81\x05hello"
        assert client.is_answering(3)
        client.send(frame(DATA, 0, 1, websocket_client.frame(websocket_client.TEXT, b"again")))
        assert client.next_of(DATA).payload == b"\x81\x05again"
        client.send(frame(DATA, 1, 1, websocket_client.frame(websocket_client.CLOSE)))
        assert client.next_of(DATA).payload[:1] == b"\x88"


# The end of connections (6.8)

def goaways(client):
    """Last streams and codes of the GOAWAYs until the connection ends."""
    seen = []
    try:
        while True:
            taken = client.next_of(GOAWAY)
            seen.append((taken.last_stream, taken.code))
    except (EOFError, ConnectionError):
        return seen


def test_a_stop_ends_in_two_steps(start):
    """What was sent before the client knew is answered; then the end is final."""
    server = start(files=FILES)
    with server.connect() as connection:
        client = Client(connection)
        assert client.is_answering(1)
        server.process.terminate()
        taken = client.next_of(GOAWAY)
        assert (taken.last_stream, taken.code) == (0x7fffffff, NO_ERROR)
        assert client.is_answering(3), "it was under way, as far as the server knows"
        assert goaways(client) == [(3, NO_ERROR)]
    assert server.process.wait(10) == 0


def test_a_stop_lets_a_download_end(start):
    server = start(files={"big": b"x" * 3_000_000})
    with server.connect() as connection:
        client = Client(connection, opens_windows=False)
        client.send(get(1, "/big"))
        client.next_of(DATA)
        server.process.terminate()
        until(lambda: "stopping" in server.log(), "the daemon stops")
        client.opens_windows = True
        client.send(window_update(0, 1 << 20), window_update(1, 1 << 20))
        received = 0
        while not (taken := client.next_of(DATA)).flags & 1:
            received += len(taken.payload)
        assert received > 2_900_000
        assert goaways(client)[-1] == (1, NO_ERROR)
    assert server.process.wait(10) == 0


def test_a_reload_moves_clients_to_new_connections(start):
    server = start(files=FILES)
    with server.connect() as connection:
        client = Client(connection)
        assert client.is_answering(1)
        server.write_configuration(http="", more="[http.http2]\nmax_streams = 7\n")
        assert server.admin("POST", "/reload").status == 200
        taken = client.next_of(GOAWAY)
        assert (taken.last_stream, taken.code) == (0x7fffffff, NO_ERROR)
        assert client.is_answering(3)
        assert goaways(client) == [(3, NO_ERROR)]
    with server.connect() as connection:
        client = Client(connection)
        assert client.is_answering(1) and client.settings[3] == 7


def test_an_idle_connection_is_ended_in_order(start):
    server = start(files=FILES, more='[http.timeouts]\nkeep_alive = "1s"\n')
    with server.connect() as connection:
        client = Client(connection)
        assert client.is_answering(1)
        assert goaways(client) == [(1, NO_ERROR)]


def test_a_stream_may_wait_for_another_one(start):
    """The client takes the large response slowly and with no window to spare; the small ones come behind it."""
    server = start(files=FILES, more='[http.timeouts.send]\nidle = "2s"\n')
    with server.connect() as connection:
        client = Client(connection, opens_windows=False)
        client.send(get(1, "/big"), window_update(1, len(FILES["big"])), get(3, "/a.txt"))
        ended, taken = set(), 0
        while ended != {1, 3}:
            received = client.next_of(DATA, RST_STREAM)
            assert received.kind == DATA, f"stream {received.stream} was reset with {received.code}"
            taken += len(received.payload)
            if received.flags & END_STREAM:
                ended.add(received.stream)
            elif taken >= 65535:
                time.sleep(0.1)  # what makes it slow
                client.send(window_update(0, taken))
                taken = 0


def test_a_stream_that_waits_for_nothing_is_reset(start):
    """The connection's window stays shut, which is the client's doing."""
    server = start(files=FILES, more='[http.timeouts.send]\nidle = "2s"\n')
    with server.connect() as connection:
        client = Client(connection, opens_windows=False)
        client.send(get(1, "/big"), window_update(1, len(FILES["big"])))
        taken = 0
        while taken < 65535:  # the connection's window as it is at first: once it is used up, nothing of a later answer goes out
            taken += len(client.next_of(DATA).payload)
        client.send(get(3, "/a.txt"))
        assert {client.next_of(RST_STREAM).stream for _ in range(2)} == {1, 3}


def test_a_client_that_says_nothing_is_cut(start):
    server = start(files=FILES, tls=True, more='[http.timeouts.head]\ndeadline = "1s"\nidle = "500ms"\n')
    for sent in (b"", PREFACE, PREFACE + frame(SETTINGS)[:5]):
        with server.connect(secure=True, alpn="h2") as connection:
            client = Client(connection, preface=None, silent=True)
            client.send(sent)
            assert client.goaway_code() == ENHANCE_YOUR_CALM
    with server.connect() as connection:
        client = Client(connection)
        client.send(frame(HEADERS, 1, 1, b"\x82"))
        assert client.goaway_code() is not None, "a head without its end"


def test_a_stop_after_a_reload_ends_websockets_too(start):
    server = start(files=FILES, site='echo = "/echo"')
    with server.connect() as connection:
        client = Client(connection)
        client.send(headers(1, *request("CONNECT", "/echo", protocol="websocket"), ("sec-websocket-version", "13"),
                            end=False), frame(DATA, 0, 1, websocket_client.frame(websocket_client.TEXT, b"hello")))
        assert client.next_of(DATA).payload == b"\x81\x05hello"
        server.write_configuration(more="[http.http2]\nmax_streams = 7\n")
        assert server.admin("POST", "/reload").status == 200
        assert client.next_of(GOAWAY).code == NO_ERROR
        server.process.terminate()
        opcode, _, code = struct.unpack_from(">BBH", client.next_of(DATA).payload)
        assert (opcode, code) == (0x88, 1001)
        client.send(frame(DATA, 1, 1, websocket_client.frame(websocket_client.CLOSE, b"\x03\xe9")))
    assert server.process.wait(5) == 0


def test_a_refused_stream_leaves_the_connection_as_it_was(start):
    """A head that was dropped is no head that is waited for."""
    server = start(files=FILES, site='echo = "/echo"', more='[http.timeouts.head]\ndeadline = "1s"\nidle = "500ms"\n'
                                                            '[http.http2]\nmax_streams = 1\n')
    with server.connect() as connection:
        client = Client(connection)
        client.send(headers(1, *request("CONNECT", "/echo", protocol="websocket"), ("sec-websocket-version", "13"),
                            end=False), get(3))
        assert client.reset_code(3) == REFUSED_STREAM
        time.sleep(2)  # beyond both limits
        client.send(reset(1))
        assert client.is_answering(5)


def test_limits_of_requests_and_fields(start):
    server = start(files=FILES, more="[http.limits]\nmax_requests = 3\nmax_fields = 8\n")
    with server.connect() as connection:
        client = Client(connection)
        client.send(get(1, "/a.txt", *[(f"x-{i}", "a") for i in range(8)]),
                    get(3, "/a.txt", *[(f"x-{i}", "a") for i in range(9)]), get(5, "/a.txt"))
        assert [response.status for response in client.responses(1, 3, 5)] == [200, 431, 200]
        assert goaways(client)[-1] == (5, NO_ERROR), "the third was the last"
