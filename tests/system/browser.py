# SPDX-License-Identifier: Apache-2.0
"""A browser without a window, steered by its own protocol (Chrome DevTools) over a pair of pipes."""

import base64
import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

TIMEOUT = 60


def missing():
    return None if shutil.which("chromium") else "there is no chromium (package chromium)"


def fingerprint(certificate):
    """What --ignore-certificate-errors-spki-list knows a certificate (its PEM text) by."""
    def openssl(*arguments, given):
        return subprocess.run(["openssl", *arguments], input=given, check=True, capture_output=True).stdout

    key = openssl("x509", "-noout", "-pubkey", given=certificate)
    return base64.b64encode(hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", given=key)).digest()).decode()


class BrowserError(Exception):
    pass


class Browser:
    """One page. Call open(), then evaluate()."""

    def __init__(self, reader, writer, log):
        self.reader = reader
        self.writer = writer
        self.log = log
        self.numbers = itertools.count(1)
        self.buffer = b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable", self.session)
        self.call("Runtime.enable", self.session)

    def _message(self, end):
        while b"\0" not in self.buffer:
            if not select.select([self.reader], [], [], max(0, end - time.monotonic()))[0]:
                raise BrowserError(f"no answer for {TIMEOUT} s\n{self.tail()}")
            data = os.read(self.reader, 1 << 16)
            if not data:
                raise BrowserError(f"the browser has ended\n{self.tail()}")
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def tail(self):
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), 3000, max(0, size - 3000)).decode(errors="replace")

    def call(self, method, session=None, **parameters):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + TIMEOUT
        while True:
            answer = self._message(end)
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, url):
        """Goes to a page and waits until it is loaded."""
        told = self.call("Page.navigate", self.session, url=url)
        if told.get("errorText"):
            raise BrowserError(f"{url}: {told['errorText']}")
        self.evaluate("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))")

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page; a promise is waited for."""
        told = self.call("Runtime.evaluate", self.session, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise BrowserError(json.dumps(told["exceptionDetails"])[:2000])
        return told["result"].get("value")


def distant_pipe():
    """A pipe whose ends are out of the way of descriptors 3 and 4."""
    near = os.pipe()
    far = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in near]
    for end in near:
        os.close(end)
    return far


@contextlib.contextmanager
def browsing(machine=None, certificate=None):
    """A browser of this host. With a machine it reaches that one; a certificate is one that it trusts."""
    to_browser, writer = distant_pipe()
    reader, from_browser = distant_pipe()
    with tempfile.TemporaryDirectory(prefix="ccodes-tests-browser-", ignore_cleanup_errors=True) as profile, \
            tempfile.TemporaryFile() as log:
        # The protocol speaks on descriptors 3 and 4. The browser's own sandbox does not start for root.
        argv = ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", "chromium", "--headless",
                "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        if certificate:
            argv.append(f"--ignore-certificate-errors-spki-list={fingerprint(certificate)}")
        argv.append("about:blank")
        if machine:
            argv = machine.outside(*argv)
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *argv], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, pass_fds=(to_browser, from_browser), start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        try:
            yield Browser(reader, writer, log)
        finally:
            os.close(writer)  # its order to end
            try:
                process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(reader)
