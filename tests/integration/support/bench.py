# SPDX-License-Identifier: GPL-2.0-or-later
"""A scripted server and a daemon that asks it, put through one scenario after the other."""

import concurrent.futures
import contextlib
import dataclasses
import os
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

MYSQL = {"interval": "100ms", "timeout": "250ms", "login_interval": "1h"}
# What a busy machine makes of any scenario: the server is slow, too.
NOISE = {"available", "timeout", "stale"}


@dataclasses.dataclass
class Scenario:
    """`expected` has "available" where a server may do so and still be believed."""

    name: str
    arrange: Callable[[ScriptedServer], None]
    expected: set

    def is_harmless(self):
        return "available" in self.expected


class Bench:
    def __init__(self, start, mysql=None, server=None, max_age=1):
        self.server = server or ScriptedServer()
        self.max_age = max_age
        self.checker = start(None, {"mysql": {**MYSQL, **self.server.settings(), "max_age": f"{max_age}s", **(mysql or {})}})
        self.checker.wait_reason("available")
        self.descriptors = self.open_descriptors()
        self.resident = self.checker.memory_kib()
        with contextlib.suppress(OSError):
            pathlib.Path(f"/proc/{self.checker.pid}/clear_refs").write_text("5")

    def open_descriptors(self):
        """Of all threads: the prober has its own."""
        tasks = pathlib.Path(f"/proc/{self.checker.pid}/task").iterdir()
        return {task.name: len(os.listdir(task / "fd")) for task in tasks}

    def _has_few_descriptors(self):
        now = self.open_descriptors()
        return now.keys() == self.descriptors.keys() and all(
            now[task] <= self.descriptors[task] for task in now)

    def run(self, scenario):
        """None, or what was wrong with it."""
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

    def run_all(self, scenarios):
        wrongs = [wrong for scenario in scenarios if (wrong := self.run(scenario))]
        wrongs += self.finish()
        for wrong in wrongs:
            print("wrong:", wrong)
        return wrongs

    def _watch(self, scenario, seen):
        began = time.monotonic()
        until(lambda: self.server.faults, "fault", 5, 0.002)
        if scenario.is_harmless():
            rounds = self.checker.status()["probe"]["rounds"]
            until(lambda: self._look(seen) and self.checker.status()["probe"]["rounds"] > rounds + 1,
                  "two more rounds", 5)
            return
        until(lambda: self._look(seen) != "available", "503", self.max_age + BUSY_MACHINE, 0.005)
        print(f"{scenario.name}: {sorted(seen)} after {(time.monotonic() - began) * 1000:.0f} ms")
        until(lambda: self._look(seen) in scenario.expected, "expected reason", 5, 0.005)

    def _look(self, seen):
        answer = self.checker.ask()
        assert (answer.status == 200) == (answer.reason == "available"), answer
        seen.add(answer.reason)
        return answer.reason

    def finish(self):
        """Problems: what the daemon has not given back."""
        wrong = []
        try:
            until(self._has_few_descriptors, "end of the descriptors", 5)
        except TookTooLong:
            wrong.append(f"descriptors {self.descriptors} -> {self.open_descriptors()}")
        peak, resident = self.checker.memory_kib("VmHWM"), self.checker.memory_kib()
        print(f"resident {self.resident} -> {resident} KiB, at most {peak} KiB")
        if not is_sanitized() and (peak > self.resident + PEAK or resident > self.resident + GROWTH):
            wrong.append(f"resident {self.resident} -> {resident} KiB, at most {peak} KiB")
        self.checker.stop()
        self.server.stop()
        return wrong


def walk(start, scenarios, benches=8):
    """All scenarios, dealt out to as many daemons; the list of what was wrong."""
    made = [Bench(start) for _ in range(min(benches, len(scenarios)))]

    def work(number):
        bench = made[number]
        return bench.run_all(scenarios[number :: len(made)])

    with concurrent.futures.ThreadPoolExecutor(len(made)) as pool:
        return [wrong for wrongs in pool.map(work, range(len(made))) for wrong in wrongs]
