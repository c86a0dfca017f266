# SPDX-License-Identifier: Apache-2.0
"""What every attack is measured by: an honest client beside it, the daemon's memory, and what the log says of the offender.

    with under_attack(server, cause="http2-flood") as attack:
        attack.strike(attacker)             # attacker(connection) returns once it was cut, and raises if it was not

A defence that is never seen to fail proves nothing. With CCODES_UNDEFENDED=1 in the environment, `defences` gives the
configuration that switches it off, where there is one, and the test has to fail.
"""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

RATE = 50  # honest requests a second
ANSWERED_MIN = 0.999
MEMORY_MAX_KIB = 24 * 1024  # that the daemon may grow by
STRIKES = 3  # how often each attacker comes back
ATTACKERS = 4  # at a time
PATIENCE = 60  # seconds for all strikes together

SANITIZED = bool(os.environ.get("CCODES_SANITIZED"))  # sanitizers keep what was freed: memory says nothing then
UNDEFENDED = bool(os.environ.get("CCODES_UNDEFENDED"))


def defences(limits, without):
    """Of two pieces of configuration, the one with the defence, or the one without it."""
    return without if UNDEFENDED else limits


def memory_kib(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def refusals(server, cause):
    """The log's lines about clients that were refused for this."""
    return [line for line in server.log().splitlines() if f"refused ({cause})" in line]


class Attack:
    def __init__(self, server, path):
        self.server = server
        self.before = self.peak = memory_kib(server)
        self.over = threading.Event()
        self.honest = subprocess.Popen([sys.executable, Path(__file__).with_name("honest.py"), str(server.port), path,
                                        str(RATE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.watch = threading.Thread(target=self._watch)
        self.watch.start()
        self.begun = time.monotonic()

    def _watch(self):
        while not self.over.wait(0.05):
            self.peak = max(self.peak, memory_kib(self.server))

    def finish(self):
        self.over.set()
        self.watch.join()
        self.report = json.loads(self.honest.communicate("")[0])
        self.seconds = time.monotonic() - self.begun

    def strike(self, attacker, secure=False, alpn=None, attackers=ATTACKERS, strikes=STRIKES):
        """Several attackers at a time, each coming back when it was cut. Their returns, in no order."""
        outcomes, failures = [], []

        def come_back():
            try:
                for _ in range(strikes):
                    with self.server.connect(secure, alpn) as connection:
                        outcomes.append(attacker(connection))
            except Exception as failure:  # for the main thread to raise
                failures.append(failure)

        threads = [threading.Thread(target=come_back, daemon=True) for _ in range(attackers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0, self.begun + PATIENCE - time.monotonic()))
        if failures:
            raise failures[0]
        assert not any(thread.is_alive() for thread in threads), "an attacker was not cut"
        return outcomes


@contextmanager
def under_attack(server, cause=None, path="/a.txt", memory_max_kib=MEMORY_MAX_KIB, offenders=1):
    """Holds the daemon to its bars while the block runs. `cause` is what the log is to say of each offender, at most once a second."""
    assert server.get(path).status == 200  # what is made on first use is made before memory is looked at
    attack = Attack(server, path)
    try:
        yield attack
    finally:
        attack.finish()
    report = attack.report
    assert report["answered"] >= ANSWERED_MIN * report["asked"], report
    assert SANITIZED or attack.peak - attack.before <= memory_max_kib, f"{attack.before} KiB grew to {attack.peak} KiB"
    assert server.get(path).status == 200
    if cause:
        assert 1 <= len(refusals(server, cause)) <= offenders * (attack.seconds + 2), server.log()
    print(f"{report}, {attack.before} KiB grew to {attack.peak} KiB in {attack.seconds:.1f} s")
