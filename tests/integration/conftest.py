# SPDX-License-Identifier: Apache-2.0
"""Starts daemons for the tests, and ends them; shows the log of one whose test failed."""

import pytest

from cli import Run
from daemon import Daemon


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item):
    outcome = yield
    if outcome.get_result().when == "call":
        item.failed = outcome.get_result().failed


def starter_of_daemons(node, top):
    daemons = []

    def starter(**options):
        folder = top / f"daemon{len(daemons)}"
        folder.mkdir()
        daemon = Daemon(folder, **options)
        daemons.append(daemon)
        return daemon.start()

    yield starter
    for daemon in daemons:
        status = daemon.stop()
        if getattr(node, "failed", False):
            print(f"--- log of {daemon.folder.name}\n{daemon.log()}")
        assert status == 0, f"the daemon ended with {status}:\n{daemon.log()}"


@pytest.fixture
def start(request, tmp_path):
    """start(files={name: content}, tls=…, site=…, server=…, http=…, more=…) gives a running daemon."""
    yield from starter_of_daemons(request.node, tmp_path)


@pytest.fixture(scope="module")
def start_for_module(request, tmp_path_factory):
    """The same for a daemon that all tests of a file share."""
    yield from starter_of_daemons(request.node, tmp_path_factory.mktemp("shared"))


@pytest.fixture
def run(request, tmp_path):
    """run("--dir", …) gives a `ccodesctl run` that serves."""
    runs = []

    def starter(*words, **options):
        started = Run(*words, folder=tmp_path, **options)
        runs.append(started)
        return started

    yield starter
    for started in runs:
        status = started.stop()
        if getattr(request.node, "failed", False):
            print(f"--- log of ccodesctl run\n{started.log()}")
        assert status == 0, f"it ended with {status}:\n{started.log()}"
