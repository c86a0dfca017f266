# SPDX-License-Identifier: Apache-2.0
"""The rig itself: what the other tests rely on is really there, so that none of them passes for want of it."""

import image
import pytest
from intrusion import got_through, intrude
from machine import CommandFailed

LANDLOCK_AND_BPF = """
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
LANDLOCK_CREATE_RULESET, LANDLOCK_VERSION = 444, 1
BPF, BPF_MAP_CREATE, BPF_MAP_TYPE_ARRAY = 321, 0, 2

def call(*arguments):
    value = libc.syscall(*arguments)
    return value if value >= 0 else os.strerror(ctypes.get_errno())

attributes = ctypes.create_string_buffer(struct.pack("=5I", BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0), 128)
print(call(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_VERSION),
      call(BPF, BPF_MAP_CREATE, attributes, 128))
"""


def test_it_boots_without_a_failed_unit(machine):
    assert machine.output("systemctl", "is-system-running", "--wait", check=False, timeout=120) == "running"
    assert machine.output("systemctl", "list-units", "--failed", "--plain", "--no-legend") == ""


def test_a_command_has_input_output_and_status(machine):
    result = machine.run("sh", "-c", "cat; echo '$x' >&2; exit 3", stdin="text", check=False)
    assert (result.code, result.out, result.err) == (3, "text", "$x\n")
    with pytest.raises(CommandFailed, match="exit status 3"):
        machine.run("sh", "-c", "exit 3")


def test_a_command_that_hangs_is_ended(machine):
    assert machine.run("sleep", "1000", timeout=0.5, check=False).late


def test_commands_overlap(machine):
    waiting = machine.spawn("sh", "-c", "until [ -e /run/rig-overlap ]; do sleep 0.05; done; echo seen")
    machine.run("touch", "/run/rig-overlap")
    assert waiting.wait().out == "seen\n"


def test_files_go_in_and_come_back(machine):
    content = bytes(range(256)) * 4000
    machine.put("/run/rig/file", content, 0o640)
    assert machine.output("stat", "--format=%a %s", "/run/rig/file") == f"640 {len(content)}"
    assert machine.get("/run/rig/file") == content


def test_the_journal_can_be_read(machine):
    cursor = machine.journal_cursor()
    machine.run("logger", "--journald", stdin="MESSAGE=rig entry\nRIG_FIELD=value\n")
    entries = machine.wait_until(lambda: machine.journal("RIG_FIELD=value", since=cursor), "the entry in the journal")
    assert [entry["MESSAGE"] for entry in entries] == ["rig entry"]


def test_a_transient_unit_keeps_dollars(machine):
    assert machine.output("echo", "$HOME ${x} $$", unit={}) == "$HOME ${x} $$"


def test_memory_limit_limits(machine):
    take = ("python3", "-c", "print(len(bytearray(100 << 20)))")
    assert machine.run(*take, unit={"MemoryMax": "300M"}, timeout=30).ok
    assert not machine.run(*take, unit={"MemoryMax": "50M"}, timeout=30, check=False).ok


def test_task_limit_limits(machine):
    fork = ("python3", "-c", "import os; [os.fork() or os._exit(0) for _ in range(20)]")
    assert machine.run(*fork, unit={"TasksMax": "100"}).ok
    assert "BlockingIOError" in machine.run(*fork, unit={"TasksMax": "5"}, check=False).err


def test_landlock_and_bpf_are_possible(machine):
    landlock, _, bpf = machine.output("python3", "-c", LANDLOCK_AND_BPF).partition(" ")
    assert landlock.isdigit() and int(landlock) >= 1, f"Landlock: {landlock}"
    assert bpf.isdigit(), f"bpf: {bpf}"


def test_the_intruder_gets_through_where_there_is_no_sandbox(machine):
    """The sandbox is later shown by attempts that fail. Here each of them succeeds, in an ordinary process of root."""
    def victim():
        machine.run("systemd-run", "--quiet", "--collect", "--unit=rig-victim", "--service-type=exec", "python3", "-c",
                    "import select; select.epoll().poll(600)")
        return machine.output("systemctl", "show", "--property=MainPID", "--value", "rig-victim")

    machine.script("mkdir -p /run/rig-victim; touch /run/rig-victim/file")
    try:
        results = intrude(machine, victim, "/run/rig-victim/file", ["/run/rig-victim"])
    finally:
        machine.run("systemctl", "stop", "rig-victim", check=False)
    assert len(results) > 15
    failed = set(results) - got_through(results)
    # A container has no such device, and its own filter and capabilities refuse some.
    assert failed <= {"read the host's devices", "new user namespace", "bpf", "io_uring"}, results
    assert machine.run("test", "-e", "/run/rig-victim/intruder").ok


def test_what_a_machine_writes_is_forgotten(machine):
    machine.run("touch", "/etc/rig-was-here")
    assert not (machine.tree / "etc/rig-was-here").exists()


def test_the_tree_comes_from_the_cache(machine, packages, monkeypatch):
    made = []
    monkeypatch.setattr(image, "working_apt", made.append)
    assert image.test_tree(image.package_depends(packages)) == machine.tree
    assert not made


def test_the_virtual_machine_has_what_it_is_for(machine):
    if machine.kind != "vm":
        pytest.skip("only in a virtual machine: its own kernel, cgroup v2 and kernel TLS")
    assert machine.output("uname", "-r").endswith("-cloud-amd64")
    assert machine.output("stat", "--file-system", "--format=%T", "/sys/fs/cgroup") == "cgroup2fs"
    machine.run("modprobe", "--dry-run", "tls")
