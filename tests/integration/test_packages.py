# SPDX-License-Identifier: Apache-2.0
"""The packages' descriptions: rpm's tools accept the spec file, and it names what is installed, no more and no less."""
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("CCODES_BUILD", ROOT / "build"))
SPEC = ROOT / "rpm/ccodes.spec"
MACROS = {"_bindir": "bin", "_libexecdir": "libexec", "_unitdir": "lib/systemd/system",
          "_systemdgeneratordir": "lib/systemd/system-generators", "_sysusersdir": "lib/sysusers.d",
          "_tmpfilesdir": "lib/tmpfiles.d", "_journalcatalogdir": "lib/systemd/catalog", "_datadir": "share",
          "_mandir": "share/man"}


def tool(name):
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name} (package {name.replace('rpmspec', 'rpm')})")
    return name


def test_rpm_accepts_the_spec_file():
    result = subprocess.run([tool("rpmspec"), "--parse", SPEC], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_rpmlint_accepts_the_spec_file():
    result = subprocess.run([tool("rpmlint"), "--rpmlintrc", SPEC.with_suffix(".rpmlintrc"), SPEC],
                            capture_output=True, text=True, check=False)
    assert "0 errors, 0 warnings" in result.stdout, result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What Meson installs, beneath the prefix."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder], capture_output=True,
                   check=True)
    options = json.loads(subprocess.run(["meson", "introspect", "--buildoptions", BUILD], capture_output=True,
                                        check=True).stdout)
    prefix = folder / next(option["value"] for option in options if option["name"] == "prefix")[1:]
    return [str(path.relative_to(prefix)) for path in folder.rglob("*") if not path.is_dir()]


def spec_patterns():
    files = SPEC.read_text().split("\n%files\n")[1].split("\n%changelog")[0]
    for line in files.splitlines():
        match = re.match(r"%\{(\w+)\}(/\S*)", line)
        if match:
            yield MACROS[match[1]] + match[2] + ("*" if match[2].endswith("/") else "")


def test_the_spec_file_names_what_is_installed(installed):
    patterns = list(spec_patterns())
    assert [path for path in installed if not any(fnmatch.fnmatch(path, known) for known in patterns)] == []
    assert [known for known in patterns if not any(fnmatch.fnmatch(path, known) for path in installed)] == []


def test_versions_agree():
    version = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text())[1]
    assert re.search(rf"^Version: +{re.escape(version)}$", SPEC.read_text(), re.MULTILINE)
    assert (ROOT / "debian/changelog").read_text().startswith(f"container-codes ({version})")


# The compiler's own, and what is found by its header.
NO_PKGCONFIG = {"threads", "wslay"}
DEBIAN_PACKAGES = {
    "json-c": "libjson-c-dev", "libbrotlienc": "libbrotli-dev", "libcrypto": "libssl-dev", "libcurl": "libcurl4-openssl-dev",
    "libxcrypt": "libcrypt-dev", "openssl": "libssl-dev", "sqlite3": "libsqlite3-dev", "systemd": "systemd-dev",
    "tomlplusplus": "libtomlplusplus-dev", "wslay": "libwslay-dev", "zlib": "zlib1g-dev",
}


def sought():
    """What the build looks for, by the names that Meson uses."""
    files = [ROOT / "meson.build", *(ROOT / "src").rglob("meson.build"), *(ROOT / "units").rglob("meson.build")]
    text = "".join(path.read_text() for path in files)
    return set(re.findall(r"(?:dependency|find_library)\('([^']+)'", text))


def test_the_packages_ask_for_what_the_build_looks_for():
    wanted = sought()
    assert {"openssl", "wslay"} <= wanted
    assert set(re.findall(r"^BuildRequires: +pkgconfig\(([^)]+)\)", SPEC.read_text(), re.MULTILINE)) == wanted - NO_PKGCONFIG | {"cmocka"}
    assert re.search(r"^BuildRequires: +wslay-devel$", SPEC.read_text(), re.MULTILINE)
    control = (ROOT / "debian/control").read_text().partition("Build-Depends:")[2].partition("Rules-Requires-Root")[0]
    setup = (ROOT / "tests/setup/packages").read_text()
    for name in sorted(wanted - {"threads"}):
        package = DEBIAN_PACKAGES.get(name, name + "-dev")
        assert re.search(rf"\b{re.escape(package)}\b", control), f"debian/control: {package}"
        assert package == "systemd-dev" or f"build {package}\n" in setup, f"tests/setup/packages: {package}"
