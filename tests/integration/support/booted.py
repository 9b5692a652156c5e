# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian with its own systemd, booted by systemd-nspawn, with this tree's `meson install` in it.

The root directory is made once by debootstrap and never written to: each boot sees it through an
overlay in memory. The machine has its own network, so port 9200 collides with nothing on the host.
"""

import concurrent.futures
import contextlib
import ctypes
import fcntl
import itertools
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import time

import pytest

PACKAGES = "systemd,systemd-sysv,dbus"
PROGRAMS = ("clustercheckd", "clustercheck", "clustercheckctl")
ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C",
    "SYSTEMD_COLORS=0",
    "SYSTEMD_PAGER=",
)
CLONE_NEWNET = 0x40000000
BOOT_SECONDS = 60

numbers = itertools.count(1)


class Unavailable(Exception):
    """This host cannot boot the machine; the text says why."""


def leave_out(what, why):
    """Where all is to be tested (CLUSTERCHECKD_MUST_BOOT), that is a failure."""
    give_up = pytest.fail if "CLUSTERCHECKD_MUST_BOOT" in os.environ else pytest.skip
    give_up(f"{what} NOT TESTED: {why}")


def require_host():
    if os.geteuid() != 0:
        raise Unavailable("booting a machine needs root")
    for tool in ("systemd-nspawn", "debootstrap", "nsenter", "meson", "ldd", "tar"):
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not installed")
    if debian_release().get("ID") != "debian":
        raise Unavailable("the machine is made of the host's Debian release; this is no Debian")


def debian_release():
    return platform.freedesktop_os_release()


# ---- the root directory, made once ----


def root_prepare(root):
    """Makes `root` unless it is there; returns it."""
    root = pathlib.Path(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{root}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            unfinished = pathlib.Path(f"{root}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            debootstrap(unfinished, cache=pathlib.Path(f"{root}.cache"))
            unfinished.rename(root)
    return root


def debootstrap(target, cache):
    cache.mkdir(exist_ok=True)
    suite = debian_release()["VERSION_CODENAME"]
    options = ["--variant=minbase", f"--cache-dir={cache.resolve()}", f"--include={PACKAGES}"]
    command = ["debootstrap", *options, suite, str(target), host_mirror(suite)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode != 0:
        shutil.rmtree(target, ignore_errors=True)
        raise Unavailable("debootstrap failed: " + (made.stdout + made.stderr)[-600:])


def host_mirror(suite):
    """Where this host's apt gets `suite` main from, whatever the format of its sources."""
    wanted = ["Created-By: Packages", "Origin: Debian", f"Codename: {suite}", "Component: main"]
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted]
    targets = subprocess.run(command, capture_output=True, text=True).stdout.split()
    if not targets:
        raise Unavailable(f"the host's apt sources have no {suite} main")
    return targets[0]


# ---- what is installed into it ----


def staging_prepare(build, staging, root):
    """`meson install` of `build`, and those shared libraries the machine lacks, below `staging`."""
    command = ["meson", "install", "-C", str(build), "--no-rebuild", "--destdir", str(staging)]
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode != 0:
        raise RuntimeError(installed.stdout + installed.stderr)
    for program in PROGRAMS:
        installed = list(staging.glob(f"**/*bin/{program}"))
        if len(installed) != 1:
            raise RuntimeError(f"{build} installs {len(installed)} programs named {program}")
        staging_add_libraries(staging, root, installed[0])


def staging_add(staging, root, *paths):
    """Files and directories of this host, programs with the libraries that the machine lacks."""
    for path in map(pathlib.Path, paths):
        copy = staging / path.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, copy, dirs_exist_ok=True)
            continue
        shutil.copy(path, copy)
        if path.read_bytes()[:4] == b"\x7fELF":
            staging_add_libraries(staging, root, path)


def staging_add_libraries(staging, root, program):
    for library in libraries_of(program):
        if not (root / library.relative_to("/")).exists():
            copy = staging / library.relative_to("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, copy)


def libraries_of(program):
    listed = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True)
    for line in listed.stdout.splitlines():
        _, arrow, place = line.partition("=>")
        if arrow and "not found" not in place:
            place = pathlib.Path(place.split()[0])
            yield place.parent.resolve() / place.name


# ---- the running machine ----


