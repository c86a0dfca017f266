# SPDX-License-Identifier: Apache-2.0
"""ccodesctl as a process: one command, or `run` with what it serves."""

import json
import os
import signal
import subprocess
import urllib.request

from daemon import BUILD

CCODESCTL = BUILD / "src/cli/ccodesctl"


def ccodesctl(*words, check=None, environment=None, **options):
    """Runs a command to its end. `check` is the exit status that it must have."""
    # The bus of the machine that the tests run on is nothing to them.
    if "input" not in options:
        options["stdin"] = subprocess.DEVNULL
    result = subprocess.run([CCODESCTL, *map(str, words)], capture_output=True, text=True, timeout=60,
                            env={**os.environ, **(environment or {})}, **options)
    if check is not None:
        assert result.returncode == check, f"{words}: {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result


def ccodesctl_json(*words, check=0, **options):
    return json.loads(ccodesctl(*words, "--json", check=check, **options).stdout)


class Run:
    """`ccodesctl run` in the background. `ready` is what it says once it serves."""

    def __init__(self, *words, folder, environment=None):
        self.log_file = folder / "run.log"
        home = folder / "home"
        home.mkdir(exist_ok=True)
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [CCODESCTL, "run", "--json", *map(str, words)], stdout=subprocess.PIPE, stderr=log, text=True,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "XDG_DATA_HOME": str(home), "XDG_RUNTIME_DIR": str(folder), **(environment or {})})
        line = self.process.stdout.readline()
        assert line, f"it does not run:\n{self.log()}"
        self.ready = json.loads(line)
        self.socket = self.ready["admin_socket"]

    def log(self):
        return self.log_file.read_text(errors="replace")

    def url(self, name="http"):
        return next(address["url"] for address in self.ready["addresses"] if address["name"] == name)

    def get(self, path, name="http", **options):
        with urllib.request.urlopen(self.url(name) + path, timeout=10, **options) as response:
            return response.read()

    def stop(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(20)
        self.process.stdout.close()
        return status
