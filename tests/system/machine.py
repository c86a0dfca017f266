# SPDX-License-Identifier: Apache-2.0
"""A booted Debian, as the tests see it, whatever it runs in.

`Machine` speaks to the agent inside (agent.py); nspawn.py and vm.py know how to boot one. Commands run as children of
the agent, which is a unit of the machine, or in a transient unit of their own where a test wants properties.
"""

import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

AGENT_TIMEOUT = 90
STOP_TIMEOUT = 20
SILENCE_TIMEOUT = 900  # for a machine that hangs: commands have timeouts of their own, and shorter ones


class MachineError(Exception):
    """The machine itself failed: it did not boot, or the line to it broke."""


class CommandFailed(Exception):
    """A command inside failed though it had to succeed."""

    def __init__(self, argv, result):
        super().__init__(f"{' '.join(argv)}\n{result}")
        self.result = result


@dataclasses.dataclass
class Result:
    code: int
    out: str
    err: str
    late: bool = False  # killed because its time was over

    def __str__(self):
        ending = "ran out of time" if self.late else f"exit status {self.code}"
        return "\n".join(part for part in (ending, self.out.strip(), self.err.strip()) if part)

    @property
    def ok(self):
        return self.code == 0 and not self.late


class Command:
    """A command that runs inside while the test goes on."""

    def __init__(self, machine, number, argv):
        self.machine = machine
        self.number = number
        self.argv = argv

    def wait(self, check=True):
        header, (out, err) = self.machine.answer(self.number)
        result = Result(header["code"], out.decode(errors="replace"), err.decode(errors="replace"), header["late"])
        if check and not result.ok:
            raise CommandFailed(self.argv, result)
        return result

    def signal(self, number=signal.SIGTERM):
        self.machine.request("signal", target=self.number, signal=int(number))


