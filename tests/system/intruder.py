# SPDX-License-Identifier: Apache-2.0
"""Runs inside the machine under test: makes a running daemon do system calls, as somebody who took it over could.

Root stops the daemon's main thread, and has it execute one system call after the other with its own rights, filters
and namespaces. Prints a JSON object: for each attempt what the call returned, or "killed" when the daemon was ended
for it, which ends the attempts. x86_64 only.
"""

import argparse
import ctypes
import json
import os
import signal
import socket
import struct
import sys
import time

PTRACE_CONT, PTRACE_SINGLESTEP, PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_DETACH = 7, 9, 12, 13, 17
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WAIT_ALL = 0x40000000  # __WALL

OPEN, MMAP, MPROTECT, SOCKET, CONNECT, EXECVE, KILL = 2, 9, 10, 41, 42, 59, 62
PTRACE, SETUID, CLOSE, GETPID, UNLINK, UNSHARE = 101, 105, 3, 39, 87, 272
OPENAT, BPF, OPENAT2, IO_URING_SETUP, MEMFD_CREATE, TGKILL = 257, 321, 437, 425, 319, 234
PROT_READ, PROT_WRITE, PROT_EXEC, MAP_PRIVATE, MAP_ANONYMOUS = 1, 2, 4, 2, 0x20
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
AT_FDCWD = (1 << 64) - 100
NO_SYSTEM_CALL = (1 << 64) - 1


class Registers(ctypes.Structure):
    """struct user_regs_struct"""
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi",
        "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs")]


class Killed(Exception):
    """The daemon was ended for what it did."""


class Intruder:
    """Has a stopped thread of another process execute system calls. Everything is put back at the end."""

    def __init__(self, pid):
        self.pid = pid
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
        self.saved = Registers()
        self.ptrace(PTRACE_SEIZE)
        while not self.stop_in_system_call():
            self.ptrace(PTRACE_CONT)
            time.sleep(0.01)
        # Below the stack, past the red zone: nobody's memory.
        self.scratch = (self.saved.rsp - 8192) & ~0xFFF

    def stop_in_system_call(self):
        """Stops the thread. A thread that waits in the kernel has just passed a system call instruction."""
        self.ptrace(PTRACE_INTERRUPT)
        self.wait()
        self.ptrace(PTRACE_GETREGS, data=ctypes.addressof(self.saved))
        self.instruction = self.saved.rip - 2
        return os.pread(self.memory, 2, self.instruction) == b"\x0f\x05"

    def ptrace(self, what, data=0):
        if self.libc.ptrace(what, self.pid, 0, data) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def wait(self):
        _, status = os.waitpid(self.pid, WAIT_ALL)
        if os.WIFSIGNALED(status) or os.WIFEXITED(status):
            raise Killed
        return os.WSTOPSIG(status)

    def call(self, number, *arguments):
        """Returns what the kernel answered: a value, or a negative errno. Byte strings go over as pointers to them."""
        place = self.scratch
        values = []
        for argument in arguments:
            if isinstance(argument, bytes):
                os.pwrite(self.memory, argument + b"\0", place)
                values.append(place)
                place += len(argument) + 16 & ~7
            else:
                values.append(argument)
        registers = Registers.from_buffer_copy(self.saved)
        registers.rip, registers.rax, registers.orig_rax = self.instruction, number, NO_SYSTEM_CALL
        for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values + [0] * (6 - len(values))):
            setattr(registers, name, value)
        self.ptrace(PTRACE_SETREGS, data=ctypes.addressof(registers))
        self.ptrace(PTRACE_SINGLESTEP)
        stopped_by = self.wait()
        if stopped_by != signal.SIGTRAP:
            # A filter that raises SIGSYS: the daemon would end if it were let go.
            os.kill(self.pid, signal.SIGKILL)
            raise Killed
        self.ptrace(PTRACE_GETREGS, data=ctypes.addressof(registers))
        return ctypes.c_int64(registers.rax).value

    def leave(self):
        self.ptrace(PTRACE_SETREGS, data=ctypes.addressof(self.saved))
        self.ptrace(PTRACE_DETACH)
        os.close(self.memory)

    def open(self, path, flags):
        """By openat2, openat and open, until one succeeds: which of them a filter lets through is not the question."""
        how = struct.pack("=3Q", flags, 0o600 if flags & os.O_CREAT else 0, 0)
        ways = (OPENAT2, AT_FDCWD, path, how, len(how)), (OPENAT, AT_FDCWD, path, flags, 0o600), (OPEN, path, flags, 0o600)
        for way in ways:
            result = self.call(*way)
            if result >= 0:
                break
        return result

    def connect(self, family, address):
        """A connection out; `address` is what follows the family in the socket's address."""
        descriptor = self.call(SOCKET, family, socket.SOCK_STREAM, 0)
        if descriptor < 0:
            return descriptor
        address = struct.pack("=H", family) + address
        result = self.call(CONNECT, descriptor, address, len(address))
        self.call(CLOSE, descriptor)
        return result

    def map_code(self):
        """Code that lies in memory alone, as a library could be loaded from there."""
        descriptor = self.call(MEMFD_CREATE, b"code", 0)
        if descriptor < 0:
            return descriptor
        result = self.call(MMAP, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, descriptor, 0)
        self.call(CLOSE, descriptor)
        return result


