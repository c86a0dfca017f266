# SPDX-License-Identifier: Apache-2.0
"""Kernel TLS: where the kernel has it, large files go over HTTPS by sendfile(2), encrypted in the kernel; where it has
not, OpenSSL encrypts and nobody need know."""

import contextlib
import re

import pytest
from server import ROOT, SERVICE

TRACING = "/sys/kernel/tracing"
EVENT = f"{TRACING}/events/syscalls/sys_exit_sendfile64/enable"
NAME = "kernel-tls.bin"
FILE = f"{ROOT}/{NAME}"
SIZE = 8 << 20  # far more than is kept in memory; where code is translated, two megabytes are encrypted in a second
OUTPUT = "/run/ccodes-tests-ktls"
RANGES = ((1, 4_000_000), (SIZE - 2_345_678, SIZE - 1))
MODULE_OFF = "/run/modprobe.d/ccodes-tests.conf"


@pytest.fixture
def server_with_file(server):
    machine = server.machine
    machine.script(f"head --bytes={SIZE} {ROOT}/large.bin >{FILE}")
    yield server
    machine.run("rm", "-f", FILE, OUTPUT)


@pytest.fixture
def kernel_tls(server_with_file):
    """The server on a kernel with TLS. Whether the module is loaded is the package's affair."""
    server = server_with_file
    if not server.machine.run("modprobe", "--dry-run", "tls", check=False).ok:
        pytest.skip("the kernel of this machine has no TLS; 'make test-vm' runs this test")
    server.started()
    return server


def encrypted_connections(machine):
    """How many connections the kernel has encrypted so far."""
    lines = machine.output("cat", "/proc/net/tls_stat").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("TlsTxSw"))


@contextlib.contextmanager
def sent_by_sendfile(server):
    """Yields a list to which the bytes are added that the server's threads sent by sendfile(2) within the block."""
    machine = server.machine
    machine.script(f"""
        mountpoint -q {TRACING} || mount -t tracefs tracefs {TRACING}
        echo >{TRACING}/trace
        echo 1 >{EVENT}""")
    sent = []
    try:
        yield sent
    finally:
        machine.script(f"echo 0 >{EVENT}")
    threads = set(machine.output("ls", f"/proc/{server.main_pid()}/task").split())
    for line in machine.output("cat", f"{TRACING}/trace").splitlines():
        found = re.search(r"-(\d+) .* sys_sendfile64 -> 0x([0-9a-f]+)", line)
        if found and found[1] in threads and int(found[2], 16) < 1 << 63:  # an errno is no count
            sent.append(int(found[2], 16))


def sha256(machine, command):
    return machine.script(f"{command} | sha256sum").out.split()[0]


def download(server, *arguments):
    server.curl("--output", OUTPUT, *arguments, f"https://localhost/{NAME}", timeout=120)
    return sha256(server.machine, f"cat {OUTPUT}")


def test_a_file_goes_by_sendfile_encrypted_by_the_kernel(kernel_tls):
    machine = kernel_tls.machine
    before = encrypted_connections(machine)
    with sent_by_sendfile(kernel_tls) as sent:
        assert download(kernel_tls, "--http1.1") == sha256(machine, f"cat {FILE}")
    assert encrypted_connections(machine) == before + 1
    assert sum(sent) == SIZE, "all of it went by sendfile"


def test_a_range_goes_by_sendfile_too(kernel_tls):
    machine = kernel_tls.machine
    for first, last in RANGES:
        with sent_by_sendfile(kernel_tls) as sent:
            got = download(kernel_tls, "--http1.1", "--range", f"{first}-{last}")
        length = last - first + 1
        assert got == sha256(machine, f"tail --bytes=+{first + 1} {FILE} | head --bytes={length}")
        assert sum(sent) == length


def test_older_tls_and_other_ciphers_are_right_too(kernel_tls):
    """Whichever the kernel knows; what it does not know OpenSSL encrypts."""
    wanted = sha256(kernel_tls.machine, f"cat {FILE}")
    for arguments in (("--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"),
                      ("--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305"),
                      ("--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"), ("--http2",)):
        assert download(kernel_tls, *arguments) == wanted, arguments


# Asks for new keys after each answer, until the connection ends or three have been granted.
UPDATE_KEYS = """
import contextlib, subprocess
client = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:443", "-servername", "localhost"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
def say(words):
    with contextlib.suppress(BrokenPipeError):  # it may have ended
        client.stdin.write(words)
        client.stdin.flush()

def until(word, times=1):
    seen = b""
    while seen.count(word) < times:
        data = client.stdout.read1()
        seen += data
        if not data or b"\\nclosed\\n" in seen:
            break
    assert b"decryption failed" not in seen, seen
    return seen.count(word) >= times

granted = 0
while granted < 3:
    say(b"GET /small.txt HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    if not until(b"small file\\n", 85):  # s_client may say something in between
        break
    say(b"K\\n")
    until(b"KEYUPDATE")
    granted += 1
client.kill()
print(granted)
"""


def test_a_client_that_asks_for_new_keys_is_not_sent_nonsense(kernel_tls):
    """The kernel keeps its keys, so that the connection ends; what came together with the wish is answered yet."""
    assert kernel_tls.machine.output("python3", "-c", UPDATE_KEYS) in ("1", "2")


@pytest.fixture
def without_kernel_tls(server_with_file):
    """The server where the kernel has no TLS, or cannot load it."""
    server = server_with_file
    machine = server.machine
    server.stop()
    machine.script(f"""
        mkdir -p "$(dirname {MODULE_OFF})"
        echo 'install tls /bin/false' >{MODULE_OFF}
        if grep -q '^tls ' /proc/modules; then rmmod tls; fi""")
    yield server
    server.stop()
    machine.run("rm", "-f", MODULE_OFF)


def test_without_it_openssl_encrypts_and_nobody_need_know(without_kernel_tls):
    server = without_kernel_tls
    machine = server.machine
    cursor = machine.journal_cursor()
    server.started()
    assert not machine.run("grep", "-q", "^tls ", "/proc/modules", check=False).ok
    wanted = sha256(machine, f"cat {FILE}")
    assert download(server, "--http1.1") == download(server, "--http2") == wanted
    for first, last in RANGES:
        got = download(server, "--http1.1", "--range", f"{first}-{last}")
        assert got == sha256(machine, f"tail --bytes=+{first + 1} {FILE} | head --bytes={last - first + 1}")
    assert machine.output("python3", "-c", UPDATE_KEYS) == "3"
    said = [entry["MESSAGE"] for entry in machine.journal(f"--unit={SERVICE}", "--priority=warning", since=cursor)]
    assert not [text for text in said if "file descriptors" not in text], "a container may have few of those"
