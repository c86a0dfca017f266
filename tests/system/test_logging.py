# SPDX-License-Identifier: Apache-2.0
"""What `journalctl -u ccodes-server` shows: an entry for each request with its fields, and what the service says."""

from pathlib import Path

import pytest
from server import CONFIG, SERVICE

MESSAGE_IDS = Path(__file__).resolve().parents[2] / "src/shared/message_id.h"
STARTED = "22701c3178b84cf299dad51d2432afbe"  # MESSAGE_ID_STARTED of src/shared/message_id.h


def requests(server, cursor, path):
    return server.machine.journal("--unit=ccodes-server", f"CCODES_PATH={path}", since=cursor)


def test_a_request_is_logged_with_its_fields(server):
    for scheme, tls in (("http", None), ("https", "TLSv1.3")):
        path = f"/small.txt?{scheme}"
        cursor = server.machine.journal_cursor()
        server.get(f"{scheme}://localhost{path}", "--user-agent", "tests/1.0", "--referer", "http://example.org/")
        entry, = server.machine.wait_until(lambda: requests(server, cursor, path), f"the entry for {path}")
        assert entry["CCODES_METHOD"] == "GET"
        assert entry["CCODES_HOST"] == "localhost"
        assert entry["CCODES_STATUS"] == "200"
        assert entry["CCODES_BYTES"] == str(90 * len("small file\n"))
        assert entry["CCODES_USER_AGENT"] == "tests/1.0"
        assert entry["CCODES_REFERRER"] == "http://example.org/"
        assert entry["CCODES_CLIENT"].startswith(("127.0.0.1", "[::1]", "::1"))
        assert int(entry["CCODES_DURATION_USEC"]) >= 0
        assert entry["CCODES_REQUEST_ID"]
        assert entry.get("CCODES_TLS") == tls
        assert entry["_SYSTEMD_UNIT"] == "ccodes-server.service"


def test_a_failed_request_names_its_cause(server):
    cursor = server.machine.journal_cursor()
    server.get("http://localhost/not-there")
    entry, = server.machine.wait_until(lambda: requests(server, cursor, "/not-there"), "the entry of the 404")
    assert entry["CCODES_STATUS"] == "404"
    explained = server.machine.output("ccodesctl", "explain", entry["CCODES_CAUSE"])
    assert "404" in explained


def test_the_start_has_a_catalogue_entry(server):
    server.stop()
    cursor = server.machine.journal_cursor()
    server.started()
    match = ("--unit=ccodes-server", f"MESSAGE_ID={STARTED}")
    server.machine.wait_until(lambda: server.machine.journal(*match, since=cursor), "the entry of the start")
    assert "ccodesctl status" in server.machine.output("journalctl", "--catalog", "--lines=1", *match)


def test_every_message_is_in_the_catalogue(server):
    """Which is compiled on the machine when the package is installed; each entry says what to do."""
    identifiers = [line.split('"')[1] for line in MESSAGE_IDS.read_text().splitlines() if line.startswith("#define")]
    assert len(identifiers) > 10
    for identifier in identifiers:
        entry = server.machine.output("journalctl", "--dump-catalog", identifier)
        assert "Defined-By: Container Codes" in entry, identifier
        assert entry.count("\n\n") >= 2, f"{identifier}: what happened, and what to do"


@pytest.mark.parametrize("verb", ["reload", "start"])
def test_a_failure_is_explained_by_journalctl(server, verb):
    """`journalctl -x`, as systemctl itself advises after a failure, says what to do about a broken configuration."""
    (server.started if verb == "reload" else server.stop)()
    cursor = server.machine.journal_cursor()
    server.write_config(CONFIG + "\n[serverr]\n")
    assert not server.machine.run("systemctl", verb, SERVICE, check=False, timeout=90).ok
    server.machine.run("journalctl", "--sync")
    text = server.machine.output("journalctl", "--catalog", f"--after-cursor={cursor}", "--unit=ccodes-server")
    assert "[serverr]" in text and "ccodesctl config check" in " ".join(text.replace("░", " ").split())
    server.write_config(CONFIG)
    server.machine.run("systemctl", "reset-failed", SERVICE, check=False)


def test_ccodesctl_reads_the_journal(server):
    server.get("http://localhost/small.txt?through-ccodesctl")
    server.machine.wait_until(
        lambda: "/small.txt?through-ccodesctl" in server.machine.output("ccodesctl", "logs", "--lines", "20"),
        "the request in 'ccodesctl logs'")
