# SPDX-License-Identifier: Apache-2.0
"""The units as they are installed, and what ccodes-generator adds for a configuration: systemd accepts them without a
word, their exposure stays within its bar, and a broken configuration keeps the units of the last good one.

Nothing is started and no systemd has to run. CCODES_BUILD names the build folder (default: build).
"""
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("CCODES_BUILD", ROOT / "build"))
EXPOSURE_BARS = {"ccodes-server.service": 1.0, "ccodes-server@standby.service": 1.0, "ccodes-auth.service": 1.5}
SERVICES = list(EXPOSURE_BARS)
AUTH_SOCKETS = ["ccodes-auth-accounts.socket", "ccodes-auth-admin.socket", "ccodes-auth-grants.socket"]
STATIC_UNITS = SERVICES + AUTH_SOCKETS + ["ccodes-server-admin.socket", "ccodes-server-admin@standby.socket",
                                          "ccodes-server-activate.service", "ccodes.target", "ccodes.slice"]
# Relative to the tree; these may be missing in a partial build, and only have to be there for systemd-analyze.
PROGRAMS = re.compile(r"^Exec\w+=[-+]*(/\S+)", re.MULTILINE)

SITE = '[[site]]\nname = "main"\ndefault = true\nroot = "/srv/www"\n'
CERTIFICATE = '[[certificate]]\nname = "main"\ncertificate = "/etc/ccodes/tls/main.pem"\nkey = "/etc/ccodes/tls/main.key"\n'


def listener(name, address, more=""):
    return f'[[server.listener]]\nname = "{name}"\naddress = "{address}"\n{more}'


CONFIGURATIONS = {
    "nothing": "",
    "default": SITE + CERTIFICATE + listener("http", "80") + listener("https", "443", "tls = true\n"),
    "addresses": SITE + listener("v4", "127.0.0.1:8080") + listener("v6", "[::1]:8081")
    + listener("every-4", "0.0.0.0:8082") + listener("odd_name.1", "[::]:8083")
    + listener("unix", "unix:/run/ccodes/web 100%.sock"),
    "homes": listener("http", "80")
    + '[[site]]\nname = "ada"\nhosts = ["ada.example"]\nroot = "/home/ada/my site"\n'
    + '[[site]]\nname = "root"\nhosts = ["root.example"]\nroot = "/root/100%"\n'
    + '[[site]]\nname = "quoted"\nhosts = ["quoted.example"]\nroot = "/home/a\\"b\\\\c:d"\n'
    + '[[site]]\nname = "temporary"\nhosts = ["tmp.example"]\nroot = "/tmp/site"\n',
    "log file": SITE + listener("http", "80")
    + '[server]\ndrain_timeout = "infinity"\n[log.access]\ntarget = "file"\npath = "/home/ada/logs/access.log"\n',
    "many": SITE + "".join(listener(f"l{n}", f"127.0.0.1:{20000 + n}") for n in range(100)),
}
BROKEN = SITE + listener("http", "80") + '[server]\nwokers = 2\n'


def run(*argv, **options):
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False, timeout=120,
                          **options)


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A folder as the root of a system: systemd's own units, and the project installed."""
    folder = tmp_path_factory.mktemp("tree")
    system = next(path for path in (pathlib.Path("/usr/lib/systemd/system"), pathlib.Path("/lib/systemd/system"))
                  if path.is_dir())
    shutil.copytree(system, folder / "usr/lib/systemd/system", symlinks=True, ignore_dangling_symlinks=True)
    result = run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder)
    assert result.returncode == 0, result.stderr
    unit_folder = unit_folder_of(folder)
    for unit in unit_folder.glob("ccodes*"):
        for program in PROGRAMS.findall(unit.read_text()):
            path = folder / program[1:]
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("#!/bin/sh\n")
                path.chmod(0o755)
    return folder


def unit_folder_of(tree):
    return next(tree.rglob("ccodes-server.service")).parent


@pytest.fixture(scope="session")
def generator(tree):
    return next(tree.rglob("ccodes-generator"))


