# SPDX-License-Identifier: Apache-2.0
"""Every key that is said to take a reload takes one: from the table (the schema of `ccodesctl config schema`), each key is
changed in a running daemon and its effect is looked for from outside. A new live key without an entry here is a failure."""

import contextlib
import copy
import json
import os
import re
import secrets
import socket
import ssl
import struct
import subprocess
import time

import pytest

import h2_client as h2
import websocket_client as websocket
from cli import ccodesctl
from daemon import SANDBOX, Daemon, make_certificate, until

MAPS = {"errors", "headers"}
PATIENCE = 5  # seconds for what happens after 100 ms once a change is in force, and after more than 9 s before

# Keys whose effect does not show on such a machine or within a test, and where it is looked at instead.
ELSEWHERE = {
    "auth.grant_lifetime": "tests/integration/test_auth.py: of another daemon",
    "auth.socket": "tests/integration/test_access.py: each daemon has one of its own",
    "auth.remember": "tests/integration/test_access.py: takes a ccodes-auth",
    "auth.key_rotation": "tests/unit/test_grant.c: of another daemon, and an hour at least",
    "tls.kernel_tls": "tests/system/test_kernel_tls.py: takes a kernel that has it",
    "tls.ticket_rotation": "tests/unit/test_tls_tickets.c: a minute at least",
    "http.clients.slow_read_rate": "tests/integration/attack/test_client_accounts.py: seconds, and max_slow_reads is below",
    "server.drain_timeout": "below: it shows at the end",
    "site.upload.keep_parts": "tests/integration/test_uploads.py: parts are swept once a minute",
}


def live_keys():
    """Paths without the names of entries: "site.rule.cache_control"."""
    def walk(table, path):
        for name, key in table["properties"].items():
            inner = key.get("items", key)
            if "properties" in inner:
                yield from walk(inner, [*path, name])
            elif key["x-effect"] == "reload" and name != "name":
                yield ".".join([*path, name])
    return list(walk(json.loads(ccodesctl("config", "schema", check=0).stdout), []))


