# SPDX-License-Identifier: Apache-2.0
"""A cgroup of its own for a container, in every hierarchy that the host has, so that limits inside really limit.

Where systemd runs the host it is asked for a delegated scope instead; see nspawn.py.
"""

import os
import time
from pathlib import Path


def hierarchies():
    """Each mounted cgroup hierarchy, with whether it is version 2."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            mount, _, rest = line.partition(" - ")
            kind = rest.split()[0]
            if kind in ("cgroup", "cgroup2"):
                found.append((Path(mount.split()[4]), kind == "cgroup2"))
    return found


class CgroupSet:
    """The folders named `name` at the top of each hierarchy."""

    def __init__(self, name):
        self.name = name
        self.folders = []

    def create(self):
        for top, second in hierarchies():
            folder = top / self.name
            folder.mkdir()
            self.folders.append(folder)
            if second:
                self._pass_on_controllers(top)
            # Version 1 starts a new cpuset empty, and then nothing can be put into it.
            for name in ("cpuset.cpus", "cpuset.mems"):
                if not second and (top / name).exists():
                    (folder / name).write_text((top / name).read_text())

    @staticmethod
    def _pass_on_controllers(top):
        wanted = (top / "cgroup.controllers").read_text().split()
        if wanted:
            (top / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))

    def join(self):
        """Moves the calling process in. For the child, between fork and exec."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        """Removes the folders and what the container made beneath them. A dead process can linger for a moment."""
        for folder in self.folders:
            inner = [Path(path) for path, _, _ in os.walk(folder, topdown=False)]
            for path in inner:
                remove_patiently(path)
        self.folders = []


def remove_patiently(path: Path):
    end = time.monotonic() + 5
    while path.exists():
        try:
            path.rmdir()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