def generate(generator, folder, config, *options):
    """Runs the generator by hand on the text; returns the result and the folder that it wrote into."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "ccodes.toml"
    if config is not None:
        file.write_text(config)
    out = folder / "units"
    out.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "SYSTEMD_SCOPE"}
    result = run(generator, "--config", file, "--remembered", folder / "last-good.toml", *options, out,
                 env=environment)
    return result, out


def analyze(*words):
    if os.geteuid() != 0 and not os.path.exists("/run/systemd"):
        pytest.skip("systemd-analyze takes root where no systemd runs")
    return run("systemd-analyze", *words)


def check_accepted(tree, units):
    result = analyze("verify", "--man=no", f"--root={tree}", *units)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def exposure(tree, unit):
    result = analyze("security", "--offline=yes", "--no-pager", f"--root={tree}", unit)
    level = float(re.search(r"Overall exposure level for \S+ ([\d.]+)", result.stdout)[1])
    print(f"exposure of {unit}: {level}")
    return level


def test_static_units_are_accepted(tree):
    check_accepted(tree, STATIC_UNITS)


@pytest.mark.parametrize("unit", SERVICES)
def test_exposure_of_the_static_services(tree, unit):
    assert exposure(tree, unit) <= EXPOSURE_BARS[unit]


def test_ccodes_auth_sees_who_asks_and_admits_few(tree):
    """The daemon's roles are its socket units; each is open to whom its comment says, and the service gets all of them."""
    folder = unit_folder_of(tree)
    service = (folder / "ccodes-auth.service").read_text()
    assert sorted(re.search(r"^Sockets=(.*)$", service, re.MULTILINE)[1].split()) == AUTH_SOCKETS
    assert not re.search(r"^PrivateUsers=", service, re.MULTILINE), "every peer would be nobody"
    open_to = {}
    for unit in AUTH_SOCKETS:
        settings = dict(re.findall(r"^(\w+)=(.*)$", (folder / unit).read_text(), re.MULTILINE))
        assert settings["Service"] == "ccodes-auth.service"
        open_to[settings["FileDescriptorName"]] = [settings["Socket" + name] for name in ("User", "Group", "Mode")]
    assert open_to == {"admin": ["ccodes-auth", "ccodes", "0660"], "accounts": ["root", "ccodes-admin", "0660"],
                       "grants": ["ccodes-server", "root", "0600"]}


GOES = "# It goes with the service.\nStopWhenUnneeded=yes"
STAYS = """# It stays while the service restarts.
# Where the kernel has TLS as a module, which the service has no right to load; elsewhere nothing happens.
Wants=modprobe@tls.service
After=modprobe@tls.service"""


def test_both_instances_differ_in_words_only(tree):
    folder = unit_folder_of(tree)

    def normal(name):
        text = (folder / name).read_text().split("\n[Install]")[0]
        for there, here in (("ccodes-server@%i", "ccodes-server"), ("admin@%i", "admin"), ("server-%i", "server"),
                            ("Service=ccodes-server.service", "Service=ccodes-server-activate.service"), (" (%i)", ""), (GOES, STAYS)):
            text = text.replace(there, here)
        return text.rstrip()

    for plain, template in (("ccodes-server.service", "ccodes-server@.service"),
                            ("ccodes-server-admin.socket", "ccodes-server-admin@.socket")):
        assert normal(plain) == normal(template)
        assert (folder / plain).read_text() != (folder / template).read_text()


def test_whatever_is_passed_the_sockets_leaves_them_nonblocking(tree):
    for unit in ("ccodes-server.service", "ccodes-server@.service", "ccodes-server-activate.service"):
        assert "\nNonBlocking=yes\n" in (unit_folder_of(tree) / unit).read_text()


@pytest.fixture(params=CONFIGURATIONS, ids=[name.replace(" ", "-") for name in CONFIGURATIONS])
def configured(request, tree, generator, tmp_path):
    """The tree with what the generator made of a configuration, in a place where systemd looks for it."""
    result, out = generate(generator, tmp_path, CONFIGURATIONS[request.param])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    place = tree / "run/systemd/system"
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(out, place)
    yield request.param, place
    shutil.rmtree(place)


def test_generated_units_are_accepted(tree, configured):
    _, place = configured
    sockets = sorted(path.name for path in place.glob("*.socket"))
    check_accepted(tree, SERVICES + sockets)
    for unit in SERVICES:
        assert exposure(tree, unit) <= EXPOSURE_BARS[unit]


