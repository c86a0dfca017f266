# SPDX-License-Identifier: Apache-2.0
"""The daemon's life from outside: bad input at the start, reload, metrics, status, the access log, signals."""

import json
import re
import resource
import subprocess
from pathlib import Path

import pytest

from daemon import SANDBOX, SERVER, until

FILES = {"a.txt": "0123456789"}


def run(config):
    return subprocess.run([SERVER, "--config", config], capture_output=True, text=True, timeout=20)


def refused(tmp_path, text, *words, status=78):
    config = tmp_path / "bad.toml"
    config.write_text(text)
    result = run(config)
    assert result.returncode == status, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr
    return result.stderr


LISTENER = f'[server]\n{SANDBOX}\n[[server.listener]]\nname = "http"\naddress = "127.0.0.1:0"\n'


def test_bad_input_names_the_place_and_what_to_do(tmp_path):
    refused(tmp_path, "[server]\nwrokers = 2\n", "bad.toml:2:1", "wrokers", "workers")
    refused(tmp_path, "[server]\nworkers = \"two\"\n", "bad.toml:2:1", "workers", "whole number", "two")
    refused(tmp_path, "[server\n", "bad.toml:1")
    refused(tmp_path, "", "server.listener")
    refused(tmp_path, LISTENER + '[[site]]\nname = "a"\ndefault = true\nroot = "/nonexistent/x"\n', "site 'a'",
            "/nonexistent/x")
    refused(tmp_path, LISTENER.replace('0"', '0"\ntls = true') +
            '[[certificate]]\nname = "c"\ncertificate = "/nonexistent/c.pem"\nkey = "/nonexistent/c.key"\n',
            "certificate 'c'", "/nonexistent/c.pem")
    missing = run(tmp_path / "missing.toml")
    assert missing.returncode == 78 and "missing.toml" in missing.stderr


def test_an_address_in_use(start, tmp_path):
    server = start(files=FILES)
    text = LISTENER.replace("127.0.0.1:0", f"127.0.0.1:{server.port}")
    error = refused(tmp_path, text, "listener 'http'", "in use", f":{server.port}", status=1)
    assert error.count("\n") == 1


def test_unknown_options():
    result = subprocess.run([SERVER, "--frob"], capture_output=True, text=True)
    assert result.returncode == 2 and "--help" in result.stderr
    assert "--config" in subprocess.run([SERVER, "--help"], capture_output=True, text=True, check=True).stdout


def few_descriptors(tmp_path, hard, most):
    """The soft limit of a server with this hard limit, and what it says about it."""
    (tmp_path / "root").mkdir(exist_ok=True)
    config = tmp_path / "few.toml"
    config.write_text(LISTENER + f'[http.limits]\nmax_connections = {most}\n'
                      f'[[site]]\nname = "a"\ndefault = true\nroot = "{tmp_path}/root"\n')
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    with subprocess.Popen([SERVER, "--config", config], stderr=subprocess.PIPE, text=True, preexec_fn=limit) as server:
        lines = []
        for line in server.stderr:
            lines.append(line)
            if " serves " in line:
                break
        limits = (Path("/proc") / str(server.pid) / "limits").read_text()
        server.terminate()
    return int(re.search(r"Max open files +(\d+)", limits)[1]), [line for line in lines if "LimitNOFILE" in line]


def test_the_descriptor_limit_is_raised_and_judged(tmp_path):
    assert few_descriptors(tmp_path, 2000, 1000) == (2000, [])
    soft, said = few_descriptors(tmp_path, 1000, 1000)
    assert soft == 1000 and len(said) == 1 and "max_connections = 1000" in said[0]