def toml(table, path=()):
    """Plain keys first, then tables, then arrays of tables."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()
             if not isinstance(value, (dict, list)) or (isinstance(value, list) and not any(isinstance(v, dict) for v in value))]
    lines += [f"{key} = {{ {', '.join(f'{json.dumps(k)} = {json.dumps(v)}' for k, v in value.items())} }}"
              for key, value in table.items() if key in MAPS]
    for key, value in table.items():
        name = ".".join([*path, key])
        if isinstance(value, dict) and key not in MAPS:
            lines += [f"[{name}]", toml(value, (*path, key))]
        elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
            for entry in value:
                lines += [f"[[{name}]]", toml(entry, (*path, key))]
    return "\n".join(lines)


class Live(Daemon):
    """A daemon with the configuration `base` and, after `set`, with some keys changed by a reload."""

    def __init__(self, folder):
        files = {"a.txt": "0123456789", "page.html": "<p>page", "text.txt": "text " * 400, "empty/other.html": "other",
                 ".hidden": "hidden", "noext": "<!DOCTYPE html><p>", "pre.css": "a{}" * 200, "pre.css.gz": "none"}
        files |= {f"aged{number}.txt": "old" for number in range(200)}
        files |= {f"many/{number}.txt": "old" for number in range(40)}
        super().__init__(folder, files=files, tls=True)
        make_certificate(folder, "other", "localhost", "other.test")
        (folder / "second").mkdir()
        (folder / "second/a.txt").write_text("second")
        (folder / "uploads").mkdir()
        (self.root / "link.txt").symlink_to("a.txt")
        with self.write("huge.bin", "").open("wb") as huge:
            huge.truncate(256 << 20)
        certificate = lambda name: {"name": name, "certificate": f"{folder}/{name}.pem", "key": f"{folder}/{name}.key"}
        listener = lambda name, **more: {"name": name, "address": "127.0.0.1:0", **more}
        self.base = {
            "server": {"workers": 2, "drain_timeout": "1s", **({"sandbox": False} if SANDBOX else {}),
                       "listener": [listener("http"), listener("https", tls=True)]},
            "certificate": [certificate("test"), certificate("other")],
            "site": [{"name": "main", "default": True, "root": str(self.root), "echo": "/echo",
                      "rule": [{"path": "/ruled", "cache_control": "no-store"}, {"path": "/moved", "redirect": "/to"},
                               {"path": "/a.txt", "headers": {"x-first": "1"}},
                               {"path": "/huge.bin", "headers": {"x-first": "1"}}],
                      "upload": [{"name": "up", "path": "/up/", "folder": f"{folder}/uploads", "access": "anyone"}]},
                     {"name": "second", "hosts": ["second.test"], "root": f"{folder}/second"}],
            "log": {"access": {"target": "file", "path": f"{folder}/uploads/access.log"}}, # where the sandbox lets it write
        }
        (folder / "uploads/big.bin").touch()
        os.truncate(folder / "uploads/big.bin", 64 << 20)
        self.credentials = folder / "credentials"
        self.credentials.mkdir(mode=0o700)
        (self.credentials / "keys").write_text(f"ccodes-keys 1 sign\n20260101-aaaa {secrets.token_hex(32)}\n")
        self.number = 0
        self.config.write_text(toml(self.base))

    def fill_in(self, value):
        return f"{self.folder}/test.pem" if value == "CA" else value

    def set(self, changes):
        """{"http.limits.max_head": "1K", "site[0].rule[1].status": 307}"""
        config = copy.deepcopy(self.base)
        for path, value in changes.items():
            at, (*tables, key) = config, re.findall(r"[^.\[\]]+", path)
            for table in tables:
                at = at[int(table)] if table.isdigit() else at.setdefault(table, {})
            at[key] = value
            if value is None:
                del at[key]
        self.config.write_text(toml(config))
        # With max_connections = 1 the admin socket takes none before the last one is gone, either.
        answer = until(lambda: (answer := self.admin("POST", "/reload")).status != 503 and answer, "the admin socket is free")
        assert answer.status == 200, answer.body

    def fresh(self):
        """A name that was not asked for yet."""
        self.number += 1
        return f"fresh{self.number}.txt"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    live = Live(tmp_path_factory.mktemp("live"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDENTIALS_DIRECTORY", str(live.credentials))
        live.start()
    yield live
    assert live.stop() == 0, live.log()


# What is looked at. Each takes the server and returns what it sees.

def field(name, path="/a.txt", headers=None, **options):
    return lambda s: s.get(path, headers, **options).getheader(name)


def status(path="/a.txt", headers=None, **options):
    return lambda s: s.get(path, headers, **options).status


def body(path, headers=None, **options):
    return lambda s: s.get(path, headers, **options).body


def raw_status(*parts, secure=False):
    """The status of the first answer."""
    def look(s):
        with s.connect(secure) as client:
            client.sendall(b"".join(parts))
            return int(client.recv(65536).split()[1])
    return look


def closes(*parts, secure=False, again=b""):
    """Whether the server ends a connection on which nothing more comes, or `again` now and then."""
    def look(s):
        client = socket.create_connection(("127.0.0.1", s.https_port if secure else s.port))
        with client:
            client.settimeout(0.05)
            client.sendall(b"".join(parts))
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                try:
                    if not client.recv(65536):
                        return True
                except TimeoutError:
                    with contextlib.suppress(OSError):
                        client.sendall(again)
                except OSError:
                    return True
            return False
    return look


def lingers_shortly(s):
    """After an answer that ends the connection what the client still sends is soon refused."""
    with socket.create_connection(("127.0.0.1", s.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        while client.recv(65536):
            pass
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                client.sendall(b"x")
                time.sleep(0.02)
            except OSError:
                return True
    return False


def figure(s, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", s.admin("GET", "/metrics").body.decode(), re.MULTILINE)
    return float(found[1]) if found else 0


def ask_for_much(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(b"GET /huge.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")


def counts_soon(s, cause, before, patience=PATIENCE):
    cuts = f'ccodes_http_failures_total{{cause="{cause}"}}'
    end = time.monotonic() + patience
    while time.monotonic() < end and figure(s, cuts) == before:
        time.sleep(0.02)
    return figure(s, cuts) > before


def cuts_slow_readers(s):
    before = figure(s, 'ccodes_http_failures_total{cause="send-too-slow"}')
    with s.connect() as client:
        ask_for_much(client)
        return counts_soon(s, "send-too-slow", before)


def second_slow_read_is_cut(s):
    before = figure(s, 'ccodes_http_failures_total{cause="too-many-slow-reads"}')
    with s.connect() as first, s.connect() as second:
        ask_for_much(first)
        ask_for_much(second)
        return counts_soon(s, "too-many-slow-reads", before, 5 + PATIENCE)


def request_beside_events(s):
    with s.connect() as first:
        first.sendall(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        first.recv(65536)
        return s.get("/a.txt").status


def answers_on_one_connection(s):
    with s.connect() as client:
        client.sendall(3 * b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n" +
                       b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = b""
        while chunk := client.recv(65536):
            received += chunk
        return received.count(b"HTTP/1.1 200")


def second_connection(s):
    with s.connect() as first:
        first.sendall(b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first.recv(65536)
        with s.connect() as second:
            second.sendall(b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return int(second.recv(65536).split()[1])


def h2_opening(s):
    """Streams, the window of a stream and that of a connection, as the server opens them."""
    with s.connect() as connection:
        client = h2.Client(connection)
        window = 65535
        client.send(h2.frame(h2.PING, payload=b"12345678"))
        while (taken := client.next_frame()).kind != h2.PING:
            if taken.kind == h2.WINDOW_UPDATE:
                window += struct.unpack(">I", taken.payload)[0]
        return client.settings.get(3), client.settings.get(4), window


def h2_upload_window(s):
    """What the server opens for a body that it takes."""
    with s.connect() as connection:
        client = h2.Client(connection)
        client.send(h2.headers(1, *h2.request("PUT", "/up/h2.txt"), end=False))
        client.send(h2.frame(h2.PING, payload=b"12345678"))
        opened, seen = 0, 0
        while seen < 3:
            taken = client.next_frame()
            if taken.kind == h2.WINDOW_UPDATE:
                opened += struct.unpack(">I", taken.payload)[0]
            if taken.kind == h2.PING:
                seen += 1
                client.send(h2.frame(h2.PING, payload=b"12345678"))
        return opened


def h2_survives(*parts):
    def look(s):
        with s.connect() as connection:
            client = h2.Client(connection)
            client.send(*parts)
            try:
                client.synchronize()
                return True
            except (AssertionError, EOFError, OSError):
                return False
    return look


def protocol(s):
    context = ssl.create_default_context(cafile=s.folder / "test.pem")
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(socket.create_connection(("127.0.0.1", s.https_port))) as client:
        return client.selected_alpn_protocol()


def handshake(look, **settings):
    def handshake_of(s):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for name, value in settings.items():
            if name == "ciphers":
                context.set_ciphers(value)
            else:
                setattr(context, name, value)
        try:
            with context.wrap_socket(socket.create_connection(("127.0.0.1", s.https_port), timeout=10)) as client:
                return look(client)
        except ssl.SSLError:
            return "refused"
    return handshake_of


def subject(client):
    return b"other.test" in client.getpeercert(binary_form=True)


def group(name):
    return lambda s: subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{s.https_port}", "-groups", name],
                                    stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def sees_a_new_certificate(s):
    make_certificate(s.folder, "test", "localhost")
    new = ssl.PEM_cert_to_DER_cert((s.folder / "test.pem").read_text())
    served = handshake(lambda client: client.getpeercert(binary_form=True))
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if served(s) == new:
            return True
        time.sleep(0.05)
    return False


def with_websocket(look, extensions=None):
    def look_at(s):
        with s.connect() as connection:
            return look(websocket.Client(connection, extensions=extensions))
    return look_at


def echo(*frames):
    def look(client):
        client.send(*frames)
        opcode, payload = client.next_message()
        return struct.unpack(">H", payload[:2])[0] if opcode == websocket.CLOSE else "echo"
    return with_websocket(look)


def is_pinged(client):
    client.connection.settimeout(PATIENCE)
    with contextlib.suppress(TimeoutError):
        return client.next_frame()[0] == websocket.PING
    return False


EXTENSIONS = with_websocket(lambda client: client.fields.get("sec-websocket-extensions"),
                            "permessage-deflate; client_max_window_bits")


def logged(make, pattern):
    """Whether what `make` does leaves a line; a failure that is always logged, later, tells when to stop waiting."""
    def look(s):
        start, good = len(s.log()), s.config.read_text()
        make(s)
        s.number += 1
        s.config.write_text(f"mark{s.number} = 1\n")
        assert s.admin("POST", "/reload").status == 422
        until(lambda: f"mark{s.number}" in s.log()[start:], "the failure is logged")
        s.config.write_text(good)
        return bool(re.search(pattern, s.log()[start:]))
    return look


def access_line(s):
    log = s.folder / "uploads/access.log"
    name = s.fresh()
    s.get(f"/{name}")
    line = until(lambda: [line for line in log.read_text().splitlines() if name in line], "an entry is written")[0]
    return "json" if line.startswith("{") else "combined"


def is_sampled(s):
    start, end = len(s.log()), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for _ in range(20):
            s.get("/a.txt")
        if "sampled_from" in s.log()[start:]:
            return True
    return False


def remembers(s, others=0):
    """Whether a file that was read stays as it was, after so many others."""
    s.number += 1
    name = f"aged{s.number}.txt"
    for _ in range(12):  # so that each worker reads it, whichever the kernel chooses
        assert s.get(f"/{name}").body == b"old"
    for number in range(5 * others):  # enough that each worker reads most of them
        s.get(f"/many/{number % others}.txt")
    s.write(name, "new")
    return b"old" in [s.get(f"/{name}").body for _ in range(12)]


def coding(path, accept, **options):
    return field("content-encoding", path, {"Accept-Encoding": accept}, **options)


def compressed_length(accept):
    def look(s):
        return until(lambda: s.get("/text.txt", {"Accept-Encoding": accept}).getheader("etag"), "a tag")
    return look


def put(name=None, size=10, fields=None, method="PUT"):
    """The status of an upload."""
    def look(s):
        headers = "".join(f"{key}: {value}\r\n" for key, value in (fields or {}).items())
        target = "/up/" + (s.fresh() if name is None else name)
        return raw_status(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n{headers}\r\n".encode(),
                          b"x" * size)(s)
    return look


def put_twice(s):
    put("twice.txt")(s)
    return put("twice.txt")(s)


def held_uploads(s):
    """The status of an upload while another one has begun."""
    count = lambda: sum(len(names) for _, _, names in os.walk(s.folder / "uploads"))
    before = count()
    with s.connect() as first:
        first.sendall(PARTIAL_BODY)
        until(lambda: count() > before, "it began")
        return put()(s)


def is_fast(path, most=1 << 20):
    """Whether a large file comes faster than 32 KiB a second."""
    def look(s):
        received, end = 0, time.monotonic() + PATIENCE
        with s.connect() as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            while received < most and time.monotonic() < end:
                received += len(client.recv(1 << 16))
        return received >= most
    return look


def speaks_tls(s):
    """The first listener, which is a plain one at first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with context.wrap_socket(s.connect()):
            return True
    except (ssl.SSLError, OSError):
        return False


