# SPDX-License-Identifier: Apache-2.0
"""Sends the intruder (intruder.py) into a process of the machine and tells which of its attempts got through."""

import contextlib
import json

import pytest
from server import FILES

INTRUDER = f"{FILES}/intruder.py"
PORT_FILE = "/run/ccodes-tests-port"
LISTENER = f"""
import os, socket, time
listener = socket.create_server(("127.0.0.1", 0))
with open("{PORT_FILE}.new", "w") as file:
    file.write(str(listener.getsockname()[1]))

os.rename("{PORT_FILE}.new", "{PORT_FILE}")
time.sleep(600)
"""


@contextlib.contextmanager
def listening_port(machine):
    """A TCP port in the machine that would take the connection."""
    machine.run("rm", "-f", PORT_FILE)
    listener = machine.spawn("python3", "-c", LISTENER, timeout=700)
    try:
        machine.wait_until(lambda: machine.run("test", "-e", PORT_FILE, check=False).ok, "the port is open")
        yield machine.output("cat", PORT_FILE)
    finally:
        listener.signal()
        listener.wait(check=False)


def intrude(machine, start, readable, folders):
    """Every attempt's name with what came of it: a system call's result, or "killed".

    `start` starts the victim and returns its process id. It is asked again where a filter kills: what was not tried
    yet is tried in the next process.
    """
    if machine.output("uname", "-m") != "x86_64":
        pytest.skip("the intruder knows the system calls of x86_64 only")
    results = {}
    with listening_port(machine) as port:
        while True:
            skip = [word for name in results for word in ("--skip", name)]
            found = json.loads(machine.output("python3", INTRUDER, *skip, start(), port, readable, *folders))
            results.update(found)
            if "killed" not in found.values():
                return results


def got_through(results):
    return {name for name, result in results.items() if result != "killed" and result >= 0}
