# SPDX-License-Identifier: Apache-2.0
"""SIGKILL in a loop: the service is back within a second each time, and nobody is ever refused."""

from server import SERVICE

BACK_SECONDS = 1.0


def seconds_to_answer(server):
    """What a client that comes right now waits for its answer, the server's new start included."""
    return float(server.curl("--output", "/dev/null", "--write-out", "%{time_total}", "--fail",
                             "http://127.0.0.1/small.txt").out)


def next_pid(server, gone):
    """The main process once it is another than `gone` and ready; 0 until then."""
    pid = server.main_pid()
    return pid if pid != gone and server.state() == "active" else 0


def test_killed_again_and_again(server):
    pid = server.started()
    waited = []
    with server.load() as report:
        for _ in range(server.machine.rounds):
            server.machine.run("kill", "-KILL", pid)
            waited.append(seconds_to_answer(server))
            pid = server.machine.wait_until(lambda gone=pid: next_pid(server, gone), "the service runs again")
    # What was in flight at the kill is lost, once for each client; a connection is never refused.
    assert report["refused"] == 0 and report["wrong"] == 0, report
    assert report["lost"] <= 8 * server.machine.rounds, report
    assert report["answered"] > server.machine.rounds
    if server.machine.keeps_time:
        assert max(waited) < BACK_SECONDS, waited
    assert server.state() == "active"
    assert server.state("ccodes-server-http.socket") == "active"
    assert int(server.unit_property(SERVICE, "NRestarts")) >= server.machine.rounds
