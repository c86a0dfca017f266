# SPDX-License-Identifier: Apache-2.0
"""tests/run: what it makes of tests that fail, and of those that fail only once."""
import importlib.machinery
import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
LOADER = importlib.machinery.SourceFileLoader("runner", str(ROOT / "tests/run"))

TESTS = """
import pathlib, pytest
class TestOne:
    def test_good(self): pass
@pytest.mark.parametrize("word", ["a b", "x"])
def test_words(word): pass
def test_flaky():
    seen = pathlib.Path(__file__).with_name("seen")
    known = seen.exists()
    seen.touch()
    assert known
def test_bad(): assert False
def test_none(): pytest.skip("not here")
"""


@pytest.fixture
def runner(tmp_path, monkeypatch):
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", LOADER))
    LOADER.exec_module(module)
    monkeypatch.setattr(module, "TOP", tmp_path)
    (tmp_path / "tests").mkdir()
    return module


def write(runner, text):
    (runner.TOP / "tests" / "test_some.py").write_text(text)


def test_one_that_passes_alone_is_flaky(runner):
    write(runner, TESTS)
    counts = runner.pytest("tests")
    assert (counts.passed, counts.failed, counts.skipped) == (4, 1, 1)
    assert counts.flaky == ["tests/test_some.py::test_flaky"]
    assert str(counts) == "4 passed, 1 failed, 1 skipped, 1 flaky"


def test_many_that_fail_are_no_accident(runner):
    write(runner, TESTS + "\n@pytest.mark.parametrize('n', range(10))\ndef test_more(n): assert False\n")
    counts = runner.pytest("tests")
    assert (counts.failed, counts.flaky) == (12, [])


def test_nothing_that_ran_is_a_failure(runner):
    write(runner, "this is not Python")
    assert runner.pytest("tests").failed == 1
    (runner.TOP / "tests" / "test_some.py").unlink()
    assert runner.pytest("tests").failed == 1


def test_what_fails_in_class_or_with_words_is_found_again(runner):
    write(runner, TESTS.replace("def test_good(self): pass", "def test_good(self): assert False"))
    ran = []
    monkey = runner.pytest_outcomes

    def note(report, *arguments, environment=None):
        ran.append(arguments)
        return monkey(report, *arguments, environment=environment)

    runner.pytest_outcomes = note
    runner.pytest("tests")
    assert "tests/test_some.py::TestOne::test_good" in ran[1]
