# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is measured: the daemon, what runs one process per check under xinetd, and the floors."""

import itertools
import os
import pathlib
import time

from support import http
from support.cluster import PASSWORD, USER
from support.daemon import Daemon
from support.process import TICKS, Process, free_port
from support.programs import program
from support.wait import until
from support.xinetd import Xinetd

SCRIPT = pathlib.Path(__file__).parent / "clustercheck-script"


def process_seconds(pid):
    """CPU time of a whole process in nanosecond steps, its ended threads included."""
    return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)


def children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


class Contender:
    """A server of checks: `process` answers on `address`."""

    def __init__(self, name, process, address):
        self.name, self.process, self.address = name, process, address

    def __repr__(self):
        return self.name

    def start(self):
        """Returns the seconds from the start to the first answer."""
        began = time.monotonic()
        Process.start(self.process)
        until(self.answers, f"answer from {self.name}", 10, 0.0005)
        return time.monotonic() - began

    def answers(self):
        try:
            return http.ask(self.address).raw.startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False

    def stop(self):
        self.process.stop()

    def freeze(self):
        self.process.freeze()

    def thaw(self):
        self.process.thaw()
        until(self.answers, f"answer from {self.name}", 10)

    def cpu_seconds(self):
        return process_seconds(self.process.pid)

    def memory_kib(self):
        return self.process.memory_kib()


class PerProcess(Contender):
    """Under xinetd, which waits for its children: their time, and their children's, becomes its."""

    def cpu_seconds(self):
        pid = self.process.pid
        until(lambda: not children(pid), f"end of the checks of {self.name}", 20)
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return process_seconds(pid) + (int(fields[13]) + int(fields[14])) / TICKS


def floor(name, executable):
    port = free_port()
    command = [program(executable), port]
    return Contender(name, Process(command, pathlib.Path(os.devnull)), ("127.0.0.1", port))


def daemon(directory, node, name="clustercheckd"):
    """With the intervals it has by default; the tests' are shorter."""
    process = Daemon(directory, node, {"mysql": {"interval": None, "login_interval": None}})
    return Contender(name, process, process.address)


def under_xinetd(name, directory, server, arguments):
    process = Xinetd(directory, [str(argument) for argument in arguments], server)
    return PerProcess(name, process, process.address)


class Field:
    """All contenders, with one node to look at."""

    def __init__(self, directory, node):
        options = directory / "client.cnf"
        options.write_text(f"[client]\nsocket={node.socket}\n")
        script = [options, USER, PASSWORD]
        oneshot = [USER, PASSWORD, "0", "/dev/null", "1", options]

        self.epoll = floor("bare epoll loop", "bench_epoll")
        self.constant = floor("libmicrohttpd constant", "bench_microhttpd")
        self.daemon = daemon(directory / "daemon", node)
        self.oneshot = under_xinetd(
            "clustercheck", directory / "oneshot", program("clustercheck"), oneshot
        )
        self.old = under_xinetd("script", directory / "old", SCRIPT, [*script, 1, 0.1])
        self.old_twice = under_xinetd(
            "script, asking twice", directory / "twice", SCRIPT, [*script, 0, 0.1]
        )
        self.old_awake = under_xinetd(
            "script without sleep", directory / "awake", SCRIPT, [*script, 1, 0]
        )
        self.fast = [self.epoll, self.constant, self.daemon]
        self.scripts = [self.old, self.old_twice, self.old_awake]
        self.all = [*self.fast, self.oneshot, *self.scripts]

    def named(self, names):
        return [getattr(self, name) for name in names]

    def start(self):
        for contender in self.all:
            contender.start()

    def stop(self):
        for contender in self.all:
            if contender.process.runs():
                contender.stop()


def in_turn(contenders, turn):
    """Another one goes first each time, so that none always follows the same."""
    count = len(contenders)
    return list(itertools.islice(itertools.cycle(contenders), turn % count, turn % count + count))
