# SPDX-License-Identifier: Apache-2.0
"""The rows of the bench: what is asked of the servers, with which set-up, and the bar that ours is held to."""

from dataclasses import dataclass, field

import measure
from servers import Setup


@dataclass(frozen=True)
class Bar:
    """What ours is held to in one figure, lower is better: a ratio to the floor, or to ours in another row, a sum
    beside the floor, an absolute value, or the best peer. All that are given must hold."""

    metric: str
    floor: float = None  # at most so many times the floor's
    floor_plus: float = None  # at most the floor's and so much
    absolute: float = None
    peers: bool = False  # at most the best peer's
    work: str = None  # of those peers alone whose figure of this metric is not less than ours
    peer: str = ""  # at most `ratio` times this peer's
    row: str = None  # at most `ratio` times ours in that row
    ratio: float = 1.0


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    table: str
    measure: object  # a function of measure.py
    path: str = "/1k.html"
    headers: dict = field(default_factory=dict)
    setup: dict = field(default_factory=dict)  # of servers.Setup
    floor: bool = True  # whether a floor exists for it
    peers: bool = True  # whether it is asked of the peers
    connections: int = 64
    streams: int = 0  # requests at a time of each connection, over HTTP/2; 0: HTTP/1.1
    rate: int = 0  # of the open loop, a second; 0: none
    coding: str = ""  # only servers that have one of these, with commas
    both_cores: bool = False
    large: bool = False
    rounds: int = 0  # at most so many; 0: as many as asked for
    host: str = ""
    bars: tuple = ()

    def make_setup(self, cores):
        return Setup(cores=tuple(cores.all) if self.both_cores else (), **self.setup)

    def asks(self, server):
        """Whether the row says something about this server."""
        if server.name == "floor":
            return self.floor
        if server.name == "ours":
            return True
        if not self.peers or (self.coding and not server.codings):
            return False
        if (2 if self.streams else 1) not in server.http_versions:
            return False
        return server.brings_files or (self.path == "/1k.html" and not self.coding)


BR = {"Accept-Encoding": "br, gzip"}
GZIP = {"Accept-Encoding": "gzip"}
LOGS = {"logs": True}
TLS = {"tls": True}
SHAKING = {"tls": True, "handshakes": True}

MAIN = "Requests"
HTTP2 = "Requests over HTTP/2 and TLS 1.3"
LOGGED = "Requests, with access logs to a file"
SHAKES = "TLS 1.3 handshakes, ECDSA P-256 certificate, X25519"
MEMORY = "Memory of an idle keep-alive connection"
IDLE = "10,000 idle connections held while 64 work"
START = "Process start to the first byte"
RELOAD = "Reloads under load (restart and apply: tests/system)"
FLAT = "Scaling: CPU per request has to stay flat"

CPU = "cpu_us"
FLATNESS = 1.10


def flat(key, title, against, how=measure.requests, **options):
    """A row of the table of scaling; `against` is the row that it may not exceed by more than a tenth."""
    bars = (Bar(CPU, row=against, ratio=FLATNESS),) if against else ()
    return Row(key, title, FLAT, how, bars=bars, **options)


def http2(key, size, streams, *bars):
    """A row of the table of HTTP/2. Many streams come on fewer connections, as with browsers."""
    connections = 64 if streams == 1 else 16
    title = f"{size} KiB file, {connections} connections, {streams} stream{'s' if streams > 1 else ''} each"
    return Row(key, title, HTTP2, measure.http2_requests, path="/1k.html" if size == 1 else f"/{size}k.bin",
               setup=TLS, floor=False, connections=connections, streams=streams,
               bars=(Bar(CPU, peer="nghttpd"), *bars))


