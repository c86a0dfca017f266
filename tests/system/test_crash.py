# SPDX-License-Identifier: Apache-2.0
"""What ends or stops the daemon: SIGKILL in a loop, and a worker that makes no progress. Nobody is ever refused."""

import time

import pytest
from server import SERVICE

BACK_SECONDS = 1.0
IN_FLIGHT = 11  # of the gentle load at most: four clients of HTTP/1.1, five streams, two WebSockets


def seconds_to_answer(server):
    """What a client that comes right now waits for its answer, the server's new start included."""
    return float(server.curl("--output", "/dev/null", "--write-out", "%{time_total}", "--fail",
                             "http://127.0.0.1/small.txt").out)


def seconds_to_start_nothing(server):
    """What the machine itself takes for the start of a service, when it has other things to do as well."""
    began = time.monotonic()
    server.machine.run("true", unit={})
    return time.monotonic() - began


def next_pid(server, gone):
    """The main process once it is another than `gone` and ready; 0 until then."""
    pid = server.main_pid()
    return pid if pid != gone and server.state() == "active" else 0


# Stops one thread until its process is ended, as a bug that blocks it would.
STALL = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
    if libc.ptrace(request, int(sys.argv[1]), None, None) < 0:
        sys.exit(f"ptrace: errno {ctypes.get_errno()}")
WAIT_ALL = 0x40000000
while os.WIFSTOPPED(os.waitpid(int(sys.argv[1]), WAIT_ALL)[1]):
    pass
"""
WORKER_STUCK = "04441a1a18954144bb181374d1374a18"  # MESSAGE_ID_WORKER_STUCK of src/shared/message_id.h


def test_killed_again_and_again(server, figure):
    pid = server.started()
    waited, back, noise = [], [], []
    with server.load(gentle=True) as report:
        for _ in range(server.machine.rounds):
            noise.append(seconds_to_start_nothing(server))
            began = time.monotonic()
            server.machine.run("kill", "-KILL", pid)
            waited.append(seconds_to_answer(server))
            pid = server.machine.wait_until(lambda gone=pid: next_pid(server, gone), "the service runs again")
            back.append(time.monotonic() - began)
    # What was in flight at the kill is lost and no more; a connection is never refused.
    assert report["refused"] == 0 and report["wrong"] == 0, report
    assert report["lost"] <= IN_FLIGHT * server.machine.rounds, report
    assert report["answered"] > server.machine.rounds
    figure("a service that does nothing, worst: over after (ms)", round(1000 * max(noise)))
    figure("kill -9, worst: answered again after (ms)", round(1000 * max(waited)))
    figure("kill -9, worst: the unit active again after (ms)", round(1000 * max(back)))
    if server.machine.keeps_time:
        assert max(waited) < BACK_SECONDS + max(noise), (waited, noise)
        assert max(back) < BACK_SECONDS + max(noise), (back, noise)
    assert server.state() == "active"
    assert server.state("ccodes-server-http.socket") == "active"
    assert int(server.unit_property(SERVICE, "NRestarts")) >= server.machine.rounds


@pytest.fixture
def impatient(server):
    """The server with a watchdog that does not wait half a minute."""
    folder = f"/run/systemd/system/{SERVICE}.d"
    seconds = 3 if server.machine.keeps_time else 20
    server.machine.script(f"""
        mkdir -p {folder}
        printf '[Service]\\nWatchdogSec={seconds}\\n' >{folder}/99-test.conf
        systemctl daemon-reload
        systemctl restart {SERVICE}""", timeout=90)
    yield server
    server.machine.script(f"rm -r {folder}; systemctl daemon-reload; systemctl restart {SERVICE}", timeout=90)


def test_one_worker_without_progress_is_enough_for_the_watchdog(impatient):
    machine = impatient.machine
    pid = impatient.started()
    cursor = machine.journal_cursor()
    workers = machine.script(f"grep -l ^worker /proc/{pid}/task/*/comm").out.split()
    assert len(workers) == 2
    stalled = machine.spawn("python3", "-c", STALL, workers[0].split("/")[4], timeout=120)
    try:
        machine.wait_until(lambda: next_pid(impatient, pid), "the watchdog has ended it, and it runs again", 30)
    finally:
        stalled.signal()
        stalled.wait(check=False)
    entry, = machine.journal("--unit=ccodes-server", f"MESSAGE_ID={WORKER_STUCK}", since=cursor)
    assert "no progress" in entry["MESSAGE"]
    assert "watchdog" in " ".join(e["MESSAGE"] for e in machine.journal("--unit=ccodes-server", since=cursor)).lower()
    assert impatient.get("http://localhost/small.txt").status == 200
