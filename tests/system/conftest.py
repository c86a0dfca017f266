# SPDX-License-Identifier: Apache-2.0
"""System tests: a Debian, booted once for the whole run, with the packages of build/deb installed.

    python3 -m pytest tests/system                 in a container (systemd-nspawn)
    python3 -m pytest tests/system --machine=vm    in a virtual machine under Debian's own kernel

Root is needed. What a machine cannot do is skipped with a reason, or fails where CI=true is set.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

import browser
import image
import nspawn
import pytest
import vm
from server import FILES, Server

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
# The rig proves itself first; the package is removed last. The rest depend on no order.
FIRST = ["test_load_client.py", "test_rig.py", "test_activation.py"]
LAST = ["test_removal.py"]
MACHINES = {"nspawn": (nspawn.missing, nspawn.NspawnMachine), "vm": (vm.missing, vm.VirtualMachine)}
INSIDE = Path(FILES)
INTEGRATION = REPOSITORY / "tests/integration"
FILES_INSIDE = [HERE / "account_client.py", HERE / "grant_client.py", HERE / "load_client.py", HERE / "load_h2.py", HERE / "load_websocket.py", HERE / "intruder.py",
                INTEGRATION / "h2_client.py", INTEGRATION / "websocket_client.py"]
FIGURES = pytest.StashKey[dict]()


def pytest_addoption(parser):
    parser.addoption("--machine", choices=sorted(MACHINES), default=os.environ.get("CCODES_MACHINE", "nspawn"),
                     help="what the system tests boot (default: $CCODES_MACHINE, then nspawn)")
    parser.addoption("--packages", type=Path, default=REPOSITORY / "build/deb", help="the folder with the .deb files")


def pytest_configure(config):
    config.stash[FIGURES] = {}


def pytest_terminal_summary(terminalreporter, config):
    for name, value in config.stash[FIGURES].items():
        terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture
def figure(pytestconfig):
    """figure(name, value): something measured, for people to read at the end of the run."""
    return pytestconfig.stash[FIGURES].__setitem__


def pytest_collection_modifyitems(items):
    def rank(item):
        name = item.path.name
        return FIRST.index(name) if name in FIRST else len(FIRST) + (name in LAST)

    items.sort(key=rank)


def unavailable(reason):
    """What is missing on this machine and should be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def packages(pytestconfig):
    """The .deb files under test; empty when none were built."""
    return sorted(path for path in pytestconfig.getoption("packages").glob("*.deb") if "-dbgsym_" not in path.name)


@pytest.fixture(scope="session")
def machine(pytestconfig, packages):
    """The booted Debian, without our packages."""
    missing, kind = MACHINES[pytestconfig.getoption("machine")]
    reason = missing()
    if reason:
        unavailable(f"no machine to test on: {reason}")
    try:
        tree = image.test_tree(image.package_depends(packages))
        kind.prepare(tree)
    except image.ImageError as error:
        unavailable(f"no machine to test on: {error}")
    folder = Path(tempfile.mkdtemp(prefix="ccodes-tests-"))
    booted = kind(folder, tree)
    try:
        booted.start()
        for file in FILES_INSIDE:
            booted.put_file(INSIDE / file.name, file)
        yield booted
    finally:
        booted.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def has_chromium():
    reason = browser.missing()
    if reason:
        unavailable(reason)


@pytest.fixture(scope="session")
def installed(machine, packages):
    """The machine with our packages installed, and nothing configured."""
    if not packages:
        unavailable("there is no package in build/deb; 'make deb' builds it")
    for package in packages:
        machine.put_file(INSIDE / package.name, package)
    machine.run("dpkg", "--install", *(INSIDE / package.name for package in packages),
                environment={"DEBIAN_FRONTEND": "noninteractive"}, timeout=120)
    return machine


@pytest.fixture(scope="session")
def prepared(installed):
    """The server's handle, with the tests' files in place."""
    handle = Server(installed)
    handle.make_files()
    return handle


@pytest.fixture
def server(prepared):
    """ccodes-server with the tests' configuration: its sockets are open, and nothing has failed."""
    prepared.set_up()
    return prepared


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Keeps the journal of a test that failed: its end in the report, all of it in a file."""
    report = (yield).get_result()
    booted = item.funcargs.get("machine") if hasattr(item, "funcargs") else None
    if not report.failed or booted is None:
        return
    try:
        text = booted.journal_text()
    except Exception as error:  # the machine may be what failed
        text = f"(no journal: {error})\n{booted.console()}"
    folder = REPOSITORY / "build/system-tests" / booted.kind
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (re.sub(r"\W+", "-", item.name) + ".journal")
    file.write_text(text)
    report.sections.append((f"journal (whole: {file})", "\n".join(text.splitlines()[-60:])))