def secure_status(s):
    try:
        return s.get("/a.txt", secure=True).status
    except (ssl.SSLError, OSError):
        return "refused"


def create_tus(size, **fields):
    def look(s):
        fields_of = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), **fields}
        return put(name="", size=0, fields=fields_of, method="POST")(s)
    return look


def count_after_creating(s):
    return [create_tus(10)(s) for _ in range(3)][-1]


CHUNKS = (b"PUT /up/chunks.txt HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + 3000 * b"1\r\na\r\n" +
          b"0\r\n\r\n")
OTHER = object()  # anything but what was seen before
UNSEEN = object()  # not looked at: it would take as long as the change is to shorten

PARTIAL_BODY = b"PUT /up/partial.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx"
REQUEST = b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"


def phase(name, look, slow_look):
    path = f"http.timeouts.{name}"
    slow, patient = {f"{path}.minimum_rate": "1M"}, {f"{path}.grace": "1min"}
    return {
        f"{path}.deadline": (look, UNSEEN, True, "100ms"),
        f"{path}.idle": (look, UNSEEN, True, "100ms"),
        f"{path}.minimum_rate": (slow_look, UNSEEN, True, "1M", {f"{path}.minimum_rate": 0, f"{path}.grace": "100ms"}),
        f"{path}.grace": (slow_look, UNSEEN, True, "100ms", {**slow, **patient}),
    }


