# SPDX-License-Identifier: Apache-2.0
"""The floors, ours and the peers: one class each, that makes its configuration, starts it pinned to its cores, and ends
it by its own process id."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import place

START_PATIENCE = 15
STOP_PATIENCE = 5
SITES_OF_A_FILE = 2000
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Setup:
    """How a row wants its servers."""

    tls: bool = False
    logs: bool = False
    workers: int = 1
    cores: tuple = ()  # empty: the server's core
    sites: int = 1
    rules: int = 0
    # For the floors, which answer everything with the same, or only shake hands.
    body: int = 1024
    file: str = ""
    handshakes: bool = False


def free_port():
    """A port that is free now. It is taken a moment later by the server that is told it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fill(template, values, flags):
    """@NAME@ becomes its value; a line that begins with @flag@ stays when the flag holds, without the mark."""
    lines = []
    for line in template.splitlines():
        mark = re.match(r"(\s*)@([a-z]+)@ (.*)", line)
        if mark:
            if mark[2] not in flags:
                continue
            line = mark[1] + mark[3]
        lines.append(re.sub(r"@([A-Z_]+)@", lambda found: str(values[found[1]]), line))
    return "\n".join(lines) + "\n"


@dataclass
class Process:
    """What /proc says of one process."""

    pid: int
    parent: int
    ticks: int


def read_process(pid):
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    # Fields 14 to 17 of proc(5): its own user and system time, and that of its children that have ended.
    return Process(pid, int(fields[1]), sum(int(fields[i]) for i in range(11, 15)))


def family(pid):
    """A process and its descendants."""
    everything = [read_process(int(entry)) for entry in os.listdir("/proc") if entry.isdigit()]
    everything = [process for process in everything if process]
    known, members = {pid}, [process for process in everything if process.pid == pid]
    grown = True
    while grown:
        grown = False
        for process in everything:
            if process.parent in known and process.pid not in known:
                known.add(process.pid)
                members.append(process)
                grown = True
    return members