def test_reload(start):
    server = start(files=FILES)
    server.write_configuration(site='cache_control = "no-cache"\n')
    result = server.admin("POST", "/reload")
    assert result.status == 200 and json.loads(result.body)["result"] == "reloaded"
    assert server.get("/a.txt").getheader("cache-control") == "no-cache"

    server.write_configuration(site='cache_contrl = "no-cache"\n')
    result = server.admin("POST", "/reload")
    assert result.status == 422
    assert re.search(r"ccodes\.toml:\d+:\d+.*cache_contrl.*cache_control", json.loads(result.body)["message"], re.DOTALL)
    assert server.get("/a.txt").getheader("cache-control") == "no-cache"
    assert server.admin_json("/status")["reload_failures"] == 1

    server.write_configuration(site="", server="drain_timeout = \"5s\"\n")
    assert server.admin("POST", "/reload").status == 200
    assert server.admin_json("/status")["reload_error"] is None


def test_reload_names_what_needs_a_new_process(start):
    server = start(files=FILES)
    server.config.write_text(server.config.read_text().replace("workers = 2", "workers = 3"))
    message = json.loads(server.admin("POST", "/reload").body)["message"]
    assert "server.workers" in message and "apply" in message


def test_what_a_reload_cannot_change_stays_pending(start):
    """Until a process runs with it: status and configuration say what is in force, however many reloads there are."""
    server = start(files=FILES)
    written = server.config.read_text()
    workers = written.replace("workers = 2", "workers = 3\ndrain_timeout = \"9s\"")
    extra = '[[server.listener]]\nname = "extra"\naddress = "127.0.0.1:0"\n'

    def state():
        pending = {entry["key"]: (entry["in_force"], entry["configured"], entry["effect"])
                   for entry in server.admin_json("/status")["pending"]}
        running = server.admin_json("/config")["server"]
        return pending, running["workers"], running["drain_timeout"], [entry["name"] for entry in running["listener"]]

    assert state() == ({}, 2, "30s", ["http"])
    for _ in range(2):
        server.config.write_text(workers)
        message = server.admin_json("/reload", "POST")["message"]
        assert "server.workers" in message and "apply" in message
        assert state() == ({"server.workers": ("2", "3", "restart")}, 2, "9s", ["http"])
    assert "nothing has changed" not in message, "something waits"

    server.config.write_text(workers + extra)
    server.admin("POST", "/reload")
    pending, *rest = state()
    assert rest == [2, "9s", ["http"]]
    assert set(pending) == {"server.workers", "server.listener[extra]"}
    assert pending["server.listener[extra]"][0] is None and pending["server.listener[extra]"][2] == "socket"

    server.config.write_text(written)
    assert "2 values" not in server.admin_json("/reload", "POST")["message"]
    assert state() == ({}, 2, "30s", ["http"])
    server.config.write_text(workers)
    server.admin("POST", "/reload")
    server.stop()
    server.start()
    assert state() == ({}, 3, "9s", ["http"])


def test_a_new_root_is_in_force_after_a_reload(start, tmp_path):
    """A place within the sandbox takes no new process, and is not pending; one outside fails."""
    server = start(files={"a.txt": "old", "inner/a.txt": "new"})
    server.config.write_text(server.config.read_text().replace(f'root = "{server.root}"', f'root = "{server.root}/inner"'))
    assert server.admin("POST", "/reload").status == 200
    assert server.get("/a.txt").body == b"new"
    assert server.admin_json("/status")["pending"] == []
    assert server.admin_json("/config")["site"][0]["root"] == f"{server.root}/inner"


def test_health_and_metrics(start):
    server = start(files=FILES, server="public_health = true\npublic_metrics = true\n")
    for _ in range(7):
        server.get("/a.txt")
    server.get("/missing")
    text = server.admin("GET", "/metrics").body.decode()
    assert 'ccodes_http_requests_total{class="2xx"}' in text
    assert re.search(r'ccodes_http_failures_total\{cause="file-not-found"\} 1\b', text)
    assert re.search(r"ccodes_http_request_duration_seconds_count ([1-9]\d*)", text)
    assert re.search(r"ccodes_file_cache_bytes [1-9]", text)
    assert float(re.search(r"^ccodes_file_cache_limit_bytes (.*)$", text, re.MULTILINE)[1]) == 64 << 20
    assert re.search(r"ccodes_file_cache_evictions_total 0\b", text)
    assert server.get("/healthz").body == b"ok\n"
    assert server.get("/metrics").status == 200
    assert server.admin("GET", "/nothing").status == 404


