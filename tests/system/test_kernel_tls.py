# SPDX-License-Identifier: Apache-2.0
"""Kernel TLS: where the kernel has it, large files go over HTTPS by sendfile(2), encrypted in the kernel."""

import pytest
from server import ROOT

TRACING = "/sys/kernel/tracing"


@pytest.fixture
def kernel_tls(server):
    """The server on a kernel with TLS. Whether the module is loaded is the package's affair."""
    if not server.machine.run("modprobe", "--dry-run", "tls", check=False).ok:
        pytest.skip("the kernel of this machine has no TLS; 'make test-vm' runs this test")
    return server


def counters(server):
    lines = server.machine.output("cat", "/proc/net/tls_stat").splitlines()
    return {name: int(value) for name, value in (line.split() for line in lines)}


def test_a_download_is_encrypted_by_the_kernel(kernel_tls):
    server = kernel_tls
    pid = server.started()
    machine = server.machine
    wanted = machine.output("sha256sum", f"{ROOT}/large.bin").split()[0]
    before = counters(server)["TlsTxSw"]
    machine.script(f"""
        mountpoint -q {TRACING} || mount -t tracefs tracefs {TRACING}
        echo > {TRACING}/trace
        echo 1 > {TRACING}/events/syscalls/sys_enter_sendfile64/enable""")
    try:
        server.curl("--output", "/run/ccodes-tests-ktls", "https://localhost/large.bin", timeout=120)
    finally:
        machine.run("sh", "-c", f"echo 0 > {TRACING}/events/syscalls/sys_enter_sendfile64/enable")
    assert machine.output("sha256sum", "/run/ccodes-tests-ktls").split()[0] == wanted
    assert counters(server)["TlsTxSw"] > before
    threads = machine.output("ls", f"/proc/{pid}/task").split()
    trace = machine.output("cat", f"{TRACING}/trace")
    assert any(f"-{thread} " in line for line in trace.splitlines() for thread in threads), "no sendfile by the server"
    machine.run("rm", "/run/ccodes-tests-ktls")
