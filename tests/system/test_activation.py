# SPDX-License-Identifier: Apache-2.0
"""From the fresh package to the first file: sockets, activation by the first connection, HTTP and HTTPS."""

from server import ADMIN_SOCKET, ROOT, SERVICE, SOCKETS


def test_a_fresh_package_listens_before_anything_runs(installed):
    assert installed.output("systemctl", "list-units", "--failed", "--plain", "--no-legend") == ""
    for unit in SOCKETS:
        assert installed.output("systemctl", "is-active", unit, check=False) == "active"
    ports = installed.output("ss", "--listening", "--tcp", "--numeric", "--no-header")
    assert ":80 " in ports and ":443 " in ports


def test_a_fresh_package_answers_the_first_connection(installed):
    status = installed.output("curl", "--silent", "--show-error", "--output", "/dev/null", "--write-out",
                              "%{http_code}", "http://127.0.0.1/", timeout=30)
    assert 200 <= int(status) < 500
    installed.wait_until(lambda: installed.run("systemctl", "is-active", SERVICE, check=False).ok,
                         "the service is active")


def test_the_first_connection_starts_the_service(server):
    for scheme in ("http", "https"):
        server.stop()
        response = server.get(f"{scheme}://localhost/small.txt")
        assert (response.status, response.body) == (200, "small file\n" * 90)
        server.machine.wait_until(lambda: server.state() == "active", "the service is active")


FIRST_BYTE = """
import socket, subprocess, sys, time
began = time.monotonic()
if sys.argv[1] == "start":
    subprocess.Popen(["systemctl", "start", "--no-block", "ccodes-server.service"])
with socket.create_connection(("127.0.0.1", 80)) as connection:
    connection.sendall(b"GET /small.txt HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    answer = connection.recv(4096)
print(1000 * (time.monotonic() - began), answer.split()[1].decode())
"""


def test_how_long_a_start_takes(server, figure):
    """The figures are for people: what they must not exceed, the benches say on a machine that is quiet."""
    for way in ("start", "connection"):
        taken = []
        for _ in range(5 if server.machine.keeps_time else 1):
            server.stop()
            milliseconds, status = server.machine.output("python3", "-c", FIRST_BYTE, way).split()
            assert status == "200"
            taken.append(float(milliseconds))
            server.machine.wait_until(lambda: server.state() == "active", "the service is active")
        figure(f"start by {way} to first byte, median (ms)", round(sorted(taken)[len(taken) // 2], 1))


def test_files_over_http_and_https(server):
    for scheme in ("http", "https"):
        page = server.get(f"{scheme}://localhost/")
        assert page.status == 200 and "It works." in page.body
        assert page.fields["content-type"].startswith("text/html")
        assert server.get(f"{scheme}://localhost/missing").status == 404
    for address in ("127.0.0.1", "[::1]"):
        assert server.get(f"https://{address}/small.txt").status == 200


def test_a_large_file_arrives_whole(server):
    wanted = server.machine.output("sha256sum", f"{ROOT}/large.bin").split()[0]
    for scheme in ("http", "https"):
        server.curl("--output", "/run/ccodes-tests-large", f"{scheme}://localhost/large.bin", timeout=60)
        assert server.machine.output("sha256sum", "/run/ccodes-tests-large").split()[0] == wanted
        server.machine.run("rm", "/run/ccodes-tests-large")


def test_the_admin_socket_answers_locally_only(server):
    server.started()
    assert server.admin("/healthz").status == 200
    assert server.admin("/readyz").status == 200
    metrics = server.admin("/metrics")
    assert metrics.status == 200 and "ccodes_http_requests" in metrics.body
    assert server.get("http://localhost/metrics").status == 404
    mode = server.machine.output("stat", "--format=%a", ADMIN_SOCKET)
    assert mode.endswith("0"), f"others may reach {ADMIN_SOCKET}: mode {mode}"


def test_connections_spread_over_the_workers(server):
    """Each of the two workers takes a fair part of 200 connections: it uses the processor for them."""
    pid = server.started()

    def times():
        out = server.machine.script(f"""
            for task in /proc/{pid}/task/*; do
                echo "$(cat $task/comm) $(cut -d' ' -f1 $task/schedstat)"
            done""").out
        return [int(line.split()[-1]) for line in out.splitlines() if line.startswith("worker")]

    before = times()
    assert len(before) == 2
    for _ in range(2):
        server.curl("--parallel", "--parallel-max", "100", "--no-keepalive", "--output", "/dev/null",
                    "--header", "Connection: close", "http://127.0.0.1/small.txt?[1-100]", timeout=60)
    used = [after - earlier for after, earlier in zip(times(), before)]
    assert min(used) > sum(used) / 10, f"processor time of the workers: {used}"
