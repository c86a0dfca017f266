# SPDX-License-Identifier: Apache-2.0
"""Boots a tree in a virtual machine under Debian's own kernel, with KVM where there is one.

Without KVM qemu translates the code. That proves behaviour which a container cannot show (cgroup v2, kernel TLS,
another kernel), never speed: a fork is then some seven times slower inside and cryptography up to sixty times.
"""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import image
import initrd
from machine import Machine

DISK_SIZE = "3G"
MEMORY_MIB = 1024
KERNEL_PACKAGE = "linux-image-cloud-amd64"
# The machine's ports that this host reaches, through ports of its own loopback; nothing goes the other way.
REACHED_PORTS = (80, 443)
NETWORK = """
modprobe virtio_net
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
"""
# Without udev no device ever shows up as a unit, so a getty would wait for its terminal.
COMMAND_LINE = ("console=ttyS0 rw quiet panic=-1 mitigations=off nokaslr audit=0 systemd.show_status=no "
                "systemd.mask=serial-getty@ttyS0.service")


def missing():
    """Why no virtual machine can be booted here; None if one can."""
    if os.geteuid() != 0:
        return "making the disk of a virtual machine takes root"
    programs = {"qemu-system-x86_64": "qemu-system-x86", "debootstrap": "debootstrap", "mkfs.ext4": "e2fsprogs",
                "modprobe": "kmod", "cc": "gcc"}
    for program, package in programs.items():
        if shutil.which(program) is None:
            return f"there is no {program} (package {package})"
    if os.uname().machine != "x86_64":
        return f"the virtual machine is for x86_64, and this is {os.uname().machine}"
    return None


def has_kvm():
    """Whether the processor runs the machine. KVM without its help (kvm_pvm in a rented machine) runs no kernel that was
    not made for it, Debian's neither."""
    hardware = any(Path("/sys/module", name).exists() for name in ("kvm_intel", "kvm_amd"))
    return hardware and os.access("/dev/kvm", os.R_OK | os.W_OK)


def unpack_kernel(tree: Path, folder: Path):
    """Puts Debian's kernel into `folder` and its modules into the tree, without installing it. Returns its release."""
    with image.working_apt(tree):
        wanted = image.run("chroot", tree, "apt-cache", "depends", KERNEL_PACKAGE)
        package = next(line.split()[-1] for line in wanted.splitlines() if "Depends: linux-image-" in line)
        image.run("chroot", tree, "sh", "-c", f"cd /var/tmp && apt-get -qy download {package}",
                  env=image.chroot_environment())
    file = next((tree / "var/tmp").glob("linux-image-*.deb"))
    # Not straight into the tree, where /lib is a link that dpkg-deb would replace.
    unpacked = folder / "unpacked"
    image.run("dpkg-deb", "--extract", file, unpacked)
    file.unlink()
    kernel = next((unpacked / "boot").glob("vmlinuz-*"))
    release = kernel.name.removeprefix("vmlinuz-")
    kernel.rename(folder / "kernel")
    modules = next(path for path in (unpacked / "usr/lib/modules", unpacked / "lib/modules") if path.exists())
    modules.rename(tree / "usr/lib/modules")
    shutil.rmtree(unpacked)
    image.run("depmod", "--basedir", tree, release)
    return release


def disk_folder(tree: Path):
    """A cached folder with kernel, ramdisk and disk made from the tree."""
    def make(folder):
        copy = folder / "tree"
        image.run("cp", "--archive", "--reflink=auto", tree, copy)
        release = unpack_kernel(copy, folder)
        initrd.build(copy, release, folder, folder / "initrd")
        image.run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,nodiscard", "-m", "0", "-d", copy,
                  folder / "disk", DISK_SIZE)
        shutil.rmtree(copy)

    here = image.HERE
    sources = [(here / name).read_text() for name in ("vm.py", "initrd.py", "vm/init.c")]
    return image.cached(f"disk-{image.suite()}-{image.key_of(tree.name, *sources)}", make)


def free_ports(count):
    """Ports of the loopback that nobody has at the moment."""
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


class VirtualMachine(Machine):
    kind = "vm"
    keeps_time = False

    def __init__(self, folder, tree):
        super().__init__(folder, tree)
        self.has_kvm = has_kvm()
        self.patience = 2 if self.has_kvm else 8
        self.rounds = Machine.rounds if self.has_kvm or "CCODES_ROUNDS" in os.environ else 5
        self.ports = {}

    @staticmethod
    def prepare(tree):
        disk_folder(tree)

    @property
    def disk(self):
        """The machine's own copy of the disk, which outlives a power cut."""
        return self.folder / "disk"

    def start(self):
        parts = disk_folder(self.tree)
        if not self.disk.exists():
            image.run("cp", "--sparse=always", "--reflink=auto", parts / "disk", self.disk)
        self.listen()
        accelerator = "kvm" if self.has_kvm else "tcg,thread=multi"
        self.ports = dict(zip(REACHED_PORTS, free_ports(len(REACHED_PORTS))))
        forwards = [f"hostfwd=tcp:127.0.0.1:{outer}-:{inner}" for inner, outer in self.ports.items()]
        argv = ["setpriv", "--pdeathsig", "TERM", "--", "qemu-system-x86_64", "-machine", "q35",
                "-accel", accelerator, "-cpu", "max", "-smp", "2", "-m", str(MEMORY_MIB),
                "-nodefaults", "-display", "none", "-no-reboot", "-serial", f"file:{self.console_path}",
                "-kernel", str(parts / "kernel"), "-initrd", str(parts / "initrd"), "-append", COMMAND_LINE,
                "-drive", f"if=none,id=root,file={self.disk},format=raw,cache=unsafe",
                "-device", "virtio-blk-pci,drive=root",
                "-device", "virtio-rng-pci",
                "-netdev", ",".join(["user,id=net,restrict=on", *forwards]), "-device", "virtio-net-pci,netdev=net",
                "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={self.socket_path}",
                "-device", "virtserialport,chardev=agent,name=ccodes-tests"]
        with open(self.folder / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        self.meet()
        self.script(NETWORK)

    def outside(self, *argv):
        return list(argv)

    def address(self, port):
        return "127.0.0.1", self.ports[port]

    def console(self):
        return f"{super().console()}\n{(self.folder / 'qemu.log').read_text(errors='replace')}"

    def cut_power(self):
        """Ends the machine at once: what it has not written to its disk is gone. start() boots it again."""
        self.process.kill()
        self.process.wait()
        self.hang_up()

    def shut_down(self):
        # The disk is thrown away: nothing in it is worth an orderly end.
        self.process.terminate()
