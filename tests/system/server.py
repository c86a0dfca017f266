# SPDX-License-Identifier: Apache-2.0
"""ccodes-server in the machine under test: its configuration, its units, and requests to it from inside."""

import contextlib
import dataclasses
import json

CONFIG_FILE = "/etc/ccodes/ccodes.toml"
ADMIN_SOCKET = "/run/ccodes/server.sock"
CERTIFICATE = "/etc/ccodes/certificates/tests.pem"
KEY = "/etc/ccodes/certificates/tests.key"
ROOT = "/srv/ccodes-tests"
FILES = "/usr/local/lib/ccodes-tests/files"  # what the tests bring along
LOAD_CLIENT = f"{FILES}/load_client.py"

SERVICE = "ccodes-server.service"
STANDBY = "ccodes-server@standby.service"
ADMIN = "ccodes-server-admin.socket"
SOCKETS = ("ccodes-server-http.socket", "ccodes-server-https.socket")

CONFIG = f"""\
[server]
workers = 2
drain_timeout = "30s"

[[server.listener]]
name = "http"
address = "80"

[[server.listener]]
name = "https"
address = "443"
tls = true

[[certificate]]
name = "tests"
certificate = "{CERTIFICATE}"
key = "{KEY}"

[[site]]
name = "tests"
default = true
root = "{ROOT}"
cache_control = "max-age=0"
echo = "/echo"
"""

MAKE_FILES = f"""
import pathlib
root = pathlib.Path("{ROOT}")
root.mkdir(parents=True, exist_ok=True)
(root / "index.html").write_text("<!doctype html><title>System tests</title><p>It works.")
(root / "small.txt").write_text("small file\\n" * 90)
(root / "large.bin").write_bytes(b"".join(b"%063d\\n" % line for line in range(1 << 20)))
"""


@dataclasses.dataclass
class Response:
    status: int
    fields: dict  # by lower-case name
    body: str


