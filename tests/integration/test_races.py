# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything at once: callers, reloads, orders, fail-overs. What ThreadSanitizer is to watch."""

import contextlib
import json
import random
import subprocess
import threading

from support import http
from support.process import clean_environment, free_port
from support.programs import program
from support.scripted import HEALTHY_STATUS, ScriptedServer
from support.wait import until

TURNS = 100
PATHS = ("/", "/rw", "/ro", "/live", "/status", "/status?history=all", "/metrics", "/nope")
STATES = ("4", "2", "3", "0")


class Callers:
    """Threads that ask, as balancers, scrapers and people do, until they are told to stop."""

    def __init__(self, checker, agent):
        self.checker, self.agent = checker, agent
        self.stopped = threading.Event()
        self.answers = 0
        self.statuses = set()
        self.threads = [
            threading.Thread(target=self._run, args=(ask,))
            for ask in (self._poll, self._poll, self._keep, self._ask_control, self._ask_agent)
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _run(self, ask):
        while not self.stopped.is_set():
            # A reload replaces doors: a connection to the old one may end.
            with contextlib.suppress(OSError):
                ask()
                self.answers += 1

    def _poll(self):
        answer = self.checker.ask(random.choice(PATHS))
        if answer.raw:
            self.statuses.add(answer.status)

    def _keep(self):
        with http.Connection(self.checker.address) as connection:
            for path in PATHS:
                self.statuses.add(connection.ask(path).status)

    def _ask_control(self):
        http.ask(self.checker.control, "/status")

    def _ask_agent(self):
        http.exchange(self.agent, b"")


def order(checker, *words):
    command = [program("clustercheckctl"), "--socket", checker.control, *words, "--as", "races"]
    environment = clean_environment()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, done.stderr


def test_everything_at_once(daemon):
    agent = ("127.0.0.1", free_port())
    with ScriptedServer() as server:
        checker = daemon(
            None,
            {
                "mysql": {**server.settings(), "interval": "10ms", "login_interval": "100ms"},
                "agent": {"listen": f"127.0.0.1:{agent[1]}"},
            },
        )
        checker.wait_reason("available")
        with Callers(checker, agent) as callers:
            for turn in range(TURNS):
                answered = callers.answers
                disturb(turn, checker, server)
                until(lambda: callers.answers >= answered + 20, "20 more answers", 20)
        server.heal()
        order(checker, "enable")
        checker.reload({"log": {"requests": "no"}, "http": {"max_connections": "1000"}})
        checker.wait_reason("available")
        assert callers.statuses == {200, 404, 503}
        assert json.loads(checker.ask("/status").body)["probe"]["outcome"] == "ok"


def disturb(turn, checker, server):
    """One of the things that happen to a node, in turn."""
    match turn % 5:
        case 0:
            checker.reload(
                {
                    "log": {"requests": ("yes", "no")[turn // 5 % 2]},
                    "http": {"max_connections": str(900 + turn)},
                    f"endpoint /turn{turn // 5 % 3}": {"donor": "auto"},
                }
            )
        case 1:
            server.hang_up()
        case 2:
            server.status = HEALTHY_STATUS | {"wsrep_local_state": STATES[turn // 5 % 4]}
        case 3:
            order(checker, ("drain", "disable")[turn // 5 % 2], "--for", "1h")
        case 4:
            order(checker, "enable")
