# SPDX-License-Identifier: Apache-2.0
"""HTTP/2, WebSockets and server-sent events with clients that are not ours, against the service in its sandbox."""

import asyncio
import hashlib

import browser
import pytest
import websockets
from protocols import Http2, trusting
from server import CERTIFICATE, ROOT

SMALL = b"small file\n" * 90
PAGE = "<!doctype html><title>Protocols</title>"


@pytest.fixture
def echoing(server):
    server.started()
    server.machine.put(f"{ROOT}/protocols.html", PAGE)
    return server


def logged(server, cursor, path):
    return server.machine.wait_until(
        lambda: server.machine.journal("--unit=ccodes-server", f"CCODES_PATH={path}", since=cursor),
        f"the entry for {path}")


def test_curl(echoing):
    for arguments in (("--http2", "https://localhost/small.txt"),
                      ("--http2-prior-knowledge", "http://localhost/small.txt")):
        told = echoing.curl("--write-out", "%{http_version} %{http_code}", *arguments).out
        assert told == SMALL.decode() + "2 200"
    whole = echoing.machine.output("sha256sum", f"{ROOT}/large.bin").split()[0]
    got = echoing.machine.script(f"curl -s --http2 --cacert {CERTIFICATE} https://localhost/large.bin | sha256sum",
                                 timeout=60).out.split()[0]
    assert got == whole
    part = echoing.curl("--http2", "--range", "64-127", "--write-out", " %{http_version} %{http_code}",
                        "https://localhost/large.bin").out
    assert part == "%063d\n" % 1 + " 2 206"


def test_python_h2_asks_for_many_files_at_once(echoing):
    client = Http2(echoing)
    with client.stream:
        large = client.request("/large.bin")
        small = [client.request("/small.txt") for _ in range(50)]
        while not client.ended >= set(small):
            client.receive()
        assert all(client.bodies[stream] == SMALL for stream in small)
        assert {client.heads[stream][":status"] for stream in small} == {"200"}
        while large not in client.ended:
            client.receive()
        digest = hashlib.sha256(client.bodies[large]).hexdigest()
        assert digest == echoing.machine.output("sha256sum", f"{ROOT}/large.bin").split()[0]
        last = client.request("/protocols.html")
        while last not in client.ended:
            client.receive()
        assert client.bodies[last] == PAGE.encode()


def test_h2load(echoing):
    requests = 2000 if echoing.machine.keeps_time else 200
    host, port = echoing.machine.address(443)
    told = echoing.machine.run_outside("h2load", f"--requests={requests}", "--clients=4", "--max-concurrent-streams=20",
                                       f"https://{host}:{port}/small.txt", timeout=120)
    assert f"{requests} succeeded, 0 failed, 0 errored" in told and f"{requests} 2xx" in told, told
    assert "Application protocol: h2" in told


def test_nghttp_over_clear_text(echoing):
    host, port = echoing.machine.address(80)
    told = echoing.machine.run_outside("nghttp", "--null-out", "--stat", "--multiply=20", "--timeout=60",
                                       f"http://{host}:{port}/small.txt")
    lines = [line.split() for line in told.splitlines() if line.endswith("/small.txt")]
    assert [line[4] for line in lines] == ["200"] * 20, told


async def converse(server, scheme):
    """Messages of every size class come back as they went, over one connection."""
    secure = scheme == "wss"
    options = {"ssl": trusting(server), "server_hostname": "localhost"} if secure else {}
    connection = server.machine.connect(443 if secure else 80)
    connection.setblocking(False)
    async with websockets.connect(f"{scheme}://localhost/echo", sock=connection, max_size=1 << 20, **options) as client:
        assert any(extension.name == "permessage-deflate" for extension in getattr(client, "protocol", client).extensions)
        for message in ("", "grüß dich", "x" * 125, "y" * 126, "z" * 70000, bytes(range(256)) * 100):
            await client.send(message)
            assert await client.recv() == message
        await asyncio.wait_for(await client.ping(), 60)
        await client.close(1000, "done")
        assert client.close_code == 1000


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_python_websockets(echoing, scheme):
    asyncio.run(converse(echoing, scheme))


@pytest.fixture
def page(echoing, has_chromium):
    """A page of the site in a browser."""
    certificate = echoing.machine.get(CERTIFICATE)
    host, port = echoing.machine.address(443)
    with browser.browsing(echoing.machine, certificate) as window:
        window.open(f"https://{host}:{port}/protocols.html")
        yield window


FETCH = """
Promise.all(Array.from({length: 40}, (_, i) => fetch('/small.txt?chromium-' + i).then(r => r.text())))
    .then(texts => [new Set(texts).size, texts[0].length,
                    [...new Set(performance.getEntriesByType('resource').map(e => e.nextHopProtocol))]])
"""
DIGEST = """
fetch('/large.bin').then(r => r.arrayBuffer()).then(b => crypto.subtle.digest('SHA-256', b))
    .then(d => [...new Uint8Array(d)].map(b => b.toString(16).padStart(2, '0')).join(''))
"""
TALK = """
new Promise((done, fail) => {
    const socket = new WebSocket('wss://' + location.host + '/echo'), heard = [];
    socket.binaryType = 'arraybuffer';
    socket.onerror = () => fail(new Error('the WebSocket failed'));
    socket.onopen = () => { socket.send('grüß dich'); socket.send('x'.repeat(70000)); socket.send(new Uint8Array(3)); };
    socket.onmessage = message => {
        heard.push(message.data.length ?? message.data.byteLength);
        if (heard.length == 3) socket.close(1000, 'done');
    };
    socket.onclose = event => done([heard, event.code, event.wasClean]);
})
"""
LISTEN = """
new Promise((done, fail) => {
    const source = new EventSource('/echo'), heard = [];
    source.onerror = () => fail(new Error('the event source failed'));
    source.addEventListener('second', event => {
        heard.push([event.data, event.lastEventId]);
        if (heard.length == 2) { source.close(); done(heard); }
    });
})
"""


def test_chromium_speaks_http2(echoing, page):
    assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    assert page.evaluate(FETCH) == [1, len(SMALL), ["h2"]]
    whole = hashlib.sha256(b"".join(b"%063d\n" % line for line in range(1 << 20))).hexdigest()
    assert page.evaluate(DIGEST) == whole


def test_chromium_opens_a_websocket_over_http2(echoing, page):
    cursor = echoing.machine.journal_cursor()
    assert page.evaluate(TALK) == [[9, 70000, 3], 1000, True]
    entry, = logged(echoing, cursor, "/echo")
    assert (entry["CCODES_METHOD"], entry["CCODES_TLS"]) == ("CONNECT", "TLSv1.3"), "as a stream (RFC 8441)"


def test_chromium_listens_to_events(page):
    assert page.evaluate(LISTEN) == [["1", "1"], ["2", "2"]]
