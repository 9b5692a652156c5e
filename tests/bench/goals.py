# SPDX-License-Identifier: GPL-2.0-or-later
"""What is to be reached: ratios of medians in one run."""

import dataclasses

from measures import Spread, quotient
from trials import KEPT, NEW, RUNS, STOPPED

# What other work may take of the cores before half a goal can be missed for no other reason. Beside
# it 16 scripts get more of the machine than a daemon and its callers: that shows first.
BUSY_FOR_SCRIPTS, BUSY = 0.5, 0.75


@dataclasses.dataclass
class Goal:
    name: str
    ratio: float
    goal: float
    at_least: bool = False  # else: at most
    doubt: str = ""  # why even half of it may be missed here

    def __str__(self):
        sign = "≥" if self.at_least else "≤"
        return f"{self.name}: {self.ratio:.4g}, wanted {sign} {self.goal:.4g}"

    def is_met(self, share=1.0):
        if self.at_least:
            return self.ratio >= self.goal * share
        return self.ratio <= self.goal / share


def rate(trial):
    return trial.rate


def cpu(trial):
    return trial.per_check("agent_cpu")


def percentile(percent):
    return lambda trial: trial.latencies.percentile(percent)


def of_trials(trials, value):
    return Spread(list(map(value, trials)))


def compare(trials, value, mine, other):
    """Both by contender, connection and callers."""
    return trials.spread(*mine, value).ratio(trials.spread(*other, value))


def throughput(trials):
    daemon, constant = trials.field.daemon, trials.field.constant
    for connection, goal in ((NEW, 0.95), (KEPT, 0.90)):
        ratio = compare(trials, rate, (daemon, connection, 16), (constant, connection, 16))
        name = f"checks/s, {connection}, 16 callers: of the {constant}"
        yield Goal(name, ratio, goal, at_least=True)
        # Where the callers are the limit, this is what tells.
        ratio = compare(trials, cpu, (daemon, connection, 16), (constant, connection, 16))
        name = f"CPU per check, {connection}, 16 callers: of the {constant}"
        yield Goal(name, ratio, 1 / goal)
    # The old way sleeps; how the daemon compares with one that does not is told in the table.
    for old in (trials.field.old, trials.field.old_twice):
        if (old, NEW, 16) not in trials.checks:
            continue
        ratio = compare(trials, rate, (daemon, NEW, 16), (old, NEW, 16))
        name = f"checks/s, {NEW}, 16 callers: of the {old}"
        yield Goal(name, ratio, 150, at_least=True, doubt=doubt(trials, BUSY_FOR_SCRIPTS))


def doubt(trials, share):
    others = trials.others().median
    if others <= share * trials.cores:
        return ""
    return f"other work took {others:.1f} of {trials.cores} cores"


def cost(trials):
    field = trials.field
    mine, old = (field.daemon, NEW, 16), (field.old, NEW, 16)
    yield Goal(f"CPU per check: of the {field.old}", compare(trials, cpu, mine, old), 1 / 300)
    for value, what in (
        ("server_cpu", "CPU of mariadbd"),
        ("queries", "queries"),
        ("connections", "connections"),
    ):
        ratio = quotient(trials.total(*mine, value), trials.total(*old, value))
        yield Goal(f"{what} per check, 16 callers: of the {field.old}", ratio, 1 / 1000)
    memories = zip(trials.memory[field.daemon], trials.memory[field.constant])
    for when, (daemon, constant) in zip(("at rest", "256 callers connected"), memories):
        yield Goal(f"resident memory, {when}: of the {field.constant}", daemon / constant, 1.5)


def latency(trials):
    field, p99 = trials.field, percentile(99)
    ratio = compare(trials, p99, (field.daemon, NEW, 64), (field.constant, NEW, 64))
    name = f"p99, {NEW}, 64 callers: of the {field.constant}"
    yield Goal(name, ratio, 1.2, doubt=doubt(trials, BUSY))
    oneshot, old = (
        of_trials(trials.whole[contender], percentile(50))
        for contender in (field.oneshot, field.old)
    )
    yield Goal(f"{field.oneshot}, to its end: of the {field.old}", oneshot.ratio(old), 1 / 8)
    stopped, running = (
        of_trials(trials.stopped[field.daemon, state], p99) for state in (STOPPED, RUNS)
    )
    # The same, as far as a machine's noise lets one say so.
    name = "p99 while mariadbd is stopped: of that while it runs"
    yield Goal(name, stopped.ratio(running), 1.2, doubt=doubt(trials, BUSY))


def growth(trials):
    daemon = trials.field.daemon
    for connection in (NEW, KEPT):
        ratio = compare(trials, cpu, (daemon, connection, 256), (daemon, connection, 1))
        name = f"CPU per check, {connection}, 256 callers: of one caller"
        yield Goal(name, ratio, 1.1, doubt=doubt(trials, BUSY))
    few, many = (of_trials(rounds, cpu) for _, rounds in sorted(trials.status.items()))
    yield Goal("CPU of /status, 1,000 pollers known: of 10", many.ratio(few), 2.0)


def all_goals(trials):
    return [*throughput(trials), *cost(trials), *latency(trials), *growth(trials)]
