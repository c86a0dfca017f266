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
    "missing root": (*broken('"/srv/ccodes-tests"', '"/srv/is-not-there"', "[[site]]"), "/srv/is-not-there"),
}


def cache_control(server):
    return server.get("http://localhost/small.txt").fields["cache-control"]


@pytest.fixture
def changed(server):
    """The test changes the configuration: the next one gets it back."""
    yield server
    server.forget()


@pytest.mark.parametrize("reload", RELOADS, ids=" ".join)
def test_a_change_is_in_force_when_the_reload_returns(changed, reload):
    pid = changed.started()
    for age in (11, 12, 13):
        changed.write_config(CONFIG.replace("max-age=0", f"max-age={age}"))
        changed.machine.run(*reload)
        assert cache_control(changed) == f"max-age={age}"
    assert changed.main_pid() == pid


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_configuration_is_refused_by_its_place(changed, fault):
    text, place, expected = FAULTS[fault]
    pid = changed.started()
    assert cache_control(changed) == "max-age=0"
    cursor = changed.machine.journal_cursor()
    changed.write_config(text.replace("max-age=0", "max-age=99"))

    failed = changed.machine.run("systemctl", "reload", SERVICE, check=False)
    assert not failed.ok
    entry, = changed.machine.wait_until(
        lambda: changed.machine.journal("--unit=ccodes-server", f"MESSAGE_ID={RELOAD_FAILED}", since=cursor),
        "the journal's entry of the failed reload")
    assert place in entry["MESSAGE"] and expected in entry["MESSAGE"]
    assert int(entry["PRIORITY"]) <= 3

    for command in (("ccodesctl", "reload"), ("ccodesctl", "config", "check")):
        result = changed.machine.run(*command, check=False)
        assert result.code not in (0, None)
        assert place in result.err and expected in result.err

    assert cache_control(changed) == "max-age=0"
    assert (changed.state(), changed.main_pid()) == ("active", pid)


def test_a_broken_configuration_does_not_apply_either(changed):
    text, place, _ = FAULTS["unknown key"]
    pid = changed.started()
    changed.write_config(text)
    result = changed.machine.run("ccodesctl", "apply", check=False)
    assert not result.ok and place in result.err
    assert changed.main_pid() == pid and cache_control(changed) == "max-age=0"


def test_a_key_that_a_reload_cannot_change_is_named(changed):
    changed.started()
    cursor = changed.machine.journal_cursor()
    changed.write_config(CONFIG.replace("workers = 2", "workers = 3"))
    result = changed.machine.run("ccodesctl", "reload", check=False)
    messages = [entry["MESSAGE"] for entry in changed.machine.journal("--unit=ccodes-server", since=cursor)]
    assert any("server.workers" in text for text in [*messages, result.out, result.err])


def test_a_new_listener_opens_by_apply(changed):
    changed.started()
    changed.write_config(CONFIG + '\n[[server.listener]]\nname = "extra"\naddress = "127.0.0.1:8080"\n')
    changed.machine.run("ccodesctl", "apply", timeout=90)
    assert changed.get("http://127.0.0.1:8080/small.txt").status == 200
    assert changed.get("http://localhost/small.txt").status == 200
    assert changed.state("ccodes-server-extra.socket") == "active"
    changed.machine.run("systemctl", "stop", "ccodes-server-extra.socket")


def test_a_new_certificate_file_is_served_without_a_restart(changed):
    pid = changed.started()
    changed.make_certificate("renewed")
    changed.machine.run("systemctl", "reload", SERVICE)

    def subject():
        return changed.machine.script("openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null "
                                      "| openssl x509 -noout -subject").out

    assert "renewed" in subject()
    assert changed.main_pid() == pid