HTTP12 = {"maximum_version": ssl.TLSVersion.TLSv1_2}
SITE, RULE, UP = "site[0]", "site[0].rule", "site[0].upload[0]"

# key: (what to look at, what is seen before, what after, the new value, what else is configured)
PROBES = {
    "http.server_field": (field("server"), "ccodes", None, False),
    "http.limits.max_request_line": (status("/" + "a" * 400), 404, 414, 256),
    "http.limits.max_head": (status(headers={"X": "b" * 2000}), 200, 431, "1K"),
    "http.limits.max_fields": (status(headers={f"X-{i}": "1" for i in range(20)}), 200, 431, 8),
    "http.limits.max_body": (raw_status(b"POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123456789"), 405, 413, 5),
    "http.limits.max_chunk_overhead": (raw_status(CHUNKS), 201, OTHER, "1K"),
    "http.limits.max_requests": (answers_on_one_connection, 4, 2, 2),
    "http.limits.max_connections": (second_connection, 200, 503, 1),
    "http.clients.max_connections": (second_connection, 200, 429, 1),
    "http.clients.max_requests": (request_beside_events, 200, 429, 1),
    "http.clients.max_head_memory": (raw_status(b"GET / HTTP/1.1\r\nHost: a\r\nX-"), UNSEEN, 429, "1K"),
    "http.clients.max_slow_reads": (second_slow_read_is_cut, UNSEEN, True, 1),
    "http.clients.exempt": (second_connection, 429, 200, ["127.0.0.1"], {"http.clients.max_connections": 1}),
    **phase("handshake", closes(secure=True), closes(b"\x16", secure=True)),
    **phase("head", closes(b"GET "), closes(b"GET /", again=b"a")),
    **phase("body", closes(PARTIAL_BODY), closes(PARTIAL_BODY, again=b"a")),
    **phase("send", cuts_slow_readers, cuts_slow_readers),
    "http.timeouts.keep_alive": (closes(REQUEST), UNSEEN, True, "100ms"),
    "http.timeouts.linger": (lingers_shortly, UNSEEN, True, "50ms", {"http.timeouts.linger": "1min"}),
    "http.http2.enabled": (protocol, "h2", "http/1.1", False),
    "http.http2.max_streams": (h2_opening, OTHER, OTHER, 7),
    "http.http2.stream_window": (h2_opening, OTHER, OTHER, "32K"),
    # Fewer than the default's of one second: whoever was cut once may send no ten seconds' worth at once for a while.
    "http.http2.max_resets": (h2_survives(*(h2.get(i, "/huge.bin") + h2.reset(i) for i in range(1, 81, 2))), True, False, 1),
    "http.http2.max_control_frames": (h2_survives(*(h2.frame(h2.PING, payload=b"synchron") for _ in range(40))), True, False, 1),
    "http.websocket.max_message": (echo(websocket.frame(websocket.TEXT, b"a" * 2000)), "echo", 1009, "1K"),
    "http.websocket.max_fragments": (echo(websocket.frame(websocket.TEXT, b"a", fin=False),
                                          *(websocket.frame(0, b"a", fin=False) for _ in range(8)),
                                          websocket.frame(0, b"a")), "echo", OTHER, 2),
    "http.websocket.ping_interval": (with_websocket(is_pinged), UNSEEN, True, "1s"),
    "http.websocket.compression": (EXTENSIONS, OTHER, None, False),
    "http.websocket.max_window_bits": (EXTENSIONS, OTHER, OTHER, 9),
    "tls.minimum_version": (handshake(lambda client: client.version(), **HTTP12), "TLSv1.2", "refused", "1.3"),
    "tls.ciphers": (handshake(lambda client: client.cipher()[0], ciphers="ECDHE+AESGCM", **HTTP12), OTHER,
                    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    "tls.ciphersuites": (handshake(lambda client: client.cipher()[0]), OTHER, "TLS_CHACHA20_POLY1305_SHA256",
                         "TLS_CHACHA20_POLY1305_SHA256"),
    "tls.groups": (group("P-256"), True, False, ["X25519"]),
    "tls.tickets": (handshake(lambda client: client.session.has_ticket, **HTTP12), True, False, False),
    "tls.certificate_check": (sees_a_new_certificate, UNSEEN, True, "1s", {"tls.certificate_check": "1h"}),
    "log.level": (logged(lambda s: s.admin("POST", "/reload"), "reloaded; nothing"), True, False, "error"),
    "log.access.target": (logged(lambda s: s.get("/a.txt"), "GET /a.txt"), True, False, "off",
                          {"log.access.path": None, "log.access.target": "journal"}),
    "log.access.format": (access_line, "json", "combined", "combined"),
    "log.access.maximum_rate": (is_sampled, UNSEEN, True, 1,
                                {"log.access.path": None, "log.access.target": "journal"}),
    "server.public_health": (status("/healthz"), 404, 200, True),
    "server.public_metrics": (status("/metrics"), 404, 200, True),
    "server.cache.max_bytes": (lambda s: figure(s, "ccodes_file_cache_limit_bytes"), 64 << 20, 1 << 20, "1M"),
    "server.cache.max_entries": (lambda s: remembers(s, 40), True, False, 16, {"server.cache.revalidate": "1h"}),
    "server.cache.max_file": (field("etag", "/many/5.txt"), OTHER, OTHER, 1),
    "server.cache.revalidate": (remembers, True, False, "0s", {"server.cache.revalidate": "1h"}),
    "server.listener.redirect_https": (status(), 200, 301, True),
    "server.listener.https_port": (field("location"), "https://localhost/a.txt", "https://localhost:4443/a.txt", 4443,
                                   {"server.listener[0].redirect_https": True}),
    "site.hosts": (body("/a.txt", host="new.test"), b"0123456789", b"second", ["new.test"]),
    "site.index": (status("/empty/"), 403, 200, ["other.html"]),
    "site.fallback": (body("/is/not/there"), OTHER, b"<p>page", "/page.html"),
    "site.errors": (body("/is/not/there"), OTHER, b"<p>page", {"404": "/page.html"}),
    "site.listing": (status("/empty/"), 403, 200, True),
    "site.echo": (status("/other-echo"), 404, 426, "/other-echo"),
    "site.hidden": (status("/.hidden"), 404, 200, True),
    "site.symlinks": (status("/link.txt"), 200, 403, "never"),
    "site.charset": (field("content-type"), "text/plain; charset=utf-8", "text/plain; charset=iso-8859-1", "iso-8859-1"),
    "site.sniff": (field("content-type", "/noext"), OTHER, OTHER, False),
    "site.cache_control": (field("cache-control"), None, "no-cache", "no-cache"),
    "site.redirect_https": (status(), 200, 301, True),
    "site.hsts": (field("strict-transport-security", secure=True), None, "max-age=60", "1min"),
    "site.hsts_subdomains": (field("strict-transport-security", secure=True), "max-age=31536000",
                             "max-age=31536000; includeSubDomains", True, {f"{SITE}.hsts": "365d"}),
    "site.hsts_preload": (field("strict-transport-security", secure=True), OTHER, OTHER, True,
                          {f"{SITE}.hsts": "365d", f"{SITE}.hsts_subdomains": True}),
    "site.compression.enabled": (coding("/text.txt", "br"), "br", None, False),
    "site.compression.precompressed": (body("/pre.css", {"Accept-Encoding": "gzip"}), b"none", OTHER, False),
    "site.compression.codings": (coding("/text.txt", "br, gzip"), "br", "gzip", ["gzip"]),
    "site.compression.types": (coding("/text.txt", "br"), "br", None, ["font/ttf"]),
    "site.compression.minimum_size": (coding("/text.txt", "br"), "br", None, "4K"),
    "site.compression.maximum_size": (coding("/text.txt", "br"), "br", None, "1K"),
    "site.compression.brotli_level": (compressed_length("br"), OTHER, OTHER, 1),
    "site.compression.zstd_level": (compressed_length("zstd"), OTHER, OTHER, 1),
    "site.compression.gzip_level": (compressed_length("gzip"), OTHER, OTHER, 1),
    "site.rule.path": (status("/other"), 404, 302, "/other"),
    "site.rule.redirect": (field("location", "/moved"), OTHER, OTHER, "/elsewhere"),
    "site.rule.status": (status("/moved"), 302, 307, 307),
    "site.rule.cache_control": (field("cache-control"), None, "max-age=5", "max-age=5"),
    "site.rule.headers": (field("x-second"), None, "2", {"x-second": "2"}),
    "site.rule.content_type": (field("content-type"), OTHER, "text/x-own; charset=utf-8", "text/x-own"),
    "site.rule.link": (field("link"), None, "</a.css>; rel=preload", ["</a.css>; rel=preload"]),
}
PROBES |= {
    "http.http2.upload_window": (h2_upload_window, OTHER, OTHER, "8M"),
    "server.listener.tls": (speaks_tls, False, True, True),
    "server.listener.certificates": (handshake(subject), False, True, ["other"]),
    "server.listener.client_certificate_required": (secure_status, 200, OTHER, True,
                                                    {"server.listener[1].client_ca": "CA"}),
    "site.default": (body("/a.txt"), OTHER, b"second", True, {"site[0].default": False, "site[0].hosts": ["x.test"]}),
    "site.rule.early_hints": (raw_status(REQUEST[:-2] + b"Sec-Fetch-Mode: navigate\r\n\r\n"), 200, 103, True,
                              {f"{RULE}[2].link": ["</a.css>; rel=preload"]}),
    "site.rule.signed": (status(), 200, 403, True, {"site[0].signing_key": "keys"}),
    "site.rule.rate": (is_fast("/huge.bin"), True, False, "32K"),
    "site.upload.path": (raw_status(b"PUT /else/a.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"), 405, 201,
                         "/else/"),
    "site.upload.access": (put(), 201, 401, "token"),
    "site.upload.methods": (put(), 201, 405, ["get"]),
    "site.upload.signed": (status("/up/big.bin", {"Range": "bytes=0-0"}), 206, 403, True, {"site[0].signing_key": "keys"}),
    "site.upload.rate": (is_fast("/up/big.bin"), True, False, "32K"),
    "site.upload.total_rate": (is_fast("/up/big.bin"), True, False, "32K"),
    "site.upload.listing": (status("/up/"), OTHER, 200, True),
    "site.upload.overwrite": (put_twice, 204, OTHER, False),
    "site.upload.types": (put(), 201, 415, ["image/png"]),
    "site.upload.max_file": (put(), 201, 413, 5),
    "site.upload.max_total": (put(), 201, 507, 5),
    "site.upload.max_files": (put(), 201, 507, 1),
    "site.upload.max_active": (held_uploads, 201, 503, 1),
    "site.upload.max_parts": (count_after_creating, 201, OTHER, 1),
    "site.upload.min_free": (put(), 201, 507, "900T"),
}
# The entry whose key is changed, where it is not the first.
ENTRIES = {"site.hosts": "site[1]", "site.default": "site[1]", "site.rule.path": f"{RULE}[1]",
           "site.rule.redirect": f"{RULE}[1]", "site.rule.status": f"{RULE}[1]", "site.rule": f"{RULE}[2]",
           "site.rule.rate": f"{RULE}[3]", "site.upload": UP, "site": SITE, "server.listener": "server.listener[0]",
           "server.listener.certificates": "server.listener[1]",
           "server.listener.client_certificate_required": "server.listener[1]"}


def place_of(key):
    """"site.rule.status" -> "site[0].rule[1].status"."""
    if key in ENTRIES:
        return f"{ENTRIES[key]}.{key.rpartition('.')[2]}"
    for length in range(key.count("."), 0, -1):
        table = ".".join(key.split(".")[:length])
        if table in ENTRIES:
            return ENTRIES[table] + key[len(table):]
    return key


def test_every_live_key_is_tried():
    assert set(live_keys()) == set(PROBES) | set(ELSEWHERE)
    assert not set(PROBES) & set(ELSEWHERE)


@pytest.mark.parametrize("key", PROBES)
def test_a_reload_is_enough(server, key):
    look, before, after, value, *more = PROBES[key]
    also = {place: server.fill_in(setting) for place, setting in (more[0] if more else {}).items()}
    server.set(also)
    if before is not UNSEEN:
        seen = look(server)
        assert before is OTHER or seen == before
    server.set({**also, place_of(key): value})
    found = look(server)
    if after is OTHER:
        assert found != (seen if before is OTHER else before)
    else:
        assert found == after


def test_the_time_to_drain(tmp_path):
    """What is under way is cut after the time that the last reload gave it."""
    live = Live(tmp_path)
    live.base["server"]["drain_timeout"] = "1h"
    live.config.write_text(toml(live.base))
    live.start()
    live.set({"server.drain_timeout": "100ms"})
    with live.connect() as client:
        client.sendall(b"GET /huge.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1)
        assert live.stop() == 0
