# SPDX-License-Identifier: GPL-2.0-or-later
"""A scripted server and a daemon that asks it, put through one scenario after the other."""

import concurrent.futures
import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Callable

from support.programs import is_sanitized
from support.scripted import ScriptedServer
from support.wait import TookTooLong, until

BUSY_MACHINE = 0.5
MIB = 1024  # KiB
PEAK = 16 * MIB
GROWTH = 4 * MIB
GROWTH_OF_SAME = MIB // 8  # by the same work once more, with GIVES_BACK

MYSQL = {"interval": "100ms", "timeout": "250ms", "login_interval": "1h"}

# Every block of a page or more is the kernel's again as soon as it is free: what has been allocated
# and is not there any more has leaked. malloc would keep megabytes of a large answer, or not.
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "4096", "MALLOC_TRIM_THRESHOLD_": "0"}

# What a busy machine makes of any scenario: the server is slow, too.
NOISE = {"available", "timeout", "stale"}


@dataclasses.dataclass
class Scenario:
    """
    `expected` has "available" where a server may do so and still be believed. One that `stays` says
    the same in each round and on each connection, so that no round may be good after a bad one.
    """

    name: str
    arrange: Callable[[ScriptedServer], None]
    expected: set
    stays: bool = False

    def is_harmless(self):
        return "available" in self.expected


class Bench:
    put_through = set()  # the names of all scenarios, from all benches

    def __init__(self, start, mysql=None, server=None, max_age=1, env=None):
        self.server = server or ScriptedServer()
        self.max_age = max_age
        settings = {**MYSQL, **self.server.settings(), "max_age": f"{max_age}s", **(mysql or {})}
        self.checker = start(None, {"mysql": settings}, env=env)
        self.checker.wait_reason("available")
        self.descriptors = self._settled_descriptors()
        self.resident = self.checker.memory_kib()
        self.allocated = None  # after the first of two passes, where there are two
        with contextlib.suppress(OSError):
            pathlib.Path(f"/proc/{self.checker.pid}/clear_refs").write_text("5")

    def _settled_descriptors(self):
        """Without that of a caller who has had his answer."""
        seen = []

        def stands_still():
            seen.append(self.checker.open_descriptors())
            return seen[-5:].count(seen[-1]) == 5

        until(stands_still, "descriptors that stay")
        return seen[-1]

    def run(self, scenario):
        """None, or what was wrong with it."""
        Bench.put_through.add(scenario.name)
        self.server.faults = 0
        scenario.arrange(self.server)
        self.server.hang_up()
        seen = set()
        try:
            self._watch(scenario, seen)
        except AssertionError as wrong:
            return f"{scenario.name}: {wrong}; seen {sorted(seen)}"
        finally:
            self.server.heal()
        if seen - scenario.expected - NOISE:
            return f"{scenario.name}: expected {sorted(scenario.expected)}, seen {sorted(seen)}"
        try:
            self.checker.wait_reason("available", seconds=5)
        except AssertionError as wrong:
            return f"{scenario.name}: not healed: {wrong}"

    def run_all(self, scenarios, twice=False):
        wrongs = self._run_each(scenarios)
        if twice:
            self.allocated = self.checker.anonymous_kib()
            wrongs += self._run_each(scenarios)
        wrongs += self.finish()
        for wrong in wrongs:
            print("wrong:", wrong)
        return wrongs

    def _run_each(self, scenarios):
        return [wrong for scenario in scenarios if (wrong := self.run(scenario))]

    def _watch(self, scenario, seen):
        began = time.monotonic()
        until(lambda: self.server.faults, "fault", 5, 0.002)
        if scenario.is_harmless():
            self._watch_rounds(2, seen)
            return
        until(lambda: self._look(seen) != "available", "503", self.max_age + BUSY_MACHINE, 0.005)
        print(f"{scenario.name}: {sorted(seen)} after {(time.monotonic() - began) * 1000:.0f} ms")
        until(lambda: self._look(seen) in scenario.expected, "expected reason", 5, 0.005)
        if scenario.stays:
            since = set()
            self._watch_rounds(3, since)
            seen |= since
            assert "available" not in since, "believed after all"

    def _watch_rounds(self, count, seen):
        first = self.checker.status()["probe"]["rounds"]
        until(lambda: self._look(seen) and self.checker.status()["probe"]["rounds"] >= first + count,
              f"{count} more rounds", 5, 0.005)

    def _look(self, seen):
        answer = self.checker.ask()
        assert (answer.status == 200) == (answer.reason == "available"), answer
        seen.add(answer.reason)
        return answer.reason

    def finish(self):
        """Problems: what the daemon has not given back."""
        wrong = []
        try:
            until(lambda: self.checker.open_descriptors() == self.descriptors, "end of the descriptors", 5)
        except TookTooLong:
            wrong.append(f"descriptors {self.descriptors} -> {self.checker.open_descriptors()}")
        wrong += [] if is_sanitized() else self._memory_kept()
        self.checker.stop()
        self.server.stop()
        return wrong

    def _memory_kept(self):
        wrong = []
        peak, resident = self.checker.memory_kib("VmHWM"), self.checker.memory_kib()
        sizes = f"resident {self.resident} -> {resident} KiB, at most {peak} KiB"
        print(sizes)
        if peak > self.resident + PEAK or resident > self.resident + GROWTH:
            wrong.append(sizes)
        if self.allocated is not None:
            # What is taken for good when it is first used has been used in the first pass.
            allocated = self.checker.anonymous_kib()
            sizes = f"allocated {self.allocated} -> {allocated} KiB in the second pass"
            print(sizes)
            if allocated > self.allocated + GROWTH_OF_SAME:
                wrong.append(sizes)
        return wrong


def walk(start, scenarios, benches=16, twice=False):
    """All scenarios, dealt out to as many daemons; the list of what was wrong.

    Twice: each daemon meets its own once more, and has no more allocated then than the first time.
    """
    made = [Bench(start, env=GIVES_BACK if twice else None) for _ in range(min(benches, len(scenarios)))]

    def work(number):
        bench = made[number]
        return bench.run_all(scenarios[number :: len(made)], twice)

    with concurrent.futures.ThreadPoolExecutor(len(made)) as pool:
        return [wrong for wrongs in pool.map(work, range(len(made))) for wrong in wrongs]
