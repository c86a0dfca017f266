# SPDX-License-Identifier: Apache-2.0
"""Reload: what changed is in force at once; what is broken is refused by its place, and the old stays in force."""

import pytest
from server import CONFIG, CONFIG_FILE, SERVICE

RELOAD_FAILED = "70fb502784c54c7ca0dda0d8273cdadd"  # MESSAGE_ID_RELOAD_FAILED of src/shared/message_id.h
RELOADS = (("systemctl", "reload", SERVICE), ("ccodesctl", "reload"))


def broken(old, new, place):
    """CONFIG with a fault, and where it is to be found: the line and the column of the first byte of `place`."""
    text = CONFIG.replace(old, new, 1)
    assert text != CONFIG
    before = text[:text.index(place)]
    return text, f"{CONFIG_FILE}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}:"


# A name: the text, the place, and a word of the sentence that follows.
FAULTS = {
    "unknown key": (*broken("root =", "rooot =", "rooot ="), "did you mean 'root'?"),
    "syntax": (*broken('"tests"\ndefault', '"tests\ndefault', "\ndefault"), "not closed"),
    "wrong type": (*broken("default = true", 'default = "yes"', 'default = "yes"'), "true or false"),
    "missing root": (*broken('"/srv/ccodes-tests"', '"/srv/is-not-there"', "root ="), "/srv/is-not-there"),
}


def cache_control(server):
    return server.get("http://localhost/small.txt").fields["cache-control"]


@pytest.mark.parametrize("reload", RELOADS, ids=" ".join)
def test_a_change_is_in_force_when_the_reload_returns(server, reload):
    pid = server.started()
    for age in (11, 12, 13):
        server.write_config(CONFIG.replace("max-age=0", f"max-age={age}"))
        server.machine.run(*reload)
        assert cache_control(server) == f"max-age={age}"
    assert server.main_pid() == pid


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_configuration_is_refused_by_its_place(server, fault):
    text, place, expected = FAULTS[fault]
    pid = server.started()
    assert cache_control(server) == "max-age=0"
    cursor = server.machine.journal_cursor()
    server.write_config(text.replace("max-age=0", "max-age=99"))

    failed = server.machine.run("systemctl", "reload", SERVICE, check=False)
    assert not failed.ok
    entry, = server.machine.wait_until(
        lambda: server.machine.journal("--unit=ccodes-server", f"MESSAGE_ID={RELOAD_FAILED}", since=cursor),
        "the journal's entry of the failed reload")
    assert place in entry["MESSAGE"] and expected in entry["MESSAGE"]
    assert int(entry["PRIORITY"]) <= 3

    for command in (("ccodesctl", "reload"), ("ccodesctl", "config", "check")):
        result = server.machine.run(*command, check=False)
        assert result.code not in (0, None)
        assert place in result.err and expected in result.err

    assert cache_control(server) == "max-age=0"
    assert (server.state(), server.main_pid()) == ("active", pid)


def test_a_broken_configuration_does_not_apply_either(server):
    text, place, _ = FAULTS["unknown key"]
    pid = server.started()
    server.write_config(text)
    result = server.machine.run("ccodesctl", "apply", check=False)
    assert not result.ok and place in result.err
    assert server.main_pid() == pid and cache_control(server) == "max-age=0"


def test_a_key_that_a_reload_cannot_change_is_named(server):
    server.started()
    cursor = server.machine.journal_cursor()
    server.write_config(CONFIG.replace("workers = 2", "workers = 3"))
    result = server.machine.run("ccodesctl", "reload", check=False)
    messages = [entry["MESSAGE"] for entry in server.machine.journal("--unit=ccodes-server", since=cursor)]
    assert any("server.workers" in text for text in [*messages, result.out, result.err])


def test_a_new_listener_opens_by_apply(server):
    server.started()
    server.write_config(CONFIG + '\n[[server.listener]]\nname = "extra"\naddress = "127.0.0.1:8080"\n')
    server.machine.run("ccodesctl", "apply", timeout=90)
    assert server.get("http://127.0.0.1:8080/small.txt").status == 200
    assert server.get("http://localhost/small.txt").status == 200
    assert server.state("ccodes-server-extra.socket") == "active"
    server.machine.run("systemctl", "stop", "ccodes-server-extra.socket")
    server.forget_units()


def test_a_new_certificate_file_is_served_without_a_restart(server):
    pid = server.started()
    server.make_certificate("renewed")
    server.machine.run("systemctl", "reload", SERVICE)

    def subject():
        return server.machine.script("openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null "
                                      "| openssl x509 -noout -subject").out

    assert "renewed" in subject()
    assert server.main_pid() == pid
