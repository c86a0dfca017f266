# SPDX-License-Identifier: Apache-2.0
"""What is measured: a function for each kind of row, the rounds that interleave the servers, and the medians.

CPU per request is what /proc says that all processes of the server took, user and system, divided by the requests that
were answered meanwhile."""

import statistics
import time
from dataclasses import dataclass, field, replace

import load
import place

WARM_SECONDS = 1
WORKING = 64  # connections that work beside idle ones
STARTS = 5
RELOADS = 5
DOWNLOADS = 8  # for each second asked for
NOISY = 0.10  # spread of the rounds, and share of the core taken by others, from which a figure is marked


class Account:
    """What a server took while a block ran, and what others took of its core meanwhile."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.start = time.monotonic()
        self.busy = place.busy_times()[self.server.cores.server]
        self.cpu = self.server.cpu_seconds()
        return self

    def __exit__(self, *_):
        self.cpu = self.server.cpu_seconds() - self.cpu
        busy, stolen = place.busy_times()[self.server.cores.server]
        seconds = time.monotonic() - self.start
        foreign = busy - self.busy[0] - self.cpu + stolen - self.busy[1]
        self.foreign = max(0.0, foreign / seconds) if not self.server.setup.cores else 0.0

    def per_request(self, count):
        return {"cpu_us": self.cpu * 1e6 / count, "foreign": self.foreign}


def requests(server, row, seconds):
    """A closed loop for the CPU and the rate, then an open one for the latency."""
    load.wrk(server, row.path, WARM_SECONDS, row.connections, row.headers, row.host)
    with Account(server) as account:
        count, rate = load.wrk(server, row.path, seconds, row.connections, row.headers, row.host)
    figures = {**account.per_request(count), "per_second": rate}
    if row.rate:
        try:
            latency = load.open_loop(server, row.path, row.rate, seconds, row.connections, row.headers)
            figures.update({name: latency[name] for name in ("p50_us", "p99_us", "p999_us")})
        except place.BenchError as error:
            figures["note"] = str(error)  # too slow for that rate, perhaps: its CPU was measured all the same
    return figures


def steady_requests(server, row, seconds):
    """CPU at a fixed rate that goes round all connections, counted once they are there: making them is not part of
    it."""
    with load.Steady(server, row.path, row.rate, seconds, row.connections) as steady:
        with Account(server) as account:
            found = steady.run()
    return {**account.per_request(found["answered"]), "per_second": row.rate}


def http2_requests(server, row, seconds):
    """As many requests over HTTP/2 as take about that time. The few handshakes count too."""
    rate = load.h2load(server, row.path, row.connections * max(50, 4 * row.streams), row.connections,
                       row.streams)
    count = max(int(rate * seconds), row.connections * row.streams)
    with Account(server) as account:
        rate = load.h2load(server, row.path, count, row.connections, row.streams)
    return {**account.per_request(count), "per_second": rate}


def downloads(server, row, seconds):
    """A number of whole files: what is under way at the end of a time would weigh too much."""
    load.download(server, row.path, load.DOWNLOADS_AT_A_TIME)
    size = (server.place.root / row.path.lstrip("/")).stat().st_size
    with Account(server) as account:
        received, elapsed = load.download(server, row.path, DOWNLOADS * seconds)
    return {**account.per_request(received / size), "per_second": received / size / elapsed}


def handshake_figures(server, seconds, resume):
    load.handshakes(server, WARM_SECONDS, resume)
    with Account(server) as account:
        count, rate, tickets = load.handshakes(server, seconds, resume)
    return {**account.per_request(count), "per_second": rate, "tickets": tickets}


def full_handshakes(server, row, seconds):
    return handshake_figures(server, seconds, False)


def resumed_handshakes(server, row, seconds):
    return handshake_figures(server, seconds, True)


def settled_bytes(server):
    """Resident memory once it has stopped to move (a collector may still be at work)."""
    last, until = server.resident_bytes(), time.monotonic() + 5
    while time.monotonic() < until:
        time.sleep(0.2)
        now = server.resident_bytes()
        if abs(now - last) < 64 << 10:
            return now
        last = now
    return last


def memory(server, row, seconds):
    """What the server grew by for each connection, after a first few have made it do what it does once."""
    with load.Held(server, WORKING, row.path):
        pass
    before = settled_bytes(server)
    with load.Held(server, row.connections, row.path) as held:
        grown = settled_bytes(server) - before
        closed = held.closed()
    if closed:
        raise place.BenchError(f"{server.name} closed {closed} of {row.connections} idle connections")
    return {"bytes": grown / row.connections}


def idle(server, row, seconds):
    """Latency of the connections that work, alone and beside the idle ones."""
    load.open_loop(server, row.path, row.rate, WARM_SECONDS, WORKING)
    alone = load.open_loop(server, row.path, row.rate, seconds, WORKING)
    with load.Held(server, row.connections, row.path) as held:
        beside = load.open_loop(server, row.path, row.rate, seconds, WORKING)
        closed = held.closed()
    if closed:
        raise place.BenchError(f"{server.name} closed {closed} of {row.connections} idle connections")
    return {"p99_alone_us": alone["p99_us"], "p99_us": beside["p99_us"],
            "p99_ratio": beside["p99_us"] / alone["p99_us"]}


def start(server, row, seconds):
    """From the start of the process to the first byte of an answer: several times, the median. The program lies in
    memory already."""
    times = []
    for _ in range(STARTS):
        with replace_server(server) as fresh:
            load.get(fresh, row.path, {})
            times.append((time.monotonic() - fresh.launched) * 1000)
    return {"ms": statistics.median(times)}


def replace_server(server):
    return type(server)(server.place, server.cores, server.setup)


def reload(server, row, seconds):
    """Reloads while requests come at a fixed rate: what was lost, the worst wait. None for what cannot reload."""
    if not server.can_reload():
        return None
    with load.Steady(server, row.path, row.rate, seconds + 1, WORKING, strict=False) as steady:
        steady.begin()
        for _ in range(RELOADS):
            time.sleep(seconds / RELOADS)
            server.reload()
        found = steady.end()
    return {"lost": found["lost"] + found["wrong"], "worst_ms": found["max_us"] / 1000}


@dataclass
class Result:
    """What one server gave in one row."""

    rounds: list = field(default_factory=list)
    coding: str = ""
    failure: str = ""

    def note(self):
        return self.failure or next((figures["note"] for figures in self.rounds if "note" in figures), "")

    def median(self, metric):
        values = [figures[metric] for figures in self.rounds if metric in figures]
        return statistics.median(values) if values else None

    def is_noisy(self, metric):
        values = [figures[metric] for figures in self.rounds if metric in figures]
        middle = statistics.median(values) if values else 0
        foreign = statistics.median([figures.get("foreign", 0) for figures in self.rounds]) if self.rounds else 0
        return foreign > NOISY or (middle > 0 and (max(values) - min(values)) / middle > NOISY)


def measure_once(server_class, where, cores, row, setup, seconds):
    """One server, started anew, in one round."""
    with server_class(where, cores, setup) as server:
        answer = None
        if row.streams:
            load.examine_http2(server, row.path)
        elif not (row.large or setup.handshakes):
            answer = load.examine(server, row.path, row.headers, row.host or "localhost")
        return row.measure(server, row, seconds), answer


def floor_setup(where, cores, row, setup, ours):
    """The floor sends as many bytes as ours does: where they are coded, ours is asked first."""
    if not row.coding:
        return setup
    with ours(where, cores, setup) as server:
        return replace(setup, body=load.examine(server, row.path, row.headers).wire_bytes)


def run_row(row, classes, ours, where, cores, rounds, seconds, say):
    """Each server in each round, one after the other. A server that fails says so and is left out afterwards."""
    if row.large:
        where.make_large_file()
    setup = row.make_setup(cores)
    results = {server.name: Result() for server in classes if row.asks(server)}
    setups = {server.name: setup for server in classes}
    if "floor" in results:
        setups["floor"] = floor_setup(where, cores, row, setup, ours)
    rounds = min(rounds, row.rounds or rounds)
    for number in range(rounds):
        for server in classes:
            result = results.get(server.name)
            if result is None or result.failure:
                continue
            say(f"{row.key}: round {number + 1} of {rounds}, {server.name}")
            try:
                figures, answer = measure_once(server, where, cores, row, setups[server.name], seconds)
            except (place.BenchError, OSError) as error:
                result.failure = str(error)
                continue
            if figures is None:
                result.failure = "does not do that"
                continue
            result.rounds.append(figures)
            result.coding = answer.coding if answer else ""
    return results
