# SPDX-License-Identifier: GPL-2.0-or-later
"""What is tried, in rounds in which every contender has its turn."""

import contextlib
import dataclasses
import os
import signal
import time

import contenders
from contenders import in_turn
from measures import Spread, ask, measure, quotient
from support import http
from support.cluster import Session
from support.process import Process
from support.wait import until

NEW, KEPT = "new connection", "kept connection"
# What mariadbd does. The daemon notices that it stands after `interval` and `timeout`.
RUNS, JUST_STOPPED, STOPPED = "runs", "just stopped", "stopped"
CALLERS = (1, 16, 64, 256)
SLAP = 16  # clients of mariadb-slap


@dataclasses.dataclass
class Turns:
    """So many callers ask each of these contenders, in every so-manieth round."""

    callers: int
    connection: str
    whom: tuple = ("epoll", "constant", "daemon")
    every: int = 1


@dataclasses.dataclass
class Plan:
    """How long and how often; everything ends after that."""

    rounds: int
    fast: tuple  # of Turns
    slow_callers: tuple
    seconds: float = 0.15  # a turn of a fast contender
    slow_seconds: float = 1.0
    slow_every: int = 1  # rounds
    all_scripts: bool = True  # else: only as it is by default
    repeats: int = 5  # of single events, and while the server is busy
    stops: int = 8  # of the server
    stopped_turns: int = 3  # in each
    stopped_whom: tuple = ("constant", "daemon")
    breathe: bool = False  # a pause as long as the turn after each


# Many short turns: what else the machine does then falls on all of them alike.
FULL = Plan(
    rounds=15,
    fast=tuple(Turns(callers, connection) for callers in CALLERS for connection in (NEW, KEPT)),
    slow_callers=CALLERS,
    slow_every=5,
)
# Of these only what a goal is about.
SMOKE = Plan(
    rounds=9,
    fast=(
        Turns(16, NEW, ("constant", "daemon")),
        Turns(16, KEPT, ("constant", "daemon")),
        Turns(64, NEW, ("constant", "daemon")),
        Turns(1, NEW, ("daemon",), every=2),
        Turns(1, KEPT, ("daemon",), every=2),
        Turns(256, NEW, ("daemon",), every=2),
        Turns(256, KEPT, ("daemon",), every=2),
    ),
    slow_callers=(16,),
    seconds=0.1,
    slow_seconds=0.25,
    slow_every=4,
    all_scripts=False,
    repeats=3,
    stops=2,
    stopped_turns=5,
    stopped_whom=("daemon",),
)