class Server:
    """A server of the bench. Use as a context: it runs inside."""

    name = ""
    binary = ""
    template = ""
    reload_signal = None
    codings = ()  # that it can answer with
    http_versions = (1, 2)
    brings_files = True  # serves any file; otherwise only 1k.html

    def __init__(self, where, cores, setup):
        self.place, self.cores, self.setup = where, cores, setup
        self.process = None

    @classmethod
    def path(cls):
        return shutil.which(cls.binary, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

    @classmethod
    def missing(cls):
        """Why it cannot run here; None when it can."""
        return None if cls.path() else f"{cls.binary} is not installed"

    @classmethod
    def version(cls):
        return ""

    # What a subclass says.

    def arguments(self):
        raise NotImplementedError

    def values(self):
        return {}

    def flags(self):
        return set()

    # Life

    def __enter__(self):
        # A folder of its own: another of the same name may run.
        self.work = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.place.work))
        self.port, self.tls_port = free_port(), free_port()
        self.log = self.work / "access.log"
        if self.template:
            self.config = self.work / Path(self.template).name
            self.config.write_text(self._configuration())
        try:
            self.launch()
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self._end()
            self.process = None
        shutil.rmtree(self.work, ignore_errors=True)

    def _configuration(self):
        values = {
            "PORT": self.port, "TLS_PORT": self.tls_port, "WORKERS": self.setup.workers, "ROOT": self.place.root,
            "WORK": self.work, "LOG": self.log, "CERTIFICATE": self.place.certificate, "KEY": self.place.key,
            "PEM": self.place.pem, **self.values(),
        }
        flags = {"logs" if self.setup.logs else "quiet"} | self.flags()
        flags |= {"superuser"} if os.geteuid() == 0 else set()
        flags |= {"several"} if self.setup.workers > 1 else set()
        return fill((place.HERE / self.template).read_text(), values, flags)

    def launch(self):
        cores = self.setup.cores or (self.cores.server,)
        pinned = ["taskset", "-c", ",".join(map(str, cores)), *self.arguments()]
        output = self.log if self.setup.logs and self.logs_to_output() else self.work / "output"
        with output.open("wb") as stream, (self.work / "errors").open("wb") as errors:
            self.launched = time.monotonic()
            # Its own process group, so that Ctrl-C reaches the bench alone; ended all the same should the bench be
            # killed.
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *pinned], stdin=subprocess.DEVNULL,
                                            stdout=stream, stderr=errors, process_group=0, cwd=self.work)

    def logs_to_output(self):
        return False

    def wait_until_ready(self):
        until = time.monotonic() + START_PATIENCE
        while True:
            if self.process.poll() is not None:
                raise place.BenchError(f"{self.name} ended with status {self.process.returncode}:\n{self.complaints()}")
            try:
                socket.create_connection(("127.0.0.1", self.main_port()), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise place.BenchError(f"{self.name} opened no port in {START_PATIENCE} s:\n{self.complaints()}")
                time.sleep(0.001)

    def complaints(self):
        texts = [path.read_text(errors="replace")[-2000:] for path in self.work.glob("*err*") if path.is_file()]
        return "\n".join(text for text in texts if text)

    def _end(self):
        members = [member.pid for member in family(self.process.pid)]
        self.process.terminate()
        try:
            self.process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # Children that outlived it, each by its id; a child still carries the group that was made for the server.
        for pid in members:
            try:
                if os.getpgid(pid) == self.process.pid:
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # What the measuring asks

    def main_port(self):
        return self.tls_port if self.setup.tls else self.port

    def cpu_seconds(self):
        return sum(member.ticks for member in family(self.process.pid)) / TICK

    def resident_bytes(self):
        """Resident memory of all its processes, without the pages of files: programs and libraries do not grow."""
        total = 0
        for member in family(self.process.pid):
            for line in Path(f"/proc/{member.pid}/status").read_text().splitlines():
                if line.startswith(("RssAnon:", "RssShmem:")):
                    total += int(line.split()[1]) * 1024
        return total

    def reload(self):
        os.kill(self.process.pid, self.reload_signal)

    def can_reload(self):
        return self.reload_signal is not None

    def can_serve(self, path):
        return self.brings_files or path == "/1k.html"


class Floor(Server):
    """The program that nobody can beat: floor.c, tls_floor.c or handshake_floor.c."""

    name = "floor"
    codings = ("gzip", "br")  # it answers with as many bytes, whatever they are

    @classmethod
    def missing(cls):
        return None

    def arguments(self):
        if self.setup.handshakes:
            return [place.program("handshake_floor"), "--port", str(self.tls_port),
                    "--certificate", str(self.place.certificate), "--key", str(self.place.key)]
        if self.setup.tls:
            return [place.program("tls_floor"), str(self.tls_port), str(self.setup.body), str(self.place.pem)]
        file = str(self.place.root / self.setup.file) if self.setup.file else ""
        return [place.program("floor"), str(self.port), str(self.setup.body), file, str(self.setup.workers)]


class Ours(Server):
    name = "ours"
    template = "ours.toml"
    reload_signal = signal.SIGHUP
    codings = ("gzip", "br")

    @classmethod
    def path(cls):
        return str(place.BUILD / "src" / "server" / "ccodes-server")

    @classmethod
    def missing(cls):
        return None if Path(cls.path()).exists() else "ccodes-server is not built"

    @classmethod
    def version(cls):
        return output_of(cls.path(), "--version")

    def arguments(self):
        return [self.path(), "--config", str(self.config), "--log", "console"]

    def values(self):
        rules = [f'[[site.rule]]\npath = "/rule-{i}/**"\ncache_control = "max-age={i}"'
                 for i in range(self.setup.rules)]
        return {"RULES": "\n".join(rules)}

    def launch(self):
        # Many sites come in several files: one may be no larger than 1 MiB.
        folder = self.work / "conf.d"
        folder.mkdir()
        for first in range(1, self.setup.sites, SITES_OF_A_FILE):
            numbers = range(first, min(first + SITES_OF_A_FILE, self.setup.sites))
            sites = [f'[[site]]\nname = "site-{i}"\nhosts = ["site-{i}.example"]\nroot = "{self.place.root}"'
                     for i in numbers]
            (folder / f"sites-{first:05}.toml").write_text("\n".join(sites) + "\n")
        super().launch()


class Nginx(Server):
    name = binary = "nginx"
    template = "peers/nginx.conf"
    reload_signal = signal.SIGHUP
    codings = ("gzip", "br")

    @classmethod
    def version(cls):
        return output_of(cls.path(), "-v")

    def arguments(self):
        # -e: not even the complaints about the configuration go elsewhere.
        return [self.path(), "-e", str(self.work / "nginx-error.log"), "-p", str(self.work), "-c", str(self.config)]

    def flags(self):
        return {"brotli"} if Path("/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so").exists() else set()


class H2o(Server):
    name = binary = "h2o"
    template = "peers/h2o.conf"
    codings = ("gzip", "br")

    @classmethod
    def version(cls):
        return output_of(cls.path(), "--version").splitlines()[0]

    def arguments(self):
        return [self.path(), "-c", str(self.config)]


class Lighttpd(Server):
    name = binary = "lighttpd"
    template = "peers/lighttpd.conf"
    reload_signal = signal.SIGUSR1
    codings = ("gzip", "br")

    @classmethod
    def version(cls):
        return output_of(cls.path(), "-v").splitlines()[0]

    def arguments(self):
        (self.work / "lighttpd-deflate").mkdir(exist_ok=True)
        return [self.path(), "-D", "-f", str(self.config)]


class Caddy(Server):
    name = binary = "caddy"
    template = "peers/Caddyfile"
    codings = ("gzip",)

    @classmethod
    def version(cls):
        return "caddy " + output_of(cls.path(), "version")

    def arguments(self):
        # Its folders for data and configuration are the bench's.
        folders = [f"{name}={self.work}" for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")]
        return ["env", *folders, self.path(), "run", "--adapter", "caddyfile", "--config", str(self.config)]

    def can_reload(self):
        return True

    def reload(self):
        subprocess.run([self.path(), "reload", "--force", "--adapter", "caddyfile", "--config", str(self.config),
                        "--address", f"unix/{self.work}/caddy-admin.sock"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Haproxy(Server):
    name = binary = "haproxy"
    template = "peers/haproxy.cfg"
    reload_signal = signal.SIGUSR2
    brings_files = False

    @classmethod
    def version(cls):
        return output_of(cls.path(), "-v").splitlines()[0]

    def arguments(self):
        # A master with a worker, which is what its unit starts and what can reload.
        return [self.path(), "-W", "-db", "-f", str(self.config)]

    def logs_to_output(self):
        return True


class Nghttpd(Server):
    """libnghttp2's own server: files over HTTP/2, nothing else. It has no configuration file, and nothing to tune."""

    name = binary = "nghttpd"
    http_versions = (2,)

    @classmethod
    def version(cls):
        return output_of(cls.path(), "--version")

    def arguments(self):
        return [self.path(), f"--workers={self.setup.workers}", "--address=127.0.0.1", f"--htdocs={self.place.root}",
                str(self.tls_port), str(self.place.key), str(self.place.certificate)]

    def main_port(self):
        return self.tls_port


def output_of(*command):
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.stdout.strip()


PEERS = (Nginx, H2o, Lighttpd, Caddy, Haproxy, Nghttpd)
ALL = (Floor, Ours, *PEERS)
