# SPDX-License-Identifier: Apache-2.0
"""Keys as systemd gives them: encrypted for the machine, to the service alone, and another one without a request lost."""

import json

import pytest
from server import CONFIG, SERVICE

VAULT = "/srv/ccodes-vault"
CREDENTIALS = "/etc/ccodes/credentials"
SEALED = CONFIG.replace('echo = "/echo"', f'''echo = "/echo"
signing_key = "downloads"

[[site.rule]]
path = "/small.txt"
rate = "100M"

[[site.upload]]
name = "vault"
path = "/vault/"
folder = "{VAULT}"
access = "anyone"
format = "sealed"
key = "vault"
signed = true
''')


@pytest.fixture
def vault(server):
    """The service with a sealed folder that signed addresses read, and keys for both."""
    machine = server.machine
    machine.script(f"install -d -o ccodes-server -g ccodes -m 0750 {VAULT}; rm -rf {CREDENTIALS}")
    made = json.loads(machine.output("ccodesctl", "keys", "init", "vault", "--json"))
    assert made["encrypted"] and made["file"] == f"{CREDENTIALS}/vault.cred"
    machine.run("ccodesctl", "keys", "init", "downloads", "--purpose", "sign")
    server.write_config(SEALED)
    machine.run("ccodesctl", "apply", timeout=120)
    server.forget_units()
    yield server
    machine.script(f"rm -rf {VAULT} {CREDENTIALS}")


def signed(server, name):
    url = f"http://localhost/vault/{name}"
    return json.loads(server.machine.output("ccodesctl", "sign", url, "--expires", "1h", "--json"))["url"]


def put(server, name, text):
    server.machine.put(f"/run/ccodes-tests-{name}", text)
    server.curl("--fail", "-T", f"/run/ccodes-tests-{name}", f"http://localhost/vault/{name}")


def test_the_keys_are_the_service_s_alone(vault):
    machine = vault.machine
    put(vault, "one.txt", "sealed content " * 10000)
    assert vault.get(signed(vault, "one.txt")).body == "sealed content " * 10000
    assert vault.get("http://localhost/vault/one.txt").fields["ccodes-cause"] == "signature-missing"
    assert not machine.run("grep", "-c", "sealed content", f"{VAULT}/one.txt", check=False).ok
    assert machine.output("stat", "-c", "%a %U", CREDENTIALS, f"{CREDENTIALS}/vault.cred").split() == ["700", "root", "600", "root"]
    assert "LoadCredentialEncrypted=vault" in machine.output("systemctl", "cat", SERVICE)
    assert not machine.run("runuser", "-u", "ccodes-server", "--", "cat", f"{CREDENTIALS}/vault.cred", check=False).ok
    secret = machine.output("systemd-creds", "decrypt", "--name=vault", f"{CREDENTIALS}/vault.cred", "-").split()[-1]
    assert len(secret) == 64
    assert not machine.run("grep", "-rlF", secret, "/etc", "/var/log", "/run/log", check=False).out


def test_rotation_loses_no_request_and_leaves_no_file_behind(vault):
    machine = vault.machine
    for number in range(5):
        put(vault, f"{number}.txt", f"content {number}\n" * 9000)
    first = json.loads(machine.output("ccodesctl", "keys", "list", "vault", "--json"))[0]["keys"][0]["key"]
    with vault.load(gentle=True) as report:
        rotated = json.loads(machine.output("ccodesctl", "keys", "rotate", "vault", "--json", timeout=180))
    assert report["lost"] == 0, report["examples"]
    assert (rotated["files"], rotated["rewrapped"], rotated["faults"]) == (5, 5, [])
    machine.run("ccodesctl", "keys", "remove", "vault", first)
    machine.run("ccodesctl", "apply", timeout=120)
    for number in range(5):
        assert vault.get(signed(vault, f"{number}.txt")).body == f"content {number}\n" * 9000


def test_without_the_credential_the_service_says_what_to_do(vault):
    machine = vault.machine
    machine.run("rm", f"{CREDENTIALS}/vault.cred")
    machine.run("systemctl", "daemon-reload")
    assert not machine.run("systemctl", "restart", SERVICE, check=False, timeout=90).ok
    assert "ccodesctl keys init" in machine.output("journalctl", "-u", SERVICE, "-n", "50", "--output=cat")
