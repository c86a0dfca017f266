# SPDX-License-Identifier: Apache-2.0
"""TLS with real clients: versions, certificates by name, resumption, renewal of certificates without a restart."""

import re
import ssl
import subprocess

import pytest

from daemon import make_certificate, until

FILES = {"a.txt": "0123456789"}


@pytest.fixture
def server(start):
    return start(files=FILES, tls=True)


def s_client(server, *arguments):
    run = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.https_port}", *arguments],
                         input="", capture_output=True, text=True, timeout=20)
    return run.stdout + run.stderr


def subjects(answer):
    """The common names in it; OpenSSL 3.2 writes them without spaces."""
    return re.findall(r"CN ?= ?(\S+)", answer)


def test_versions(server):
    assert "TLSv1.3" in s_client(server, "-tls1_3", "-servername", "localhost")
    assert "TLSv1.2" in s_client(server, "-tls1_2", "-servername", "localhost")
    assert "Cipher is (NONE)" in s_client(server, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")


def test_files_over_tls(server):
    assert server.get("/a.txt", secure=True).body == b"0123456789"


def test_resumption(server, tmp_path):
    for version in ("-tls1_2", "-tls1_3"):
        ticket = tmp_path / version
        run = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.https_port}", version,
                              "-servername", "localhost", "-sess_out", ticket, "-ign_eof"],
                             input="GET /a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                             capture_output=True, text=True, timeout=20)
        assert "0123456789" in run.stdout
        assert "Reused, TLS" in s_client(server, version, "-servername", "localhost", "-sess_in", ticket)


def test_plain_http_on_the_tls_port_is_told_so(server):
    server.port, port = server.https_port, server.port
    answer = server.get("/a.txt")
    server.port = port
    assert answer.status == 400
    assert answer.getheader("ccodes-cause") == "tls-required"


def test_a_host_of_another_certificate_is_misdirected(server):
    assert server.get("/a.txt", secure=True, host="other.example").status == 421
    assert server.get("/a.txt", secure=True, host="a.test.example").status == 200


def test_certificates_by_name(start, tmp_path):
    first = make_certificate(tmp_path, "first", "first.example")
    second = make_certificate(tmp_path, "second", "second.example", key="rsa")
    server = start(files=FILES, more=f"""
[[server.listener]]
name = "https"
address = "127.0.0.1:0"
tls = true
[[certificate]]
name = "first"
certificate = "{first}"
key = "{first.with_suffix('.key')}"
[[certificate]]
name = "second"
certificate = "{second}"
key = "{second.with_suffix('.key')}"
""")
    assert "first.example" in subjects(s_client(server, "-servername", "first.example"))
    assert "second.example" in subjects(s_client(server, "-servername", "second.example"))
    assert "first.example" in subjects(s_client(server, "-noservername"))


def test_a_renewed_certificate_is_taken_without_a_restart(start):
    server = start(files=FILES, tls=True, more='[tls]\ncertificate_check = "1s"\n')
    before = s_client(server, "-servername", "localhost")
    make_certificate(server.folder, "test", "localhost", "renewed.example")
    until(lambda: "certificates were reloaded" in server.log(), "the certificate is reloaded")
    context = ssl.create_default_context(cafile=server.folder / "test.pem")
    context.check_hostname = True
    assert server.get("/a.txt", secure=True).status == 200
    assert before != s_client(server, "-servername", "localhost")


def test_a_half_written_certificate_leaves_the_old_one(start):
    server = start(files=FILES, tls=True, more='[tls]\ncertificate_check = "1s"\n')
    certificate = server.folder / "test.pem"
    whole = certificate.read_text()
    certificate.write_text(whole[: len(whole) // 2])
    until(lambda: "reload failed" in server.log(), "the failure is logged")
    certificate.with_name("kept.pem").write_text(whole)
    assert "localhost" in subjects(s_client(server, "-servername", "localhost"))


def test_redirect_to_https(start):
    server = start(files=FILES, tls=True, site="redirect_https = true\nhsts = \"1h\"\n")
    answer = server.get("/a.txt?x=1")
    assert answer.status in (301, 308)
    assert answer.getheader("location").startswith("https://localhost")
    assert server.get("/a.txt", secure=True).getheader("strict-transport-security") == "max-age=3600"
