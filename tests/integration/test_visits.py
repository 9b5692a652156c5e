# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes on beside the kept connection, fresh logins and the census, holds up no verdict."""

import json
import threading
import time

import pytest

from support import http
from support.authority import Authority
from support.scripted import ScriptedServer
from support.wait import seconds_until, until
from test_scripted_server import context_for

INTERVAL, TIMEOUT = 0.1, 2.0
SOON = INTERVAL + 0.3  # and a busy machine
MYSQL = {"interval": "100ms", "timeout": "2s", "max_age": "4s", "login_interval": "300ms"}


class Held(threading.Event):
    """An event on both sides: somebody waits here, and may go on."""

    def __init__(self):
        super().__init__()
        self.reached = threading.Event()

    def hold(self, *_):
        self.reached.set()
        self.wait(30)


@pytest.fixture
def held():
    it = Held()
    yield it
    it.set()


class Slow(ScriptedServer):
    """A server whose information_schema takes its time."""

    def __init__(self, held):
        super().__init__()
        self.held = held

    def _answer(self, talk, sql):
        if "PROCESSLIST" not in sql:
            super()._answer(talk, sql)
        elif "COUNT(*)" in sql:
            self.held.hold()
            talk.send_rows(("connected", "busy"), [("2", "0")], "census")
        else:
            talk.send_rows(("ID", "USER", "HOST", "COMMAND", "TIME", "trx"), [], "census")


def assert_verdicts_go_on(server, checker):
    """Twice a change, there and back, each seen as if nothing else were going on."""
    for _ in range(2):
        server.status["wsrep_cluster_status"] = "non-Primary"
        assert seconds_until(lambda: checker.reason() == "non-primary", "non-primary") < SOON
        server.status["wsrep_cluster_status"] = "Primary"
        assert seconds_until(lambda: checker.reason() == "available", "available") < SOON


def test_a_login_that_hangs_in_its_tls_handshake(daemon, held, tmp_path):
    authority = Authority(tmp_path / "ca", "ours")
    with ScriptedServer(context_for(authority.sign("good", "127.0.0.1"))) as server:
        checker = daemon(None, {"mysql": {**server.settings(), **MYSQL, "tls": "required"}})
        checker.wait_reason("available")
        server.fault = ({"tls"}, held.hold)
        until(held.reached.is_set, "login")
        assert_verdicts_go_on(server, checker)
        # It fails in its time, and the kept connection is none the worse.
        checker.wait_reason("login-failing", seconds=TIMEOUT + 2)
        assert "timeout" not in [change["reason"] for change in checker.status()["history"]]
        server.fault = None
        checker.wait_reason("available")
        assert checker.log().count("probe: ") == 0


def test_a_census_that_takes_long(daemon, held):
    with Slow(held) as server:
        checker = daemon(None, {"mysql": {**server.settings(), **MYSQL, "login_interval": "1h"}})
        checker.wait_reason("available")
        assert http.ask(checker.control, "/maintenance?sessions=yes").status == 200
        until(held.reached.is_set, "census")
        assert_verdicts_go_on(server, checker)
        held.set()

        def connected():
            document = json.loads(http.ask(checker.control, "/maintenance?sessions=yes").body)
            return document["sessions"].get("connected") == 2

        until(connected, "census", TIMEOUT + 2)


def test_a_census_that_takes_long_while_the_daemon_sleeps(daemon, held):
    """Over its end, prober and visitor wake up together: the login, long done, is not blamed."""
    with Slow(held) as server:
        mysql = {**server.settings(), "interval": "100ms", "timeout": "500ms", "login_interval": "1h"}
        checker = daemon(None, {"mysql": mysql})
        checker.wait_reason("available")
        for _ in range(4):
            held.reached.clear()
            assert http.ask(checker.control, "/maintenance?sessions=yes").status == 200
            until(held.reached.is_set, "census")
            with checker.frozen():
                end = time.monotonic() + 0.7
                until(lambda: time.monotonic() >= end, "the end of the visit")
            checker.wait_rounds(3)
        reasons = [change["reason"] for change in checker.status()["history"]]
        assert "login-failing" not in reasons, checker.log()
