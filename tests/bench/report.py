# SPDX-License-Identifier: GPL-2.0-or-later
"""The results in words: tables in Markdown, which are read as they are on a terminal, too."""

import math
import pathlib

import goals
from goals import cpu, of_trials, percentile, rate
from measures import Spread
from trials import CALLERS, JUST_STOPPED, KEPT, NEW, RUNS, STOPPED


def number(value):
    """Three digits of it."""
    if math.isnan(value):
        return "none"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0"


def spread_text(spread, factor=1):
    middle, low, high = (number(v * factor) for v in (spread.median, spread.low, spread.high))
    return f"{middle} ({low} to {high})"


def milliseconds(values):
    return spread_text(Spread(values), 1e3) if values else ""


def ratio_text(ratio):
    if 0 < ratio < 0.05:
        return f"1/{number(1 / ratio)}"
    return number(ratio)


def table(titles, rows):
    rows = [titles, *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def goals_table(trials):
    rows = []
    for goal in goals.all_goals(trials):
        sign = "≥" if goal.at_least else "≤"
        met = "met" if goal.is_met() else "missed"
        rows.append((goal.name, ratio_text(goal.ratio), f"{sign} {ratio_text(goal.goal)}", met))
    return table(("goal", "measured", "wanted", ""), rows)


def checks_table(trials, connection):
    titles = ("", "callers", "checks/s", "p50 ms", "p99 ms", "max ms", "CPU µs/check")
    titles += ("mariadbd µs/check", "connections/check", "queries/check", "busy", "not 200")
    rows = []
    for contender in trials.field.all:
        for callers in CALLERS:
            key = (contender, connection, callers)
            if key in trials.checks:
                rows.append(checks_row(trials, *key))
    return table(titles, rows)


def checks_row(trials, *key):
    contender, _, callers = key
    rounds = trials.checks[key]
    latencies = [trials.spread(*key, percentile(percent)).median * 1e3 for percent in (50, 99)]
    return (
        contender.name,
        callers,
        spread_text(trials.spread(*key, rate)),
        *map(number, latencies),
        number(max(trial.latencies.longest for trial in rounds) * 1e3),
        spread_text(trials.spread(*key, cpu), 1e6),
        number(trials.total(*key, "server_cpu") * 1e6),
        number(trials.total(*key, "connections")),
        number(trials.total(*key, "queries")),
        f"{trials.spread(*key, lambda t: t.agent_cpu / t.seconds).median:.0%}",
        sum(trial.not_ok + trial.failed for trial in rounds),
    )


def busy_table(trials):
    rows = [
        (contender.name, *(spread_text(of_trials(busy, percentile(p)), 1e3) for p in (50, 99)))
        for contender, busy in trials.busy.items()
    ]
    return table(("", "p50 ms, busy", "p99 ms, busy"), rows)


def stopped_table(trials):
    states = (RUNS, JUST_STOPPED, STOPPED)
    rows = []
    for contender in trials.field.all:
        cells = [stopped_text(trials.stopped.get((contender, state), [])) for state in states]
        if any(cells):
            rows.append((contender.name, *cells))
    return table(("", *(f"p99 ms, {state}" for state in states)), rows)


def stopped_text(rounds):
    answered = [trial.latencies.percentile(99) for trial in rounds if trial.answers]
    return milliseconds(answered) or ("no answer" if rounds else "")


def events_table(trials):
    rows = []
    for contender in trials.field.all:
        whole = [t.latencies.percentile(50) for t in trials.whole.get(contender, [])]
        rows.append(
            (
                contender.name,
                milliseconds(trials.changes.get(contender)),
                milliseconds(trials.starts.get(contender)),
                milliseconds(whole),
                memory_text(trials.memory.get(contender)),
            )
        )
    titles = ("", "change to answer, ms", "start to answer, ms", "whole connection, ms")
    return table(titles + ("resident at rest, with 256 callers, MiB",), rows)


def memory_text(memory):
    return ", ".join(number(kib / 1024) for kib in memory) if memory else "a process per check"


def status_table(trials):
    rows = [
        (
            pollers,
            spread_text(of_trials(rounds, cpu), 1e6),
            spread_text(of_trials(rounds, percentile(50)), 1e6),
        )
        for pollers, rounds in sorted(trials.status.items())
    ]
    return table(("pollers known", "CPU µs of a /status", "p50 µs of a /status"), rows)


CHECKS = """\
Medians of the rounds (lowest to highest). `clustercheck` is the one-shot; it and the scripts run
under xinetd, and their CPU is that of xinetd and of all it started. CPU of mariadbd is without what
it costs when idle. `busy` is the share of one core that the contender used; `not 200` counts other
answers and those that did not come."""
BUSY = """\
mariadbd under mariadb-slap with 16 clients; one caller."""
STANDS = """\
mariadbd stopped by SIGSTOP; 16 callers, one where each check is a process. `just stopped`: what the
daemon saw last was good, it answers 200. `stopped`: it has noticed, and answers 503."""
EVENTS = """\
A change is `SET GLOBAL wsrep_desync`, from its beginning to the first answer that shows it, asked
for without a pause. It is the daemon's `interval` that shows here; a balancer adds its own. A whole
connection goes on after the answer: the script sleeps, and only then ends it."""
TRIED = (pathlib.Path(__file__).parent / "tried.md").read_text()


def write(trials):
    """All of it but the plots, which the caller refers to."""
    others = f"Other work took {spread_text(trials.others())} of {trials.cores} cores."
    parts = ["## Goals", f"Ratios of medians in this run. {others}", goals_table(trials)]
    parts += ["## Checks, each on a new connection", CHECKS, checks_table(trials, NEW)]
    parts += ["## Checks on kept connections", checks_table(trials, KEPT)]
    if trials.busy:
        parts += ["## A busy server", BUSY, busy_table(trials)]
    parts += ["## A server that stands", STANDS, stopped_table(trials)]
    parts += ["## Single events", EVENTS, events_table(trials)]
    parts += ["## Growth", status_table(trials)]
    return "\n\n".join(parts) + "\n"
