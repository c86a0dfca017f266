# SPDX-License-Identifier: Apache-2.0
"""The initial ramdisk of the virtual machine: the program vm/init.c and the few kernel modules it needs."""

import stat
import subprocess
from pathlib import Path

from image import HERE, run

MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "virtio_rng"]


class Archive:
    """A cpio archive of the form that the kernel unpacks ("newc")."""

    def __init__(self):
        self.content = bytearray()
        self.entries = 0

    def add(self, name, mode, data=b"", device=(0, 0)):
        self.entries += 1
        encoded = name.encode() + b"\0"
        fields = [self.entries, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0]
        self.content += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self._pad()
        self.content += data
        self._pad()

    def _pad(self):
        self.content += bytes(-len(self.content) % 4)

    def finish(self):
        self.add("TRAILER!!!", 0)
        return bytes(self.content)


def module_files(tree: Path, release):
    """The files of MODULES and of what they need, in the order of loading."""
    files = []
    for module in MODULES:
        out = run("modprobe", "--dirname", tree, "--set-version", release, "--show-depends", module)
        for line in out.splitlines():
            kind, _, path = line.strip().partition(" ")
            if kind == "insmod" and path not in files:
                files.append(path)
    return [Path(path) for path in files]


def compile_init(output: Path):
    run("cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-static", "-o", output, HERE / "vm/init.c")


def unpacked_module(path: Path):
    """A module's bytes as the kernel takes them; Debian 13 compresses the files."""
    if path.suffix == ".xz":
        return subprocess.run(["xz", "--decompress", "--stdout", path], check=True, capture_output=True).stdout
    return path.read_bytes()


def build(tree: Path, release, work: Path, output: Path):
    """Makes the ramdisk for the modules of that kernel release in the tree."""
    archive = Archive()
    for folder in ("dev", "root", "m"):
        archive.add(folder, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    compile_init(work / "init")
    archive.add("init", stat.S_IFREG | 0o755, (work / "init").read_bytes())
    names = []
    for path in module_files(tree, release):
        names.append("m/" + path.name.removesuffix(".xz"))
        archive.add(names[-1], stat.S_IFREG | 0o644, unpacked_module(path))
    archive.add("modules", stat.S_IFREG | 0o644, "".join(f"/{name}\n" for name in names).encode())
    output.write_bytes(archive.finish())
