# SPDX-License-Identifier: Apache-2.0
"""tests/bench: how its templates are filled, and what its verdicts come from. Nothing is measured here."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))

import measure  # noqa: E402
import rows  # noqa: E402
import servers  # noqa: E402
import tables  # noqa: E402


def result(*values, metric="cpu_us", **more):
    return measure.Result(rounds=[{metric: value, **more} for value in values])


def row(*bars, key="row"):
    return rows.Row(key, key, rows.MAIN, measure.requests, bars=bars)


def verdicts(*measured):
    return [(one["limit"], one["at"], one["met"]) for one in tables.judge(measured)]


def test_template_keeps_the_lines_of_its_flags():
    template = "a @NAME@\n  @on@ b @NAME@\n@off@ c\nuser@example\n"
    assert servers.fill(template, {"NAME": 7}, {"on"}) == "a 7\n  b 7\nuser@example\n"


def test_template_refuses_an_unknown_name():
    with pytest.raises(KeyError):
        servers.fill("@NOTHING@\n", {}, set())


@pytest.mark.parametrize("server", [server for server in servers.ALL if server.template])
def test_every_template_can_be_filled(server):
    values = {name: "x" for name in ("PORT", "TLS_PORT", "WORKERS", "ROOT", "WORK", "LOG", "CERTIFICATE", "KEY", "PEM",
                                     "RULES")}
    for flags in ({"quiet"}, {"logs", "superuser", "several", "brotli"}):
        assert "@" not in servers.fill((ROOT / "tests/bench" / server.template).read_text(), values, flags).replace(
            "fd@1", "")


def test_median_and_noise():
    assert result(3, 1, 2).median("cpu_us") == 2
    assert result(1).median("other") is None
    assert not result(100, 105, 109).is_noisy("cpu_us")
    assert result(100, 105, 120).is_noisy("cpu_us")
    assert result(100, 100, foreign=0.2).is_noisy("cpu_us")


def test_ours_that_failed_meets_no_bar():
    failed = measure.Result(failure="ended with status 1")
    judged = tables.judge([(row(rows.Bar("cpu_us", floor=1.5)), {"floor": result(10), "ours": failed})])
    assert [one["met"] for one in judged] == [False]
    assert "MISSED" in "\n".join(tables.render_bars(judged))


def test_bar_against_the_floor():
    bar = rows.Bar("cpu_us", floor=1.5)
    assert verdicts((row(bar), {"floor": result(10), "ours": result(15)})) == [("1.50 x floor", 15, True)]
    assert verdicts((row(bar), {"floor": result(10), "ours": result(15.1)})) == [("1.50 x floor", 15, False)]
    assert verdicts((row(bar), {"ours": result(15)})) == []


def test_bar_against_the_best_peer():
    bar = rows.Bar("cpu_us", peers=True)
    peers = {"floor": result(1), "nginx": result(30), "h2o": result(20), "caddy": measure.Result(failure="no")}
    assert verdicts((row(bar), {**peers, "ours": result(21)})) == [("best peer (h2o)", 20, False)]
    assert verdicts((row(bar), {"floor": result(1), "ours": result(21)})) == []


def test_bar_of_zero_is_a_bar():
    bar = rows.Bar("lost", absolute=0)
    assert verdicts((row(bar), {"ours": result(0, metric="lost")})) == [("0", 0, True)]
    assert verdicts((row(bar), {"ours": result(1, metric="lost")})) == [("0", 0, False)]


def test_bar_against_another_row_and_the_floors_own_growth():
    few = (row(key="few"), {"floor": result(10), "ours": result(20)})
    many = (row(rows.Bar("cpu_us", row="few", ratio=1.1), key="many"), {"floor": result(15), "ours": result(30)})
    assert [(words, round(at, 6), met) for words, at, met in verdicts(few, many)] == [
        ("1.10 x 'few'", 22, False), ("the same, grown as the floor", 33, True)]


def test_rows_are_chosen_by_key_and_beginning():
    chosen, unknown = rows.select(["1k", "log-*", "nothing"])
    assert [one.key for one in chosen] == ["1k", "log-1k", "log-100k", "log-tls-1k"]
    assert unknown == ["nothing"]


def test_rows_refer_to_rows_and_tables_that_are_there():
    keys = [one.key for one in rows.ROWS]
    assert len(keys) == len(set(keys))
    assert {one.table for one in rows.ROWS} == set(tables.VIEWS)
    assert all(bar.row in keys for one in rows.ROWS for bar in one.bars if bar.row)


def test_bar_against_one_peer():
    bar = rows.Bar("cpu_us", peer="nginx", ratio=0.5)
    measured = (row(bar), {"nginx": result(10), "h2o": result(1), "ours": result(5)})
    assert verdicts(measured) == [("0.50 x nginx", 5, True)]
    assert verdicts((row(bar), {"h2o": result(1), "ours": result(5)})) == []