ROWS = (
    Row("1k", "1 KiB file, keep-alive, 64 connections", MAIN, measure.requests, rate=5000,
        bars=(Bar(CPU, floor=1.15, peers=True),)),
    Row("html-gzip", "12 KiB HTML, client takes gzip", MAIN, measure.requests, path="/page.html", headers=GZIP,
        coding="gzip", rate=1000, bars=(Bar(CPU, floor=1.25),)),
    Row("html-br", "12 KiB HTML, client takes br and gzip", MAIN, measure.requests, path="/page.html", headers=BR,
        coding="br", rate=1000, bars=(Bar(CPU, floor=1.25),)),
    Row("html-ready", "12 KiB HTML, .gz lies ready beside it", MAIN, measure.requests, path="/ready.html", headers=GZIP,
        coding="gzip", rate=1000, bars=(Bar(CPU, floor=1.25),)),
    Row("100k", "100 KiB file", MAIN, measure.requests, path="/100k.bin",
        setup={"body": 100 << 10, "file": "100k.bin"}, rate=1000, bars=(Bar(CPU, peers=True),)),
    Row("512m", "512 MiB file, 4 connections", MAIN, measure.downloads, path="/large.bin", large=True,
        setup={"body": 512 << 20, "file": "large.bin"}, bars=(Bar(CPU, floor=1.05, peers=True),)),
    Row("tls-1k", "1 KiB over TLS 1.3, keep-alive, 64 connections", MAIN, measure.requests, setup=TLS, rate=5000,
        bars=(Bar(CPU, peers=True),)),

    http2("h2-1k-1", 1, 1),
    http2("h2-1k-100", 1, 100, Bar(CPU, peer="nginx", ratio=1 / 3)),
    http2("h2-100k-1", 100, 1),
    http2("h2-100k-100", 100, 100),

    Row("log-1k", "1 KiB file", LOGGED, measure.requests, setup=LOGS, floor=False, rate=5000,
        bars=(Bar(CPU, peers=True),)),
    Row("log-100k", "100 KiB file", LOGGED, measure.requests, path="/100k.bin", setup=LOGS, floor=False, rate=1000,
        bars=(Bar(CPU, peers=True),)),
    Row("log-tls-1k", "1 KiB over TLS 1.3", LOGGED, measure.requests, setup={**LOGS, **TLS}, floor=False, rate=5000,
        bars=(Bar(CPU, peers=True),)),

    Row("handshake-full", "full", SHAKES, measure.full_handshakes, setup=SHAKING,
        bars=(Bar(CPU, floor=1.10, peers=True),)),
    # A ticket is to be used once (RFC 8446 appendix C.4): who gives no new one saves its making, and links the client's visits.
    Row("handshake-resumed", "resumed by ticket", SHAKES, measure.resumed_handshakes, setup=SHAKING,
        bars=(Bar(CPU, floor=1.10, peers=True, work="tickets"),)),

    Row("memory", "plain", MEMORY, measure.memory, rounds=1, connections=10000, bars=(Bar("bytes", absolute=512),)),
    Row("memory-tls", "TLS 1.3", MEMORY, measure.memory, rounds=1, setup=TLS, connections=10000,
        bars=(Bar("bytes", floor_plus=1024),)),

    Row("idle", "1 KiB file, plain", IDLE, measure.idle, connections=10000, rate=5000,
        bars=(Bar("p99_ratio", absolute=1.10),)),
    Row("idle-tls", "1 KiB file, TLS 1.3", IDLE, measure.idle, setup=TLS, connections=10000, rate=3000,
        bars=(Bar("p99_ratio", absolute=1.10),)),

    Row("start", "plain and TLS listener, one site", START, measure.start, rounds=1, bars=(Bar("ms", absolute=50),)),
    Row("reload", "1 KiB file, 64 connections", RELOAD, measure.reload, rounds=1, floor=False, rate=2000,
        bars=(Bar("lost", absolute=0),)),

    flat("flat-workers-1", "1 worker on both cores", None, both_cores=True, setup={"workers": 1}),
    flat("flat-workers-2", "2 workers on both cores", "flat-workers-1", both_cores=True, setup={"workers": 2}),
    flat("flat-connections-10", "10 connections, 8,000 requests per second", None, measure.steady_requests,
         connections=10, rate=8000),
    flat("flat-connections-10000", "10,000 connections, as many requests", "flat-connections-10",
         measure.steady_requests, connections=10000, rate=8000),
    flat("flat-sites-10", "10 sites", None, setup={"sites": 10}, host="site-9.example", floor=False, peers=False),
    flat("flat-sites-10000", "10,000 sites", "flat-sites-10", setup={"sites": 10000}, host="site-9999.example",
         floor=False, peers=False),
    flat("flat-rules-10", "10 rules", None, setup={"rules": 10}, floor=False, peers=False),
    flat("flat-rules-10000", "10,000 rules", "flat-rules-10", setup={"rules": 10000}, floor=False, peers=False),
)


def select(keys):
    """The rows of these keys; a key that ends in '*' stands for all that begin so."""
    chosen = []
    for row in ROWS:
        if any(row.key == key or (key.endswith("*") and row.key.startswith(key[:-1])) for key in keys):
            chosen.append(row)
    unknown = [key for key in keys if not key.endswith("*") and key not in {row.key for row in ROWS}]
    return chosen, unknown
