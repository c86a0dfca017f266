# SPDX-License-Identifier: Apache-2.0
"""The pages that the server makes itself, in a browser: nothing that axe (https://www.deque.com/axe/) calls a violation,
in light and dark, and nothing that is wider than a telephone."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/system"))
import browser  # noqa: E402

AXE = "axe-core@4.10.3"
AXE_SHA512 = "Xm7bpRXnDSX2YE2YFfBk2FnF0ep6tmG7xPh8iHee8MIcrgq762Nkce856dYtJYLkuIoYZvGfTs/PbZhideTcEg=="
RUN_AXE = """axe.run(document, {resultTypes: ["violations"]}).then(told => told.violations.flatMap(
    rule => rule.nodes.map(node => rule.id + ": " + node.html.slice(0, 200) + " " + node.failureSummary)))"""

FILES = {
    "page/index.html": "<!doctype html><title>A page</title>",
    "folder/a very long name that goes on and on and on, and has no reason to end anywhere near here.txt": "text",
    "folder/" + 60 * "long" + ".bin": "1234",
    "folder/<b>&amp;\".txt": "text",
    "folder/within/deep/deeper/deepest/file.txt": "text",
    ".hidden": "secret",
    **{f"many/{i}.txt": "" for i in range(1001)},
    **{path.name: path.read_bytes() for path in (ROOT / "docs/sample-site").iterdir() if path.is_file()},
}
PAGES = {
    "a folder": "/folder/",
    "a folder within others": "/folder/within/deep/deeper/deepest/",
    "by size": "/folder/?sort=size&order=descending",
    "a folder of several pages": "/many/?sort=name&page=2",
    "an empty folder": "/empty/",
    "nothing there": "/nothing",
    "a hidden file": "/.hidden",
    "a path that cannot be": "/%00",
    "the sample site": "/",
    "its error page": "/404.html",
}


@pytest.fixture(scope="module")
def axe():
    """The text of axe-core, by npm, kept in the cache of the tests."""
    cache = Path(os.environ.get("CCODES_TEST_CACHE", "/var/cache/ccodes-tests"))
    if not os.access(cache.parent if not cache.exists() else cache, os.W_OK):
        cache = ROOT / "build"
    archive = cache / (AXE.replace("@", "-") + ".tgz")
    if not archive.exists():
        if shutil.which("npm") is None:
            pytest.skip(f"there is no npm to get {AXE} with")
        cache.mkdir(parents=True, exist_ok=True)
        got = subprocess.run(["npm", "pack", "--silent", "--pack-destination", cache, AXE], capture_output=True, text=True,
                             timeout=120)
        if got.returncode != 0:
            pytest.skip(f"npm cannot get {AXE}: {got.stderr[-300:]}")
    assert base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() == AXE_SHA512
    with tarfile.open(archive) as files:
        return files.extractfile("package/axe.min.js").read().decode()


@pytest.fixture(scope="module")
def server(start_for_module):
    server = start_for_module(files=FILES, site="listing = true\n")
    (server.root / "empty").mkdir()
    return server


@pytest.fixture(scope="module")
def page():
    if browser.missing():
        pytest.skip(browser.missing())
    with browser.browsing() as page:
        page.call("Page.setBypassCSP", page.session, enabled=True)  # axe comes from outside of the page
        yield page


def look(page, server, path, scheme="light", width=1000):
    page.call("Emulation.setEmulatedMedia", page.session, features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.call("Emulation.setDeviceMetricsOverride", page.session, width=width, height=700, deviceScaleFactor=1,
              mobile=False)
    page.open(f"http://127.0.0.1:{server.port}{path}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_nobody_is_shut_out(page, axe, server, name, scheme):
    look(page, server, PAGES[name], scheme)
    page.evaluate(axe + "; true")
    assert page.evaluate(RUN_AXE) == []
    red, *_ = page.evaluate("getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").split(",")
    assert (int(red) < 64) == (scheme == "dark")


def test_axe_finds_what_is_wrong(page, axe, server):
    server.write("page/index.html", "<!doctype html><title></title><p style='color:#eee;background:#fff'>pale<img src='/x'>")
    look(page, server, "/page/")
    page.evaluate(axe + "; true")
    found = {finding.partition(":")[0] for finding in page.evaluate(RUN_AXE)}
    assert {"color-contrast", "document-title", "html-has-lang", "image-alt"} <= found


@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_screen_holds_it(page, server, name):
    look(page, server, PAGES[name], width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
