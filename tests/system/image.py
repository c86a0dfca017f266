# SPDX-License-Identifier: Apache-2.0
"""The trees that the machines boot from, made once and kept in a cache.

There are two steps, each a folder named after a hash of what goes in: a Debian by debootstrap, with its updates (two
minutes), and a copy of it with the packages that ours depends on and the agent (seconds). A finished tree is never
changed: machines run on an overlay of it or on a disk image made from it. Packages come from wherever this host's apt
gets its own.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
AGENT_FILES = {
    "agent.py": "usr/local/lib/ccodes-tests/agent.py",
    "ccodes-tests-agent.service": "etc/systemd/system/ccodes-tests-agent.service",
}
PACKAGES = ["systemd", "systemd-sysv", "dbus", "ca-certificates", "curl", "iproute2", "kmod", "openssl", "procps",
            "python3", "python3-hpack"]
# They would start in the middle of a test and take the machine's time.
MASKED_UNITS = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
                "e2scrub_reap.service", "fstrim.timer", "getty.target", "console-getty.service"]

KEEP_SECONDS = 7 * 24 * 3600


class ImageError(Exception):
    """A tree cannot be made here; the text says why."""


def cache_folder():
    return Path(os.environ.get("CCODES_TEST_CACHE", "/var/cache/ccodes-tests"))


def suite():
    """The release under test: the host's own unless the environment names another."""
    return os.environ.get("CCODES_TEST_SUITE") or platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def run(*argv, **options):
    result = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, text=True, capture_output=True,
                            check=False, **options)
    if result.returncode != 0:
        raise ImageError(f"{' '.join(str(word) for word in argv)}: exit status {result.returncode}\n"
                         f"{(result.stdout + result.stderr)[-3000:]}")
    return result.stdout


@dataclasses.dataclass(frozen=True)
class Source:
    """A line of sources.list."""
    uri: str
    suite: str

    def __str__(self):
        return f"deb {self.uri} {self.suite} main"


def host_sources():
    """Debian's own archives as this host's apt knows them, moved to the suite under test."""
    host = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    out = run("apt-get", "indextargets", "--format", "$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)",
              "Created-By: Packages")
    found = []
    for line in out.splitlines():
        origin, component, release, uri = line.split("|")
        if origin == "Debian" and component == "main" and release in (host, host + "-updates", host + "-security"):
            found.append(Source(uri, release.replace(host, suite(), 1)))
    if not any(source.suite == suite() for source in found):
        raise ImageError(f"apt knows no Debian archive with the release '{suite()}' (apt-get update was never run?)")
    return list(dict.fromkeys(found))


def proxy_environment():
    """debootstrap does not read apt's configuration, so it gets apt's proxies by the environment."""
    environment = dict(os.environ)
    for scheme in ("http", "https"):
        value = run("apt-config", "shell", "P", f"Acquire::{scheme}::Proxy").strip()
        if value:
            environment[f"{scheme}_proxy"] = value.removeprefix("P=").strip("'")
    return environment


@contextlib.contextmanager
def working_apt(tree: Path):
    """Inside, apt works in the tree: with the host's archives and settings, and without starting services."""
    settings = tree / "etc/apt/apt.conf.d/99ccodes-tests"
    policy = tree / "usr/sbin/policy-rc.d"
    resolver = tree / "etc/resolv.conf"
    (tree / "etc/apt/sources.list").write_text("".join(f"{source}\n" for source in host_sources()))
    settings.write_text(run("apt-config", "dump", "Acquire") + 'APT::Install-Recommends "false";\n'
                        'DPkg::Options:: "--force-unsafe-io";\n')
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    shutil.copy("/etc/resolv.conf", resolver)
    try:
        run("chroot", tree, "apt-get", "-q", "update")
        yield
    finally:
        run("chroot", tree, "apt-get", "clean")
        for path in (settings, policy, resolver):
            path.unlink(missing_ok=True)
        for path in (tree / "var/lib/apt/lists").glob("*_*"):
            path.unlink()


def chroot_environment():
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def key_of(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def cached(name, make):
    """The folder `name` of the cache, made by make(empty folder) if it is not there. Others wait meanwhile."""
    folder = cache_folder() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            os.utime(folder)
            return folder
        forget_old(folder)
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        make(partial)
        partial.rename(folder)
        return folder


def forget_old(folder: Path):
    """Removes what is of the same kind as `folder` and was not used for a week. The cache's lock is held."""
    kind = folder.name.rpartition("-")[0]
    for other in folder.parent.glob(kind + "-*"):
        if time.time() - other.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(other)


def base_tree():
    def make(folder):
        archives = cache_folder() / "archives"
        archives.mkdir(exist_ok=True)
        run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", f"--cache-dir={archives}", suite(),
            folder, next(source.uri for source in host_sources() if source.suite == suite()), env=proxy_environment())
        with working_apt(folder):
            run("chroot", folder, "apt-get", "-qy", "dist-upgrade", env=chroot_environment())

    return cached(f"base-{suite()}-{key_of(*PACKAGES)}", make)


def test_tree(depends: str):
    """A tree that holds what the packages named in `depends` (a Depends field; may be empty) ask for."""
    def make(folder):
        run("cp", "--archive", "--reflink=auto", f"{base}/.", folder)
        if depends:
            with working_apt(folder):
                run("chroot", folder, "apt-get", "-qy", "satisfy", depends, env=chroot_environment())
        for name, path in AGENT_FILES.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / name, folder / path)
        run("chroot", folder, "systemctl", "enable", "ccodes-tests-agent.service")
        run("chroot", folder, "systemctl", "mask", *MASKED_UNITS)
        (folder / "etc/hostname").write_text("ccodes-tests\n")
        (folder / "etc/hosts").write_text("127.0.0.1 localhost ccodes-tests\n::1 localhost\n")

    base = base_tree()
    ours = [(HERE / name).read_text() for name in AGENT_FILES]
    return cached(f"tree-{suite()}-{key_of(base.name, depends, *ours, *MASKED_UNITS)}", make)


def package_depends(packages: list[Path]):
    """What these .deb files ask for, less what they are to each other."""
    names = {run("dpkg-deb", "--field", package, "Package").strip() for package in packages}
    wanted = []
    for package in packages:
        for field in ("Pre-Depends", "Depends"):
            wanted += run("dpkg-deb", "--field", package, field).strip().split(",")
    wanted = {one.strip() for one in wanted if one.strip() and one.split()[0] not in names}
    return ", ".join(sorted(wanted))