class Trials:
    """All results, by contender, kind of connection and number of callers."""

    def __init__(self, plan, directory, node, field, server):
        self.plan, self.directory, self.node = plan, directory, node
        self.field, self.server, self.cores = field, server, len(os.sched_getaffinity(0))
        self.old = field.scripts if plan.all_scripts else [field.old]
        self.slow = [field.oneshot, *self.old]
        self.checks = {}  # (contender, connection, callers): [Trial, ...]
        self.busy = {}  # contender: [Trial, ...]
        self.stopped = {}  # (contender, what the server does): [Trial, ...]
        self.whole = {}  # contender: [Trial, ...], each check to the end of its connection
        self.status = {}  # pollers: [Trial, ...]
        self.changes, self.starts = {}, {}  # contender: [seconds, ...]
        self.memory = {}  # contender: KiB at rest, and with callers connected

    def turns(self, results, key, contender, **how):
        trial = measure(self.server, contender, **how)
        results.setdefault(key, []).append(trial)
        time.sleep(trial.seconds * self.plan.breathe)

    # --- checks -------------------------------------------------------------------------------

    def measure_idle(self):
        """What mariadbd costs when nobody asks it."""
        self.field.daemon.freeze()
        before, began = self.server.cpu_seconds(), time.monotonic()
        time.sleep(1)
        self.server.idle = (self.server.cpu_seconds() - before) / (time.monotonic() - began)
        self.field.daemon.thaw()

    def warm_up(self):
        for contender in self.field.fast:
            for keep in (False, True):
                ask(contender.address, max(CALLERS), 0.2, keep, timeout=0.3)

    def fast_checks(self, turn):
        for turns in self.plan.fast:
            if turn % turns.every:
                continue
            for contender in in_turn(self.field.named(turns.whom), turn):
                self.turns(
                    self.checks,
                    (contender, turns.connection, turns.callers),
                    contender,
                    callers=turns.callers,
                    seconds=self.plan.seconds,
                    keep=turns.connection == KEPT,
                    timeout=1.0,
                )

    def slow_checks(self, turn):
        """The daemon stands still, so that its probes are not counted as theirs."""
        self.field.daemon.freeze()
        for callers in self.plan.slow_callers:
            for contender in in_turn(self.slow, turn):
                self.turns(
                    self.checks,
                    (contender, NEW, callers),
                    contender,
                    callers=callers,
                    seconds=self.plan.slow_seconds,
                )
        self.field.daemon.thaw()

    def checks_in_rounds(self):
        self.measure_idle()
        self.warm_up()
        for turn in range(self.plan.rounds):
            self.fast_checks(turn)
            if turn % self.plan.slow_every == 0:
                self.slow_checks(turn)

    def memory_at_rest(self):
        """Before anybody has asked but to see whether it answers."""
        for contender in self.field.fast:
            self.memory[contender] = [contender.memory_kib()]

    def memory_with_callers(self):
        """How much stays when they have gone is the C library's chance."""
        for contender in self.field.fast:
            with contextlib.ExitStack() as callers:
                for _ in range(max(CALLERS)):
                    callers.enter_context(http.Connection(contender.address)).ask()
                self.memory[contender].append(contender.memory_kib())

    def whole_connections(self):
        """The script answers, sleeps, and only then ends the connection."""
        for turn in range(self.plan.repeats):
            for contender in in_turn([self.field.daemon, *self.slow], turn):
                trial = ask(contender.address, 1, self.plan.slow_seconds, to_end=True)
                self.whole.setdefault(contender, []).append(trial)

    # --- a server in trouble ------------------------------------------------------------------

    @contextlib.contextmanager
    def slap(self):
        """mariadbd under load from clients that write and read."""
        command = ["mariadb-slap", "--no-defaults", f"--socket={self.node.socket}", "--user=root"]
        command += ["--auto-generate-sql", "--auto-generate-sql-add-autoincrement"]
        command += ["--engine=innodb", f"--concurrency={SLAP}", "--number-of-queries=100000000"]
        slap = Process(command, self.directory / "slap.log").start()
        count = "SELECT COUNT(*) FROM information_schema.processlist WHERE db='mysqlslap'"
        with Session(self.node.socket) as session:
            until(lambda: int(session.sql(count)) >= SLAP, "load from mariadb-slap", 10)
            try:
                yield
            finally:
                slap.stop(signal.SIGKILL)
                until(lambda: session.sql(count) == "0", "end of mariadb-slap's sessions", 20)
                session.sql("DROP DATABASE IF EXISTS mysqlslap")

    def checks_while_busy(self):
        some = [self.field.constant, self.field.daemon, *self.slow]
        with self.slap():
            for turn in range(self.plan.repeats):
                for contender in in_turn(some, turn):
                    seconds = self.plan.slow_seconds
                    self.turns(self.busy, contender, contender, seconds=seconds)

    def checks_while_stopped(self):
        """Running and stopped in turn."""
        for _ in range(self.plan.stops):
            self.ask_while(RUNS, self.plan.stopped_turns)
            with self.frozen_server():
                self.ask_while(JUST_STOPPED, 1)  # there is time for no more
                self.field.daemon.process.wait_reason("timeout")
                self.ask_while(STOPPED, self.plan.stopped_turns)

    def processes_while_stopped(self):
        """Who asks the server for each check has no answer then."""
        with self.frozen_server():
            for contender in self.slow:
                trial = ask(contender.address, 1, 0.1, timeout=1.5)
                self.stopped.setdefault((contender, STOPPED), []).append(trial)

    def ask_while(self, state, turns, callers=16):
        """The server is asked nothing here: it has no answer."""
        for turn in range(turns):
            for contender in in_turn(self.field.named(self.plan.stopped_whom), turn):
                trial = ask(contender.address, callers, self.plan.seconds)
                self.stopped.setdefault((contender, state), []).append(trial)
                time.sleep(trial.seconds * self.plan.breathe)

    @contextlib.contextmanager
    def frozen_server(self):
        self.node.freeze()
        try:
            yield
        finally:
            self.node.thaw()
            until(self.field.daemon.answers, "200 from the daemon", 10)

    # --- single events ------------------------------------------------------------------------

    def change_to_answer(self, contender, session, value):
        wanted = b"HTTP/1.1 503 " if value == "ON" else b"HTTP/1.1 200 "
        began = time.monotonic()
        session.sql(f"SET GLOBAL wsrep_desync={value}")
        until(
            lambda: http.ask(contender.address).raw.startswith(wanted),
            f"changed answer from {contender}",
            10,
            0.001,
        )
        return time.monotonic() - began

    def changes_of_state(self):
        some = [self.field.daemon, self.field.oneshot, self.field.old]
        with Session(self.node.socket) as session:
            for turn in range(self.plan.repeats):
                for contender in in_turn(some, turn):
                    for value in ("ON", "OFF"):
                        took = self.change_to_answer(contender, session, value)
                        self.changes.setdefault(contender, []).append(took)

    def starts_and_stops(self):
        for turn in range(self.plan.repeats):
            for contender in in_turn(self.field.all, turn):
                contender.stop()
                self.starts.setdefault(contender, []).append(contender.start())

    # --- growth -------------------------------------------------------------------------------

    def status_by_pollers(self, few=10, many=1000):
        daemons = {}
        try:
            for pollers in (few, many):
                name = f"daemon-{pollers}"
                contender = contenders.daemon(self.directory / name, self.node, name)
                contender.start()
                daemons[pollers] = contender
                self.make_known(contender, pollers)
            for turn in range(self.plan.rounds):
                for pollers in in_turn((few, many), turn):
                    how = {"path": "/status", "seconds": self.plan.seconds}
                    self.turns(self.status, pollers, daemons[pollers], **how)
        finally:
            for contender in daemons.values():
                contender.stop()

    def make_known(self, contender, pollers):
        """Callers of so many addresses; few may have pushed out one another."""
        for seconds in (0.1, 0.5, 2, 8):
            ask(contender.address, 4, seconds, sources=pollers)
            if contender.process.status()["pollers_total"] >= 0.95 * pollers:
                return
        raise RuntimeError(f"{contender} does not know its {pollers} callers")

    # --- what became of it --------------------------------------------------------------------

    def spread(self, contender, connection, callers, value):
        """`value` is taken of each trial."""
        return Spread(list(map(value, self.checks[contender, connection, callers])))

    def total(self, contender, connection, callers, name):
        """Per check, of all rounds together: what comes in lumps has no median. Next to nothing can
        turn out as less than nothing, because what mariadbd costs when idle is taken away."""
        trials = self.checks[contender, connection, callers]
        whole = max(0, sum(getattr(t, name) for t in trials))
        return quotient(whole, sum(t.answers for t in trials))

    def others(self):
        """Cores that other work took in the turns of the daemon."""
        return Spread(
            [
                trial.others
                for (contender, _, _), rounds in self.checks.items()
                for trial in rounds
                if contender is self.field.daemon
            ]
        )

    # --- all of it ----------------------------------------------------------------------------

    def run(self, smoke):
        self.memory_at_rest()
        self.checks_in_rounds()
        self.memory_with_callers()
        self.whole_connections()
        self.checks_while_stopped()
        self.status_by_pollers()
        if smoke:
            return
        self.processes_while_stopped()
        self.checks_while_busy()
        self.changes_of_state()
        self.starts_and_stops()
