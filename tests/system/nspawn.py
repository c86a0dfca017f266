# SPDX-License-Identifier: Apache-2.0
"""Boots a tree under systemd-nspawn, with what it writes kept in memory and forgotten at the end."""

import concurrent.futures
import ctypes
import os
import shutil
import signal
import subprocess
from pathlib import Path

from cgroups import CgroupSet
from machine import Machine, MachineError

# nspawn mounts version 1 controllers read-only, with which systemd inside would set limits that do not limit.
INIT = """#!/bin/sh
for folder in /sys/fs/cgroup/*/; do
    if mountpoint -q "$folder"; then mount -o remount,rw,bind "$folder"; fi
done
exec /lib/systemd/systemd
"""
# What our services call and nspawn's own filter would refuse.
SYSTEM_CALLS = "@keyring bpf landlock_create_ruleset landlock_add_rule landlock_restrict_self"
CLONE_NEWNET = 0x40000000


def missing():
    """Why no container can be booted here; None if one can."""
    if os.geteuid() != 0:
        return "booting a container takes root"
    for program, package in (("systemd-nspawn", "systemd-container"), ("debootstrap", "debootstrap"),
                             ("nsenter", "util-linux")):
        if shutil.which(program) is None:
            return f"there is no {program} (package {package})"
    with open("/proc/filesystems", encoding="ascii") as file:
        if "\toverlay\n" not in file.read() and subprocess.run(["modprobe", "overlay"], check=False).returncode != 0:
            return "the kernel has no overlayfs"
    return None if is_under_systemd() else missing_cgroups()


def is_under_systemd():
    return os.path.isdir("/run/systemd/system")


def missing_cgroups():
    """Where no systemd gives a scope, the cgroups have to be made by hand."""
    trial = CgroupSet(f"ccodes-tests-{os.getpid()}-trial")
    try:
        trial.create()
    except OSError as error:
        return f"no cgroup can be made here: {error}"
    finally:
        trial.remove()
    return None


class NspawnMachine(Machine):
    kind = "nspawn"

    def __init__(self, folder, tree):
        super().__init__(folder, tree)
        self.name = f"ccodes-tests-{os.getpid()}"
        self.cgroups = CgroupSet(self.name)

    def start(self):
        init = self.folder / "init"
        init.write_text(INIT)
        init.chmod(0o755)
        self.listen()
        argv = ["systemd-nspawn", "--quiet", f"--directory={self.tree}", "--volatile=overlay",
                f"--machine={self.name}", "--register=no", "--keep-unit", "--console=pipe", "--private-network",
                "--kill-signal=SIGRTMIN+3", f"--system-call-filter={SYSTEM_CALLS}",
                f"--bind={self.folder}:/run/ccodes-tests", "/run/ccodes-tests/init"]
        join = None
        if is_under_systemd():
            argv = ["systemd-run", "--quiet", "--scope", "--collect", f"--unit={self.name}",
                    "--property=Delegate=yes", "--", *argv]
        else:
            self.cgroups.create()
            join = self.cgroups.join
        # The container must not outlive a test run that was killed.
        argv = ["setpriv", "--pdeathsig", "TERM", "--", *argv]
        with open(self.console_path, "wb") as console:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                            start_new_session=True, preexec_fn=join)
        self.meet()

    def _network(self):
        """The network namespace of the container, in which programs of the host see what it sees."""
        host = os.stat("/proc/self/ns/net").st_ino
        children = [self.process.pid]
        while children:
            pid = children.pop()
            network = Path(f"/proc/{pid}/ns/net")
            if network.stat().st_ino != host:
                return network
            children += Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        raise MachineError("no process of the container has a network of its own")

    def outside(self, *argv):
        return ["nsenter", f"--net={self._network()}", "--", *argv]

    def address(self, port):
        return "127.0.0.1", port

    def connect(self, port):
        def enter_and_connect():
            with open(self._network(), "rb") as network:
                if libc.setns(network.fileno(), CLONE_NEWNET) < 0:
                    raise OSError(ctypes.get_errno(), "setns")
            return super(NspawnMachine, self).connect(port)

        libc = ctypes.CDLL(None, use_errno=True)
        # A thread of its own, since only that changes over; the socket stays where it was made.
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            return thread.submit(enter_and_connect).result()

    def shut_down(self):
        self.process.send_signal(signal.SIGTERM)

    def clean_up(self):
        self.cgroups.remove()
