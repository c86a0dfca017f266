# SPDX-License-Identifier: Apache-2.0
"""Runs inside the machine under test, as root: asks ccodes-auth for users and tokens until it is signalled, and keeps an
account of what was acknowledged.

Prints a JSON object at the end: the users and tokens that must be there, and how many requests were refused, broken
off or answered otherwise. It waits for nobody: what is broken off is tried again under another name.
"""

import http.client
import json
import signal
import socket
import sys
import time

ACCOUNTS = "/run/ccodes/auth-accounts.sock"
TIMEOUT = 60
PAUSE = 0.005  # the journal has an entry for each


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=TIMEOUT)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self.path)


def ask(socket_path, method, path, body=None):
    """(status, answer)"""
    connection = Unix(socket_path)
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def main():
    prefix = sys.argv[1]
    report = {"users": [], "tokens": {}, "refused": 0, "broken": 0, "wrong": []}
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    number = 0
    while not stopping:
        number += 1
        name = f"{prefix}-{number}"
        try:
            status, answer = ask(ACCOUNTS, "POST", "/users/add", {"name": name, "role": "operator"})
            if status != 200:
                report["wrong"].append(answer)
                continue
            report["users"].append(name)
            status, answer = ask(ACCOUNTS, "POST", "/tokens/add", {"user": name, "scopes": "upload:*"})
            if status != 200:
                report["wrong"].append(answer)
                continue
            report["tokens"][answer["id"]] = answer["token"]
        except ConnectionRefusedError:
            report["refused"] += 1
        except (OSError, http.client.HTTPException, ValueError):
            report["broken"] += 1
        with open(f"/run/ccodes-tests-{prefix}", "w", encoding="ascii") as file:
            file.write(str(number))
        time.sleep(PAUSE)
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
