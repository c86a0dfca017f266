# SPDX-License-Identifier: Apache-2.0
"""RFC 9218: which response goes first is the client's to say, by the field `priority` and by PRIORITY_UPDATE."""

import struct

import pytest

from h2_client import (DATA, END_STREAM, INITIAL_WINDOW_SIZE, PRIORITY_UPDATE, WINDOW, Client, frame, get, window_update)

SIZE = 40_000
FILES = {"big": b"b" * SIZE}


@pytest.fixture(scope="module")
def server(start_for_module):
    return start_for_module(files=FILES)


def update(stream, value):
    return frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", stream) + value)


def order(server, requests, before=b"", after=b""):
    """Opens the connection's window only when all is asked for; gives the streams of the DATA frames in their order."""
    with server.connect() as connection:
        client = Client(connection, (INITIAL_WINDOW_SIZE, 1 << 20), opens_windows=False)
        client.send(get(1, "/big"), get(3, "/big"))  # these two use the first window up
        received = 0
        while received < WINDOW:
            received += len(client.next_of(DATA).payload)
        client.send(before, *[get(stream, "/big", *([("priority", value)] if value else []))
                              for stream, value in requests], after)
        client.synchronize()
        client.send(window_update(0, 1 << 20))
        frames, left = [], {stream for stream, _ in requests} | {3}
        while left:
            taken = client.next_of(DATA)
            frames.append(taken.stream)
            if taken.flags & END_STREAM:
                left.discard(taken.stream)
        return [stream for stream in frames if stream > 3]


def firsts(streams):
    return list(dict.fromkeys(streams))


def test_urgency(server):
    streams = order(server, [(5, "u=7"), (7, "u=0"), (9, ""), (11, "u=1"), (13, "u=3")])
    assert firsts(streams) == [7, 11, 9, 13, 5]
    assert streams == sorted(streams, key=firsts(streams).index), "one after the other, since none is incremental"


def test_what_is_incremental_shares(server):
    streams = order(server, [(5, "u=2, i"), (7, "u=2, i"), (9, "u=5")])
    assert streams[-1] == 9 and streams != sorted(streams, key=firsts(streams).index)


def test_an_update_overrides(server):
    streams = order(server, [(5, "u=0"), (7, "u=7")], after=update(5, b"u=7") + update(7, b"u=0"))
    assert firsts(streams) == [7, 5]


def test_an_update_before_its_request(server):
    """Section 7: it is kept until the stream is opened."""
    assert firsts(order(server, [(5, ""), (7, "")], update(7, b"u=1"))) == [7, 5]


@pytest.mark.parametrize("nonsense", ["u=9", "u=-1", "u", "u=0;", "u=0, !", "i=?2"])
def test_what_makes_no_sense_is_ignored(server, nonsense):
    """Section 4: the default, u=3, holds."""
    assert firsts(order(server, [(5, nonsense), (7, "u=2"), (9, "u=4")])) == [7, 5, 9]