class Server:
    def __init__(self, machine):
        self.machine = machine
        self._config = None  # what is in force, if that is known
        self._units_are_known = False

    # Setting up.

    def make_files(self):
        """The site, and a certificate that only the server's group may read, in place of what the package brought."""
        self.machine.run("python3", "-c", MAKE_FILES)
        self.machine.script("rm -f /etc/ccodes/conf.d/*.toml")
        self.make_certificate("localhost")

    def make_certificate(self, common_name):
        group = self.unit_property(SERVICE, "Group") or self.unit_property(SERVICE, "User")
        self.machine.script(f"""
            mkdir -p "$(dirname {CERTIFICATE})"
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
                -subj '/CN={common_name}' -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' \
                -keyout {KEY}.new -out {CERTIFICATE}.new
            chgrp '{group}' {KEY}.new
            chmod 640 {KEY}.new
            mv {KEY}.new {KEY}
            mv {CERTIFICATE}.new {CERTIFICATE}
        """)

    def write_config(self, text):
        self._config = None
        self.machine.put(CONFIG_FILE, text)

    def set_up(self, text=CONFIG):
        """The sockets of `text` are open and nothing has failed. The service runs, or waits for a connection."""
        if self._units_are_known and self._units_are_intact():
            if self._config == text:
                return
            # Everything anew takes a while where code is translated; a reload does for what tests usually change.
            self.write_config(text)
            if self.machine.run("systemctl", "reload", SERVICE, check=False).ok:
                self._config = text
                return
        # What fails all the time is being started again just now: that cancels the job, and the next one succeeds.
        stop = ("systemctl", "stop", SERVICE, STANDBY, "ccodes-server*.socket")
        self.machine.wait_until(lambda: self.machine.run(*stop, timeout=90, check=False).ok, "everything is stopped")
        self.write_config(text)
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "reset-failed")
        self.machine.run("systemctl", "start", ADMIN, *SOCKETS)
        self._config = text
        self._units_are_known = True

    def _units_are_intact(self):
        states = self.machine.output("systemctl", "is-active", ADMIN, *SOCKETS, check=False).split()
        return set(states) == {"active"} and not self.failed_units()

    def forget_units(self):
        """The test has touched sockets or units: the next one sets everything up anew."""
        self._units_are_known = False

    # Units.

    def unit_property(self, unit, name):
        return self.machine.output("systemctl", "show", f"--property={name}", "--value", unit)

    def state(self, unit=SERVICE):
        return self.unit_property(unit, "ActiveState")

    def main_pid(self):
        return int(self.unit_property(SERVICE, "MainPID"))

    def failed_units(self):
        return self.machine.output("systemctl", "list-units", "--failed", "--plain", "--no-legend", "ccodes*")

    def stop(self):
        """Stops the service alone: its sockets stay open, so that a connection starts it again."""
        self.machine.run("systemctl", "stop", SERVICE, timeout=90)
        assert self.state() == "inactive"

    def started(self):
        """Makes sure that the service runs, and returns its main process."""
        self.machine.run("systemctl", "start", SERVICE)
        return self.main_pid()

    # Requests.

    def curl(self, *arguments, check=True, **options):
        return self.machine.run("curl", "--silent", "--show-error", "--max-time", 30 * self.machine.patience,
                                "--cacert", CERTIFICATE, *arguments, check=check, **options)

    def get(self, url, *arguments):
        out = self.curl("--include", *arguments, url).out
        head, _, body = out.replace("\r\n", "\n").partition("\n\n")
        first, *lines = head.split("\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Response(int(first.split()[1]), fields, body)

    def admin(self, path, *arguments):
        """A request to the admin socket."""
        return self.get(f"http://localhost{path}", "--unix-socket", ADMIN_SOCKET, *arguments)

    # Load.

    @contextlib.contextmanager
    def _client(self, mode, *arguments):
        begun = f"/run/ccodes-tests-{mode}-begun"
        self.machine.run("rm", "-f", begun)
        client = self.machine.spawn("python3", LOAD_CLIENT, mode, "--begun", begun, *arguments,
                                    timeout=max(600, 30 * self.machine.rounds))
        self.machine.wait_until(lambda: self.machine.run("test", "-e", begun, check=False).ok,
                                f"the client of mode '{mode}' has had an answer")
        report = {}
        try:
            yield report
        finally:
            client.signal()
            report.update(json.loads(client.wait().out))

    def load(self, gentle=False):
        """Requests over HTTP, HTTPS and HTTP/2 and messages over WebSockets while the block runs: as many as the
        processors do, unless the load is to be gentle. Yields what will be the report."""
        # Without a pause the clients alone would fill the virtual machine's processors.
        gentle = gentle or not self.machine.keeps_time
        rate = ("--clients", 2, "--pause", 0.02) if gentle else ("--clients", 4)
        return self._client("load", *rate, "--h2", "https://127.0.0.1/small.txt", "--websocket", "http://127.0.0.1/echo",
                            "--websocket", "https://127.0.0.1/echo", "http://127.0.0.1/small.txt",
                            "https://127.0.0.1/small.txt")

    def waits(self, url="http://127.0.0.1/small.txt"):
        """New connections at a fixed rate while the block runs. Yields what will be the report."""
        return self._client("waits", url)

    @contextlib.contextmanager
    def download(self, seconds, url="http://127.0.0.1/large.bin"):
        """A response that takes `seconds`, begun before the block and awaited after it."""
        begun = "/run/ccodes-tests-download-begun"
        self.machine.run("rm", "-f", begun)
        client = self.machine.spawn("python3", LOAD_CLIENT, "download", "--seconds", seconds, "--begun", begun, url,
                                    timeout=seconds + 60)
        self.machine.wait_until(lambda: self.machine.run("test", "-e", begun, check=False).ok, "the download has begun")
        report = {}
        yield report
        report.update(json.loads(client.wait().out))
