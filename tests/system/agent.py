# SPDX-License-Identifier: Apache-2.0
"""Runs inside the machine under test, as a unit, and does what machine.py asks for.

It is a unit and not a shell entered from outside, so that each command lives under the machine's own systemd, cgroups
and system call filter. The line to the outside is one byte stream: a unix socket in a container, a virtio port in a
virtual machine. A frame is one line of JSON, then `size` raw bytes. Requests may overlap; answers carry their id.
"""

import glob
import json
import os
import signal
import socket
import subprocess
import sys
import threading

SOCKET = "/run/ccodes-tests/agent.sock"
PORT = "ccodes-tests"


class Line:
    """The stream to the outside. Frames are written whole, by one thread at a time."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.lock = threading.Lock()

    def receive(self):
        """The next frame, or None at the end of the stream."""
        line = self.reader.readline()
        if not line:
            return None
        header = json.loads(line)
        return header, self.reader.read(header.get("size", 0))

    def send(self, header, *payload):
        """Sends `header` and the parts of `payload`, whose lengths it gets as `sizes`."""
        header["sizes"] = [len(part) for part in payload]
        with self.lock:
            self.writer.write(json.dumps(header).encode() + b"\n" + b"".join(payload))
            self.writer.flush()


def open_line():
    if os.path.exists(SOCKET):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(SOCKET)
        return Line(connection.makefile("rb"), connection.makefile("wb"))
    for name in glob.glob("/sys/class/virtio-ports/*/name"):
        with open(name, encoding="ascii") as file:
            if file.read().strip() == PORT:
                device = os.open("/dev/" + name.split("/")[-2], os.O_RDWR | os.O_CLOEXEC)
                return Line(os.fdopen(device, "rb", closefd=False), os.fdopen(device, "wb"))
    sys.exit(f"there is neither {SOCKET} nor a virtio port named {PORT}")


class Agent:
    def __init__(self, line):
        self.line = line
        self.running = {}

    def serve(self):
        self.line.send({"id": 0})
        while (frame := self.line.receive()) is not None:
            header, payload = frame
            threading.Thread(target=self.answer, args=(header, payload), daemon=True).start()

    def answer(self, header, payload):
        try:
            getattr(self, "do_" + header["do"])(header, payload)
        except Exception as error:  # whatever went wrong is the asker's to know
            self.line.send({"id": header["id"], "error": f"{type(error).__name__}: {error}"})

    def do_run(self, header, payload):
        """Runs `argv` with `payload` as its standard input. After `timeout` seconds its whole session is killed."""
        process = subprocess.Popen(header["argv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True,
                                   env={**os.environ, **header.get("environment", {})})
        self.running[header["id"]] = process
        late = False
        try:
            out, err = process.communicate(payload, header["timeout"])
        except subprocess.TimeoutExpired:
            late = True
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        finally:
            del self.running[header["id"]]
        self.line.send({"id": header["id"], "code": process.returncode, "late": late}, out, err)

    def do_signal(self, header, _payload):
        """Sends `signal` to the command of request `target`, if it still runs."""
        process = self.running.get(header["target"])
        if process is not None:
            process.send_signal(header["signal"])
        self.line.send({"id": header["id"]})

    def do_put(self, header, payload):
        os.makedirs(os.path.dirname(header["path"]), exist_ok=True)
        with open(header["path"], "wb") as file:
            os.fchmod(file.fileno(), header["mode"])
            file.write(payload)
        self.line.send({"id": header["id"]})

    def do_get(self, header, _payload):
        with open(header["path"], "rb") as file:
            self.line.send({"id": header["id"]}, file.read())


if __name__ == "__main__":
    Agent(open_line()).serve()
