# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes the tests start: output in a file, ended by pid and never left behind."""

import contextlib
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import time

from support.wait import until

TICKS = os.sysconf("SC_CLK_TCK")

# What a started program sees of our environment: CLUSTERCHECKD_BUILD would be a bad setting to it.
KEPT = ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")


def clean_environment(**more):
    return {name: os.environ[name] for name in KEPT if name in os.environ} | more


# Workers that run side by side have a thousand ports each.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_first = 20000 + 1000 * (_worker % 3)
_ports = itertools.cycle(_first + (os.getpid() + i) % 1000 for i in range(1000))


def free_port(host="127.0.0.1"):
    """A port below 32768, where the kernel gives none to outgoing connections."""
    for port in itertools.islice(_ports, 1000):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class Process:
    started = []  # all of them, so that the session can end what a test forgot

    def __init__(self, command, log, env=None, **options):
        self.command = [str(word) for word in command]
        self.log_path = log
        self.env = clean_environment(**(env or {}))
        self.options = options
        self.popen = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                start_new_session=True,
                **self.options,
            )
        Process.started.append(self)
        return self

    @property
    def pid(self):
        return self.popen.pid

    def runs(self):
        return self.popen is not None and self.popen.poll() is None

    def send_signal(self, number):
        self.popen.send_signal(number)

    def freeze(self):
        """Returns when every thread stands: kill(2) comes back before they do."""
        self.send_signal(signal.SIGSTOP)
        until(self.is_frozen, f"stop of {self.command[0]}")

    def is_frozen(self):
        try:
            tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
            return all(state_of(task / "stat") == "T" for task in tasks)
        except (FileNotFoundError, ProcessLookupError):
            return False  # a thread ended meanwhile

    def thaw(self):
        self.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def frozen(self):
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def stop(self, number=signal.SIGTERM, seconds=10):
        """Returns exit status and the seconds it took; a process that does not stop is killed."""
        began = time.monotonic()
        if self.runs():
            self.send_signal(number)
        try:
            code = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.command[0]} did not stop within {seconds} s") from None
        finally:
            # Unless the session has ended everything already.
            if self in Process.started:
                Process.started.remove(self)
        return code, time.monotonic() - began

    def log(self):
        return self.log_path.read_text(errors="replace")

    def open_descriptors(self):
        """How many, by thread: each may have a table of its own."""
        tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        return {task.name: len(os.listdir(task / "fd")) for task in tasks}

    def memory_kib(self, field="VmRSS"):
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))

    def anonymous_kib(self):
        """What it has allocated, walked page by page: /proc/PID/status may lag behind."""
        with open(f"/proc/{self.pid}/smaps_rollup") as rollup:
            fields = dict(line.split(":", 1) for line in rollup.read().splitlines()[1:])
        return sum(int(fields[name].split()[0]) for name in ("Anonymous", "Swap"))

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def state_of(stat):
    return stat.read_text().rpartition(")")[2].split()[0]


def end_all():
    for process in list(Process.started):
        process.popen.kill()
        process.popen.wait()
    Process.started.clear()
