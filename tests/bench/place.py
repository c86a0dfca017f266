# SPDX-License-Identifier: Apache-2.0
"""Where the bench runs: its folders, its programs, the files that are served, the certificate, the two cores, and
whether the machine is quiet."""

import os
import platform
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HERE = TOP / "tests" / "bench"
BUILD = TOP / "build-bench"
OUTPUT = TOP / "build" / "bench"

QUIET_LOAD = 0.3  # load average above which figures are doubtful
QUIET_BUSY = 0.1  # the same of the share of both cores that is busy

LARGE = 512 << 20
FILES = {"1k.html": 1 << 10, "100k.bin": 100 << 10}
PAGE = 12 << 10


class BenchError(Exception):
    """What a person has to know; ends the bench, or the row of one server."""


def build():
    """A release build of its own, with the floors and the load generators."""
    steps = []
    if not (BUILD / "build.ninja").exists():
        steps.append(["meson", "setup", str(BUILD), "-Dbuildtype=release", "-Db_lto=true", "-Dtests=false", "-Dbench=true"])
    steps.append(["ninja", "-C", str(BUILD)])
    for step in steps:
        made = subprocess.run(step, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if made.returncode != 0:
            raise BenchError(f"{' '.join(step)} failed:\n{made.stdout}")


def program(name):
    """One of the bench's own programs."""
    return str(BUILD / "tests" / "bench" / name)


class Cores:
    """One core for the server, another for the load. This process, and what it starts without saying otherwise, is
    the load."""

    def __init__(self):
        self.all = sorted(os.sched_getaffinity(0))
        self.server, self.load = self.all[0], self.all[-1]
        os.sched_setaffinity(0, {self.load})


class Place:
    """The folders of one run. `close` removes what need not stay."""

    def __init__(self):
        OUTPUT.mkdir(parents=True, exist_ok=True)
        self.work = Path(tempfile.mkdtemp(prefix="work-", dir=OUTPUT))
        self.root = self.work / "root"
        self.root.mkdir()
        self._write_files()
        self._make_certificate()
        raise_file_limit()

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def _write_files(self):
        for name, size in FILES.items():
            (self.root / name).write_bytes(filler(size))
        (self.root / "page.html").write_text(page(PAGE))
        (self.root / "ready.html").write_text(page(PAGE))
        gzipped = subprocess.run(["gzip", "-9nc", str(self.root / "ready.html")], check=True, stdout=subprocess.PIPE)
        (self.root / "ready.html.gz").write_bytes(gzipped.stdout)

    def make_large_file(self):
        """Written when a row needs it, and read once so that it lies in memory."""
        path = self.root / "large.bin"
        if path.exists():
            return
        block = filler(1 << 20)
        with path.open("wb") as file:
            for _ in range(LARGE >> 20):
                file.write(block)

    def _make_certificate(self):
        self.certificate, self.key, self.pem = (self.work / name for name in ("certificate.pem", "key.pem", "both.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "30", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", str(self.key), "-out", str(self.certificate)],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pem.write_bytes(self.certificate.read_bytes() + self.key.read_bytes())
        # For the clients that have no option for it: every server has to compute the same.
        self.client_openssl = self.work / "client-openssl.cnf"
        self.client_openssl.write_text("openssl_conf = top\n[top]\nssl_conf = ssl\n[ssl]\nsystem_default = client\n"
                                       "[client]\nMinProtocol = TLSv1.3\nCiphersuites = TLS_AES_128_GCM_SHA256\n"
                                       "Groups = X25519\n")


def raise_file_limit():
    """Servers inherit it: 10,000 connections need more than the usual 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def filler(size):
    """Bytes that do not compress, the same each time."""
    state, out = 12345, bytearray()
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    unit = min(size, 1 << 16)
    while len(out) < unit:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(alphabet[state >> 58])
    return bytes((out * (size // unit + 1))[:size])


def page(size):
    """A page as pages are: markup that repeats, words that vary. gzip makes a fourth to a fifth of it."""
    words = filler(1 << 16).decode().replace("+", " ").replace("/", " ")
    parts, used, at = ["<!doctype html>\n<html lang=\"en\">\n<body>\n"], 60, 0
    while used < size:
        item = (f"<article class=\"entry\">\n  <h2><a href=\"/entries/{at}\">Entry number {at}</a></h2>\n"
                f"  <p>The quick brown fox jumps over {words[at:at + 24]} and the lazy dog.</p>\n</article>\n")
        parts.append(item)
        used += len(item)
        at += 31
    return "".join(parts)[:size - 16] + "</body>\n</html>\n"


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def busy_times():
    """For each core: seconds busy, seconds stolen by the host."""
    tick = os.sysconf("SC_CLK_TCK")
    times = {}
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, _, _, irq, softirq, steal = (int(field) / tick for field in fields[:8])
            times[int(name[3:])] = (user + nice + system + irq + softirq, steal)
    return times


def describe(cores):
    """The machine, for the top of the output, and whether it was quiet."""
    before = busy_times()
    time.sleep(1)
    after = busy_times()
    busy = sum(after[core][0] - before[core][0] for core in cores.all) / len(cores.all)
    stolen = sum(after[core][1] - before[core][1] for core in cores.all) / len(cores.all)
    load = os.getloadavg()
    os_name = next((line.split("=", 1)[1].strip('"') for line in Path("/etc/os-release").read_text().splitlines()
                    if line.startswith("PRETTY_NAME=")), "unknown")
    return {
        "cpu": cpu_model(),
        "cores": len(cores.all),
        "server_core": cores.server,
        "load_core": cores.load,
        "kernel": platform.release(),
        "system": os_name,
        "load_average": [round(value, 2) for value in load],
        "busy": round(busy, 3),
        "stolen": round(stolen, 3),
        "quiet": load[0] <= QUIET_LOAD and busy <= QUIET_BUSY,
    }