def test_each_listener_has_its_unit(configured):
    name, place = configured
    names = re.findall(r'\[\[server\.listener\]\]\nname = "([^"]+)"', CONFIGURATIONS[name])
    sockets = {path.name for path in place.glob("*.socket")}
    assert sockets == {f"ccodes-server-{listener}.socket" for listener in names}
    for service in ("ccodes-server.service", "ccodes-server@.service"):
        drop_in = (place / f"{service}.d/50-config.conf").read_text()
        assert set(re.search(r"^Sockets=(.*)$", drop_in, re.MULTILINE)[1].split()) == sockets
    for path in place.glob("*.socket"):
        text = path.read_text()
        assert f"FileDescriptorName={path.stem.removeprefix('ccodes-server-')}\n" in text
        assert "Service=ccodes-server-activate.service\n" in text
        assert "TriggerLimitIntervalSec=0\n" in text


def test_a_tcp_listener_has_a_socket_for_each_processor(generator, tmp_path):
    for processors in (1, 5):
        _, out = generate(generator, tmp_path, CONFIGURATIONS["addresses"], f"--processors={processors}")
        assert (out / "ccodes-server-v4.socket").read_text().count("ListenStream=127.0.0.1:8080\n") == processors
        assert (out / "ccodes-server-unix.socket").read_text().count("ListenStream=") == 1


def test_a_fault_is_named_with_its_place(generator, tmp_path):
    result, out = generate(generator, tmp_path, BROKEN)
    assert result.returncode == 0
    assert re.search(r"ccodes\.toml:9:1: .*wokers", result.stderr), result.stderr
    assert "no last good configuration" in result.stderr
    assert not list(out.iterdir())


def test_a_fault_keeps_the_last_good_units(generator, tmp_path):
    _, out = generate(generator, tmp_path / "good", CONFIGURATIONS["homes"])
    good = {path.relative_to(out): path.read_text() for path in out.rglob("*") if path.is_file()}

    folder = tmp_path / "changing"
    generate(generator, folder, CONFIGURATIONS["homes"])
    file, last_good = folder / "ccodes.toml", folder / "last-good.toml"
    remember = [generator, "--config", file, "--remembered", last_good, "--remember"]
    assert run(*remember).returncode == 0
    assert last_good.stat().st_mode & 0o777 == 0o600
    remembered = last_good.read_text()
    shutil.rmtree(folder / "units")

    result, out = generate(generator, folder, BROKEN)
    assert result.returncode == 0
    assert "the units are those of the last good configuration" in result.stderr
    again = {path.relative_to(out): path.read_text() for path in out.rglob("*") if path.is_file()}
    assert {name: text.replace(str(folder), str(tmp_path / "good")) for name, text in again.items()} == good

    result = run(*remember)
    assert result.returncode == 1 and "wokers" in result.stderr
    assert last_good.read_text() == remembered


def test_no_configuration_is_no_fault(generator, tmp_path):
    result, out = generate(generator, tmp_path, None)
    assert (result.returncode, result.stderr, list(out.iterdir())) == (0, "", [])


@pytest.mark.parametrize("root", ["/srv/a\\nExecStartPre=/bin/sh", "/srv/a\\u0001"])
def test_hostile_values_become_no_settings(generator, tmp_path, root):
    result, out = generate(generator, tmp_path, SITE.replace("/srv/www", root) + listener("http", "80"))
    assert result.returncode == 0 and "ccodes.toml:4:" in result.stderr
    assert not list(out.iterdir())


def test_it_is_quick(generator, tmp_path):
    start = time.monotonic()
    result, _ = generate(generator, tmp_path, CONFIGURATIONS["many"], "--processors=512")
    assert result.returncode == 0 and result.stderr == ""
    print(f"100 listeners of 512 sockets: {time.monotonic() - start:.3f} s")


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to give folders away")
def test_users_and_folders_can_be_made(tree, tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    users = next(tree.rglob("sysusers.d")) / "ccodes.conf"
    result = run("systemd-sysusers", f"--root={tmp_path}", users)
    assert result.returncode == 0, result.stderr
    group = re.search(r"^ccodes:x:(\d+):", (tmp_path / "etc/group").read_text(), re.MULTILINE)[1]
    assert re.search(rf"^ccodes-server:x:\d+:{group}:.*:/usr/sbin/nologin$", (tmp_path / "etc/passwd").read_text(),
                     re.MULTILINE)
    users = dict(re.findall(r"^(ccodes-auth):x:(\d+):", (tmp_path / "etc/passwd").read_text(), re.MULTILINE))
    folders = next(tree.rglob("tmpfiles.d")) / "ccodes.conf"
    result = run("systemd-tmpfiles", "--create", f"--root={tmp_path}", folders)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run/ccodes").is_dir()
    assert (tmp_path / "run/ccodes/auth").stat().st_uid == int(users["ccodes-auth"])
