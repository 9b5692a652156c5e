# SPDX-License-Identifier: GPL-2.0-or-later
"""One measurement: callers ask a contender for a while, and what that cost everybody."""

import bisect
import dataclasses
import itertools
import os
import resource
import statistics
import subprocess
import time

from contenders import process_seconds
from support.cluster import Session
from support.process import TICKS
from support.programs import program


@dataclasses.dataclass
class Latencies:
    """Seconds; a bucket's answers took at least its key."""

    buckets: dict
    longest: float

    def percentile(self, percent):
        keys = sorted(self.buckets)
        sums = list(itertools.accumulate(self.buckets[key] for key in keys))
        if not sums:
            return float("nan")
        return keys[min(bisect.bisect_left(sums, sums[-1] * percent / 100), len(keys) - 1)]

    @classmethod
    def merged(cls, several):
        buckets = {}
        for latencies in several:
            for key, count in latencies.buckets.items():
                buckets[key] = buckets.get(key, 0) + count
        return cls(buckets, max((latencies.longest for latencies in several), default=0.0))


@dataclasses.dataclass
class Trial:
    """What was seen while the callers asked; CPU in seconds, of mariadbd without its idle share."""

    seconds: float
    answers: int
    not_ok: int  # with a status other than 200
    failed: int  # no whole answer in time
    latencies: Latencies
    agent_cpu: float = 0.0
    server_cpu: float = 0.0
    connections: int = 0
    queries: int = 0
    others: float = 0.0  # cores that were busy with something else

    @property
    def rate(self):
        return self.answers / self.seconds

    def per_check(self, name):
        return quotient(getattr(self, name), self.answers)


def ask(
    address, callers=1, seconds=0.5, keep=False, path="/", sources=0, timeout=10.0, to_end=False
):
    host, port = address
    command = [program("bench_load"), "--callers", callers, "--seconds", seconds, "--path", path]
    command += ["--sources", sources, "--timeout", timeout]
    command += ["--keep"] * keep + ["--to-end"] * to_end + [host, port]
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + timeout + 10,
    )
    values, buckets = {}, {}
    for name, *numbers in (line.split() for line in done.stdout.splitlines()):
        if name == "bucket":
            buckets[int(numbers[0]) / 1e9] = int(numbers[1])
        else:
            values[name] = float(numbers[0])
    return Trial(
        values["seconds"],
        *(int(values[name]) for name in ("answers", "not_ok", "failed")),
        Latencies(buckets, values["longest"] / 1e9),
    )


class Server:
    """The node's mariadbd: what it is asked, and what that costs it."""

    NAMES = ("Connections", "Queries")

    def __init__(self, node):
        self.pid = node.pid()
        self.session = Session(node.socket)
        self.idle = 0.0  # CPU seconds per second
        self.own = [b - a for a, b in zip(self.read(), self.read())]

    def read(self):
        rows = self.session.sql(
            f"SHOW GLOBAL STATUS WHERE Variable_name IN {self.NAMES}"
        ).splitlines()
        values = dict(row.split("\t") for row in rows)
        return [int(values[name]) for name in self.NAMES]

    def cpu_seconds(self):
        return process_seconds(self.pid)

    def close(self):
        self.session.close()


def callers_cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Cores:
    """Those this may run on, from here on."""

    def __init__(self):
        self.numbers = os.sched_getaffinity(0)
        self.began, self.idle = time.monotonic(), self.idle_seconds()

    def idle_seconds(self):
        names, ticks = {f"cpu{number}" for number in self.numbers}, 0
        with open("/proc/stat") as stat:
            for name, *fields in map(str.split, stat):
                if name in names:
                    ticks += int(fields[3]) + int(fields[4])
        return ticks / TICKS

    def busy_without(self, cpu_seconds):
        """How many were busy with something else."""
        passed = time.monotonic() - self.began
        idle = self.idle_seconds() - self.idle
        return max(0.0, len(self.numbers) - (idle + cpu_seconds) / passed)


def measure(server, contender, **how):
    counted, server_cpu, agent_cpu = server.read(), server.cpu_seconds(), contender.cpu_seconds()
    cores, callers_cpu = Cores(), callers_cpu_seconds()
    trial = ask(contender.address, **how)
    # The checks may end some time after their answers: theirs first.
    trial.agent_cpu = contender.cpu_seconds() - agent_cpu
    trial.server_cpu = server.cpu_seconds() - server_cpu
    callers_cpu = callers_cpu_seconds() - callers_cpu
    trial.others = cores.busy_without(trial.agent_cpu + trial.server_cpu + callers_cpu)
    trial.server_cpu -= server.idle * trial.seconds
    after = server.read()
    trial.connections, trial.queries = (
        b - a - own for a, b, own in zip(counted, after, server.own)
    )
    return trial


def quotient(a, b):
    return a / b if b else float("nan")


@dataclasses.dataclass
class Spread:
    """One value of several rounds: their median, and how far they were apart."""

    values: list

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def low(self):
        return min(self.values)

    @property
    def high(self):
        return max(self.values)

    def ratio(self, other):
        """Of the same round where both had as many turns: the machine was as busy for both."""
        if len(self.values) == len(other.values):
            return statistics.median(map(quotient, self.values, other.values))
        return quotient(self.median, other.median)