def attempts(port, readable, folders):
    """Name, and what to try. The first two must succeed: they show that the rest fails for the right reason.

    Each does little harm where it succeeds, except to the daemon.
    """
    write = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    read = os.O_RDONLY | os.O_CLOEXEC
    yield "getpid", lambda it: it.call(GETPID)
    yield "read its own file", lambda it: it.open(readable, read)
    yield "read /etc/shadow", lambda it: it.open(b"/etc/shadow", read)
    yield "read /proc/1/environ", lambda it: it.open(b"/proc/1/environ", read)
    yield "read the host's devices", lambda it: it.open(b"/dev/mem", read)
    for folder in folders:
        yield f"write to {folder}", lambda it, folder=folder: it.open(f"{folder}/intruder".encode(), write)
    yield "remove its own file", lambda it: it.call(UNLINK, readable)
    yield "connect out", lambda it: it.connect(socket.AF_INET, struct.pack(">H4s8x", port, b"\x7f\0\0\1"))
    yield "speak to D-Bus", lambda it: it.connect(socket.AF_UNIX, b"/run/dbus/system_bus_socket\0")
    yield "raw socket", lambda it: it.call(SOCKET, socket.AF_PACKET, socket.SOCK_RAW, 0)
    yield "netlink", lambda it: it.call(SOCKET, socket.AF_NETLINK, socket.SOCK_RAW, 0)
    yield "ptrace", lambda it: it.call(PTRACE, PTRACE_SEIZE, 1, 0, 0)
    yield "kill init", lambda it: it.call(KILL, 1, 0)
    yield "kill a thread of init", lambda it: it.call(TGKILL, 1, 1, 0)
    yield "become root", lambda it: it.call(SETUID, 0)
    yield "new mount namespace", lambda it: it.call(UNSHARE, CLONE_NEWNS)
    yield "new user namespace", lambda it: it.call(UNSHARE, CLONE_NEWUSER)
    yield "bpf", lambda it: it.call(BPF, 0, b"\2\0\0\0\4\0\0\0\4\0\0\0\1\0\0\0" + bytes(112), 128)
    yield "io_uring", lambda it: it.call(IO_URING_SETUP, 4, bytes(120))
    yield "writable code", lambda it: it.call(MMAP, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                              MAP_PRIVATE | MAP_ANONYMOUS, (1 << 64) - 1, 0)
    yield "code on the stack", lambda it: it.call(MPROTECT, it.scratch, 4096, PROT_READ | PROT_WRITE | PROT_EXEC)
    yield "code from memory", lambda it: it.map_code()
    yield "execve", lambda it: it.call(EXECVE, b"/bin/true", 0, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skip", action="append", default=[], help="an attempt not to make")
    parser.add_argument("pid", type=int)
    parser.add_argument("port", type=int, help="one that listens in the machine")
    parser.add_argument("readable", help="a file that the daemon may read, and not remove")
    parser.add_argument("folder", nargs="*", help="one that it may not write to")
    options = parser.parse_args()
    results = {}
    intruder = Intruder(options.pid)
    try:
        for name, attempt in attempts(options.port, options.readable.encode(), options.folder):
            if name not in options.skip:
                results[name] = "killed"
                results[name] = attempt(intruder)
        intruder.leave()
    except Killed:
        pass
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
