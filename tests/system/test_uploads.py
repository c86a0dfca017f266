# SPDX-License-Identifier: Apache-2.0
"""Uploads while the daemon is killed and the power is cut: what was acknowledged is there, whole, and no half of
anything is."""

import pytest
import uploader as uploading
from server import CONFIG
from test_crash import next_pid
from uploader import FOLDER, STAGING, Uploader

ACKNOWLEDGED = 15  # uploads, before something happens


@pytest.fixture
def uploads(server):
    """The server with an empty upload folder."""
    machine = server.machine
    machine.script(f"rm -rf {FOLDER}; mkdir -p {FOLDER}; chown ccodes-server:ccodes {FOLDER}")
    server.started()
    server.write_config(CONFIG + uploading.CONFIG)
    machine.run("ccodesctl", "apply", timeout=90)
    machine.run("sync")
    yield server
    server.write_config(CONFIG)
    machine.run("ccodesctl", "apply", timeout=90)
    machine.run("rm", "-rf", FOLDER)


def test_a_token_lets_in(uploads):
    """Both daemons as they are installed: the gateway hands its connection to ccodes-auth, which starts for it."""
    machine, url = uploads.machine, f"http://localhost{uploading.PATH}a"
    uploads.write_config(CONFIG + uploading.CONFIG.replace('"anyone"', '"token"'))
    machine.run("ccodesctl", "apply", timeout=90)
    machine.run("ccodesctl", "users", "add", "uploader", "--role", "operator", "--no-password")
    token = machine.output("ccodesctl", "tokens", "add", "uploader", "--scope", "upload:files")
    machine.run("systemctl", "stop", "ccodes-auth.service")

    def put(*more):
        return uploads.curl("--output", "/dev/null", "--write-out", "%{http_code}", "--upload-file", "/etc/hostname", *more, url).out

    assert put() == "401" and put("--header", "Authorization: Bearer none") == "401"
    assert put("--header", f"Authorization: Bearer {token}") == "201"
    assert put("--http2-prior-knowledge", "--header", f"Authorization: Bearer {token}") == "204"
    machine.run("ccodesctl", "users", "remove", "uploader")
    machine.wait_until(lambda: put("--header", f"Authorization: Bearer {token}") == "401", "it is remembered no longer")


def parts(machine):
    """What lies in the staging folder of uploads that cannot be gone on with."""
    out = machine.output("find", f"{FOLDER}/{STAGING}", "-type", "f", "-printf", "%f\\n", check=False)
    return [name for name in out.split() if name not in ("lock", "daemons") and not name.startswith("tus-")]


def go_on(uploader, number=ACKNOWLEDGED):
    """Waits until so many more uploads were acknowledged."""
    before = uploader.journal.acknowledgements()
    uploader.machine.wait_until(lambda: uploader.journal.acknowledgements() >= before + number,
                                f"{number} uploads more are acknowledged; {uploader.journal.refused[-3:]}", timeout=60)


def test_killed_in_the_middle_of_uploads(uploads, figure):
    machine = uploads.machine
    uploader = Uploader(machine)
    pid = uploads.main_pid()
    uploader.start()
    try:
        for _ in range(machine.rounds):
            go_on(uploader, 3)
            machine.run("kill", "-KILL", pid)
            pid = machine.wait_until(lambda gone=pid: next_pid(uploads, gone), "the service runs again")
    finally:
        uploader.stop()
    uploading.check(uploader, machine)
    machine.wait_until(lambda: not parts(machine), "what was cut off is swept away")
    figure(f"kill -9, {machine.rounds} times: uploads acknowledged, and all there", uploader.journal.acknowledgements())


def test_power_cut_in_the_middle_of_uploads(uploads, figure):
    machine = uploads.machine
    if not hasattr(machine, "cut_power"):
        pytest.skip("a container cannot lose what its host's kernel holds; 'make test-vm' runs this test")
    uploader = Uploader(machine)
    uploader.start()
    try:
        go_on(uploader)
    finally:
        machine.cut_power()
        uploader.stop()
    machine.start()
    uploads.forget_units()
    machine.wait_until(lambda: uploads.curl("http://127.0.0.1/small.txt", check=False).ok, "it serves again")
    uploading.check(uploader, machine)
    machine.wait_until(lambda: not parts(machine), "what was cut off is swept away")
    figure("power cut: uploads acknowledged, and all there", uploader.journal.acknowledgements())
    again = Uploader(machine)
    again.start()
    try:
        go_on(again, 3)
    finally:
        again.stop()