class Machine:
    def __init__(self, root, staging, directory, bind_ro=(), bind=()):
        self.name = f"clustercheckd-test-{os.getpid()}-{next(numbers)}"
        self.root, self.staging = pathlib.Path(root), pathlib.Path(staging)
        self.console = pathlib.Path(directory) / "console.log"
        self.bind_ro = [f"{self.staging}:/staging", *bind_ro]
        self.bind = list(bind)
        self.nspawn = self.leader = self.network = None
        self.cgroups = []

    def start(self):
        command = [
            "systemd-nspawn",
            f"--directory={self.root}",
            f"--machine={self.name}",
            *("--boot", "--volatile=overlay", "--private-network"),
            *("--quiet", "--register=no", "--console=pipe"),
            *("--link-journal=no", "--resolv-conf=off", "--timezone=off"),
            *(f"--bind-ro={bind}" for bind in self.bind_ro),
            *(f"--bind={bind}" for bind in self.bind),
        ]
        if not os.path.isdir("/run/systemd/system"):
            command.append("--keep-unit")  # no systemd on this host that could be asked for a scope
            self.cgroups = cgroups_make(self.name)
        with open(self.console, "wb") as console:
            try:
                self.nspawn = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    preexec_fn=self._enter_cgroups,
                )
            except subprocess.SubprocessError as error:
                raise Unavailable(f"no cgroup of its own for the machine: {error}") from error
        self._await_boot()
        self.network = NetworkOf(self.leader)
        return self

    def install(self):
        """As a package would: files, then account and directories."""
        unpack = "tar -C / -x --no-same-owner --no-overwrite-dir --keep-directory-symlink"
        self.run("sh", "-c", f"tar -C /staging -c . | {unpack}")
        self.run("systemd-sysusers")
        self.run("systemd-tmpfiles", "--create")
        self.run("systemctl", "daemon-reload")

    def stop(self):
        """Powers the machine off; returns nspawn's exit code."""
        if self.nspawn is None:
            return None
        if self.network:
            self.network.close()
        if self.leader and self.nspawn.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.leader, signal.SIGRTMIN + 3)
        try:
            return self.nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait()
            return None

    def leftovers(self):
        """What a powered-off machine still has on the host; takes the empty cgroups away."""
        mounts = pathlib.Path("/proc/self/mounts").read_text().splitlines()
        left = [line for line in mounts if self.name in line or str(self.root) in line]
        if self.leader and os.path.exists(f"/proc/{self.leader}"):
            left.append(f"process {self.leader}")
        for cgroup in self.cgroups:
            left += [f"process {pid} in {procs.parent}" for procs in cgroup.rglob("cgroup.procs")
                     for pid in procs.read_text().split()]
            cgroup_remove(cgroup)
        return left

    # -- inside --

    def run(self, *command, check=True, timeout=60):
        """Runs a command in the machine; with check=False the caller reads .returncode."""
        enter = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C"]
        result = subprocess.run(
            [*enter, "env", "-i", *ENVIRONMENT, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        said = result.stdout + result.stderr
        assert not check or result.returncode == 0, f"{command}: exit {result.returncode}\n{said}"
        return result

    def out(self, *command):
        return self.run(*command).stdout.strip()

    def show(self, unit, *properties):
        """The values of a unit's properties, as a dict of strings."""
        lines = self.out("systemctl", "show", unit, *(f"--property={name}" for name in properties))
        return dict(line.split("=", 1) for line in lines.splitlines())

    def write(self, path, text, mode=0o644):
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def remove(self, path):
        target = self.path(path)
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def journal(self, *match, since=0.0):
        options = ("--quiet", "--all", "--output=short-precise", f"--since=@{since:.6f}")
        return self.out("journalctl", *options, *match)

    def path(self, path):
        """Where the host sees a path of the machine."""
        return pathlib.Path(f"/proc/{self.leader}/root{path}")

    def _enter_cgroups(self):
        for cgroup in self.cgroups:
            (cgroup / "cgroup.procs").write_text("0")

    def _await_boot(self):
        deadline = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < deadline and self.nspawn.poll() is None:
            self.leader = leader_of(self.nspawn.pid)
            if self.leader and self._state() in ("running", "degraded"):
                return
            time.sleep(0.1)
        said = self.console.read_text(errors="replace")[-800:]
        self.stop()
        self.leftovers()
        raise Unavailable(f"systemd-nspawn did not boot here: {said.strip() or 'it said nothing'}")

    def _state(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            state = self.run("systemctl", "is-system-running", check=False, timeout=10)
            return state.stdout.strip()


def leader_of(nspawn):
    """The machine's first process: nspawn's child with processes of its own, after one that only makes it."""
    own = os.readlink("/proc/self/ns/pid")
    with contextlib.suppress(OSError):
        for child in pathlib.Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split():
            if os.readlink(f"/proc/{child}/ns/pid") != own:
                return int(child)
    return None


def cgroups_make(name):
    """A cgroup of its own where systemd keeps its tree; the machine puts its units below it."""
    made = []
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            made.append(pathlib.Path(place) / name)
    try:
        for cgroup in made:
            cgroup.mkdir()
    except OSError as error:
        raise Unavailable(f"no cgroup of its own for the machine: {error}") from error
    return made


def cgroup_remove(cgroup):
    for directory, _, _ in os.walk(cgroup, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(directory)


class NetworkOf:
    """Calls functions in threads that live in another process's network namespace."""

    def __init__(self, pid, threads=64):
        self._namespace = open(f"/proc/{pid}/ns/net")
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, initializer=self._enter)

    def _enter(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(self._namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def submit(self, function, *arguments):
        return self._pool.submit(function, *arguments)

    def call(self, function, *arguments):
        return self.submit(function, *arguments).result()

    def close(self):
        self._pool.shutdown()
        self._namespace.close()