class Machine:
    """What nspawn.py and vm.py have in common. They set `process`, and ask `meet` to wait for the agent."""

    kind = ""
    patience = 1  # how many times slower than this host it may be; every timeout is multiplied by it
    keeps_time = True  # whether a duration measured inside means anything
    rounds = int(os.environ.get("CCODES_ROUNDS", 20))  # how often a test does what it repeats

    def __init__(self, folder: Path, tree: Path):
        self.folder = folder
        self.tree = tree
        self.process = None
        self.boot_seconds = 0.0
        self._listener = None
        self._connection = None
        self._reader = None
        self._last = 0
        self._answers = {}

    # What an implementation provides.

    @staticmethod
    def prepare(tree: Path):
        """Makes, once, what it boots from besides the tree."""

    def start(self):
        raise NotImplementedError

    def shut_down(self):
        """Asks the machine to end; stop() waits for it."""
        raise NotImplementedError

    def clean_up(self):
        """Removes what start() made outside of the machine's folder."""

    # Clients of this host that reach the machine's TCP ports.

    def outside(self, *argv):
        """The command line that runs a program of this host where address() leads to the machine."""
        raise NotImplementedError

    def run_outside(self, *argv, timeout=60):
        """Runs a program of this host to its end, and returns what it printed."""
        argv = self.outside(*(str(word) for word in argv))
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=timeout * self.patience)
        if done.returncode != 0:
            raise CommandFailed(argv, Result(done.returncode, done.stdout, done.stderr))
        return done.stdout

    def address(self, port):
        """Under which host and port the machine's `port` is reached from outside."""
        raise NotImplementedError

    def connect(self, port):
        """A socket of this process, connected to the machine's `port`."""
        return socket.create_connection(self.address(port), AGENT_TIMEOUT)

    # The line to the agent.

    @property
    def socket_path(self):
        return self.folder / "agent.sock"

    @property
    def console_path(self):
        return self.folder / "console.log"

    def listen(self):
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._listener.bind(str(self.socket_path))
        self._listener.listen(1)

    def meet(self):
        """Waits until the agent inside has called, or the machine's process has ended."""
        began = time.monotonic()
        self._wait_for_input(self._listener, AGENT_TIMEOUT * self.patience)
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(SILENCE_TIMEOUT)
        self._reader = self._connection.makefile("rb")
        self._wait_for_input(self._connection, AGENT_TIMEOUT * self.patience)
        self.answer(0)
        self.boot_seconds = time.monotonic() - began

    def _wait_for_input(self, source, seconds):
        end = time.monotonic() + seconds
        while not select.select([source], [], [], 0.2)[0]:
            if self.process.poll() is not None:
                raise MachineError(f"the machine ended while it booted, with {self.process.returncode}:\n"
                                   f"{self.console()}")
            if time.monotonic() > end:
                raise MachineError(f"no sign of the agent after {seconds} s:\n{self.console()}")

    def console(self):
        """The last lines of the machine's console."""
        if not self.console_path.exists():
            return "(no console)"
        return "\n".join(self.console_path.read_text(errors="replace").splitlines()[-60:])

    def send(self, what, payload=b"", **fields):
        """Sends a request and returns its number, for answer()."""
        self._last += 1
        header = {"id": self._last, "do": what, "size": len(payload), **fields}
        self._connection.sendall(json.dumps(header).encode() + b"\n" + payload)
        return self._last

    def answer(self, number):
        """Waits for the answer of that number; keeps those of others for their own askers."""
        while number not in self._answers:
            line = self._reader.readline()
            if not line:
                raise MachineError(f"the line to the machine broke:\n{self.console()}")
            header = json.loads(line)
            self._answers[header["id"]] = header, [self._reader.read(size) for size in header["sizes"]]
        header, payload = self._answers.pop(number)
        if "error" in header:
            raise MachineError(f"the agent: {header['error']}")
        return header, payload

    def request(self, what, payload=b"", **fields):
        return self.answer(self.send(what, payload, **fields))

    # What the tests use.

    def spawn(self, *argv, stdin="", timeout=60, environment=None, unit=None):
        """Starts a command inside. `unit`, a dictionary of properties, puts it into a transient unit of its own."""
        argv = [str(word) for word in argv]
        if unit is not None:
            argv = transient_unit(argv, unit)
        number = self.send("run", stdin.encode(), argv=argv, timeout=timeout * self.patience,
                           environment=environment or {})
        return Command(self, number, argv)

    def run(self, *argv, check=True, **options):
        """Runs a command inside to its end. Without `check` a failure is the caller's to look at."""
        return self.spawn(*argv, **options).wait(check)

    def output(self, *argv, **options):
        """What a command printed, without the blanks around it."""
        return self.run(*argv, **options).out.strip()

    def script(self, text, **options):
        """Runs a text of several lines with the shell, which stops at the first failure."""
        return self.run("/bin/sh", "-eu", stdin=text, **options)

    def put(self, path, content, mode=0o644):
        if isinstance(content, str):
            content = content.encode()
        self.request("put", content, path=str(path), mode=mode)

    def put_file(self, path, source: Path, mode=0o644):
        self.put(path, source.read_bytes(), mode)

    def get(self, path):
        return self.request("get", path=str(path))[1][0]

    def wait_until(self, condition, what, timeout=15):
        """Calls `condition` until it returns something true, and returns that."""
        end = time.monotonic() + timeout * self.patience
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {timeout * self.patience} s: {what}")
            time.sleep(0.05)

    def journal_cursor(self):
        """A place in the journal, for journal()."""
        self.run("journalctl", "--sync")
        out = self.output("journalctl", "--quiet", "--lines=0", "--show-cursor")
        return out.partition("cursor: ")[2].strip()

    def journal(self, *match, since=None):
        """The journal's entries as dictionaries, oldest first."""
        self.run("journalctl", "--sync")
        # Not --after-cursor, which skips an entry too many where the one at the cursor does not match.
        begin = [f"--cursor={since}"] if since else []
        out = self.run("journalctl", "--quiet", "--output=json", "--all", *begin, *match).out
        entries = [json.loads(line) for line in out.splitlines()]
        return [entry for entry in entries if entry["__CURSOR"] != since]

    def journal_text(self, since=None):
        after = [f"--after-cursor={since}"] if since else []
        return self.run("journalctl", "--quiet", "--output=short-precise", "--no-hostname", *after, check=False).out

    def stop(self):
        """Ends the machine by its own handle, kindly first."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.shut_down()
                self.process.wait(STOP_TIMEOUT * self.patience)
            except (MachineError, OSError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()
        self.hang_up()
        self.clean_up()

    def hang_up(self):
        """Forgets the line to the agent; start() makes a new one."""
        for end in (self._reader, self._connection, self._listener):
            if end is not None:
                end.close()
        self._reader = self._connection = self._listener = None
        self._answers = {}
        self.socket_path.unlink(missing_ok=True)


def transient_unit(argv, properties):
    """The command line that runs `argv` in a transient service. systemd would expand a dollar sign in it."""
    words = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect"]
    words += [f"--property={name}={value}" for name, value in properties.items()]
    return words + ["--"] + [word.replace("$", "$$") for word in argv]