def test_public_health_is_off_by_default(start):
    server = start(files=FILES)
    assert server.get("/healthz").status == 404
    assert server.get("/metrics").status == 404


def test_access_log_as_json(start, tmp_path):
    log = tmp_path / "logs" / "access.json"
    log.parent.mkdir()
    server = start(files=FILES, more=f'[log.access]\ntarget = "file"\npath = "{log}"\nformat = "json"\n')
    server.get("/a.txt?q=\"'<", {"User-Agent": 'quote " and \\', "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"})
    line = until(lambda: log.read_text(), "an entry is written").splitlines()[0]
    entry = json.loads(line)
    assert (entry["method"], entry["status"], entry["bytes"], entry["host"]) == ("GET", 200, 10, "localhost")
    assert entry["user_agent"] == 'quote " and \\'
    assert entry["traceparent"].startswith("00-aaaa")
    assert re.fullmatch(r"[0-9a-f]{16}", entry["request"])

    log.rename(log.with_suffix(".1"))
    assert server.admin("POST", "/logs/reopen").status == 200
    until(lambda: log.exists(), "the log is opened again")
    server.get("/a.txt")
    until(lambda: log.read_text(), "the new file has the entry")


def test_access_log_combined(start, tmp_path):
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    server = start(files=FILES, more=f'[log.access]\ntarget = "file"\npath = "{log}"\nformat = "combined"\n')
    server.get("/a.txt", {"User-Agent": "x\" \"y", "Referer": "http://r/"})
    line = until(lambda: log.read_text(), "an entry is written").splitlines()[0]
    assert re.fullmatch(r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /a\.txt HTTP/1\.1" 200 10 '
                        r'"http://r/" "x\\" \\"y"', line), line


def test_access_entries_are_sampled_by_rate(start):
    """Where more come than the configured rate, entries stand for several and say for how many; errors are complete."""
    server = start(files=FILES, more="[log.access]\nmaximum_rate = 4\n")

    def ask():
        for _ in range(40):
            assert server.get("/a.txt").status == 200
        assert server.get("/missing").status == 404
        asked.append(40)
        return re.search(r"GET /a\.txt .*sampled_from=(\d+)", server.log())

    asked = []
    sampled = until(ask, "an entry stands for several")
    assert int(sampled[1]) > 1
    until(lambda: server.log().count("GET /missing 404") == len(asked), "each failure has its entry")
    assert server.log().count("GET /a.txt 200") < sum(asked) / 2


def test_sites_by_host(start, tmp_path):
    for name in ("exact", "wild"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(name)
    server = start(files={"a.txt": "default"}, more=f"""
[[site]]
name = "exact"
hosts = ["exact.test", "www.wild.test"]
root = "{tmp_path}/exact"
[[site]]
name = "wild"
hosts = ["*.wild.test"]
root = "{tmp_path}/wild"
""")
    for host, site in (("exact.test", "exact"), ("EXACT.test", "exact"), ("exact.test:80", "exact"),
                       ("exact.test.", "exact"), ("www.wild.test", "exact"), ("a.wild.test", "wild"),
                       ("a.b.wild.test", "wild"), ("wild.test", "default"), ("notexact.test", "default"),
                       ("127.0.0.1", "default"), ("[::1]", "default")):
        assert server.get("/a.txt", host=host).body.decode() == site, host
    assert server.get("/a.txt", host=".wild.test").status == 400


@pytest.mark.parametrize("times", [20])
def test_killed_daemons_leave_nothing_in_the_way(start, times):
    server = start(files=FILES)
    for _ in range(times):
        server.process.kill()
        server.process.wait()
        server.start()
    assert server.get("/a.txt").status == 200
