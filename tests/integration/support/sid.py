# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian sid in a directory: Oracle's libmysqlclient and MySQL 9, with this tree built in it.

    sid.py DIRECTORY    makes DIRECTORY/root unless it is there, and builds the tree in it

What is built runs outside as well: its loader and its libraries are named by where they are below
DIRECTORY, a path that leads to the same files inside, where it ends in a link to the root.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.booted import Unavailable, debian_release, host_mirror
from support.programs import REPO

PACKAGES = (
    "gcc libc6-dev meson ninja-build pkgconf libmysqlclient-dev libmicrohttpd-dev libinih-dev "
    "libjansson-dev libsystemd-dev libcmocka-dev mysql-server-core"
).split()
LIBRARIES = "usr/lib/{}-linux-gnu".format(os.uname().machine)
LOADERS = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


class Sid:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory).resolve()
        self.root = self.directory / "root"
        self.build = self.root / "build"

    def inside(self, *command):
        """The command line for a program in there, which sees its own processes alone."""
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.root}/proc",
                "chroot", str(self.root), *map(str, command)]

    def run(self, *command):
        checked(self.inside(*command), env=ENVIRONMENT)

    # ---- the root, made once ----

    def prepare(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        made = self.directory / "made"
        recipe = f"{self.root}\n{' '.join(PACKAGES)}\n"
        with open(self.directory / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists() or made.read_text() != recipe:
                made.unlink(missing_ok=True)
                self._make()
                made.write_text(recipe)

    def _make(self):
        if os.geteuid() != 0:
            raise Unavailable("debootstrap needs root")
        if not shutil.which("debootstrap"):
            raise Unavailable("debootstrap is not installed")
        mirror = host_mirror(debian_release().get("VERSION_CODENAME", "stable"))
        shutil.rmtree(self.root, ignore_errors=True)
        checked(["debootstrap", "--variant=minbase", "sid", str(self.root), mirror])
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        # A mirror that has stood still for some days is good enough here.
        apt_get = ("apt-get", "-o", "Acquire::Check-Valid-Until=false")
        self.run(*apt_get, "update")
        self.run(*apt_get, "install", "--yes", "--no-install-recommends", *PACKAGES)
        self.run("apt-get", "clean")
        here = self.root / self.root.relative_to("/")
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to("/")

    # ---- the tree in it ----

    def compile(self):
        self._copy_sources()
        if not (self.build / "build.ninja").exists():
            link = (f"-Wl,--dynamic-linker={self.root}/{LOADERS[os.uname().machine]},"
                    f"-rpath,{self.root}/{LIBRARIES},--disable-new-dtags")
            self.run("meson", "setup", "/build", "/source", "-Dwerror=true", "-Dmysql=mysqlclient",
                     "-Dman=disabled", f"-Dc_link_args={link}")
        self.run("meson", "compile", "-C", "/build")

    def _copy_sources(self):
        """Only what has changed gets a new time, so that only that is compiled anew."""
        source = self.root / "source"
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPO, check=True, capture_output=True)
        names = [name for name in listed.stdout.decode().split("\0") if name and (REPO / name).exists()]
        for name in names:
            here, there = REPO / name, source / name
            if not there.exists() or there.read_bytes() != here.read_bytes():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(here, there)
                shutil.copymode(here, there)


def checked(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-3000:]
        raise Unavailable(f"{' '.join(command[:9])} ...: exit {done.returncode}\n{said}")


if __name__ == "__main__":
    try:
        sid = Sid(sys.argv[1])
        sid.prepare()
        sid.compile()
    except Unavailable as reason:
        sys.exit(f"no Debian sid with MySQL 9: {reason}")
