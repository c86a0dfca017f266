# SPDX-License-Identifier: Apache-2.0
"""What `journalctl -u ccodes-server` shows: an entry for each request with its fields, and what the service says."""

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


def test_ccodesctl_reads_the_journal(server):
    server.get("http://localhost/small.txt?through-ccodesctl")
    server.machine.wait_until(
        lambda: "/small.txt?through-ccodesctl" in server.machine.output("ccodesctl", "logs", "--lines", "20"),
        "the request in 'ccodesctl logs'")
