# SPDX-License-Identifier: Apache-2.0
"""Runs inside the machine under test: asks ccodes-auth as the gateway does, over one end of a socketpair whose other end it hands over.

Usage: grant_client.py SOCKET PATH [BODY]
Prints the answer's body and, on the last line, its status. Exit status 7, as curl's, when the socket cannot be reached.
"""

import array
import http.client
import socket
import sys

TIMEOUT = 60


def hand(path):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))], 0, path)
    ours.settimeout(TIMEOUT)
    return ours


def main(path, target, body=None):
    connection = http.client.HTTPConnection("localhost")
    try:
        connection.sock = hand(path)
    except OSError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 7
    connection.request("POST" if body else "GET", target, body=body)
    response = connection.getresponse()
    print(response.read().decode(), response.status, sep="\n", end="")
    return 0


sys.exit(main(*sys.argv[1:]))
