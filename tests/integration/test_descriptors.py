# SPDX-License-Identifier: GPL-2.0-or-later
"""The client library cannot reach anybody's descriptors but its own."""

import contextlib
import os
import pathlib
import threading

import pytest

from support import http
from support.backlog import full_backlog
from support.wait import until


def sockets_of(thread):
    """Descriptors come and go under the eyes of the reader."""
    sockets = set()
    for link in (thread / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            sockets.add(os.readlink(link))
    return {name for name in sockets if name.startswith("socket:")}


@pytest.mark.skipif(os.geteuid() != 0, reason="a daemon lets only root look at its descriptors")
def test_prober_and_visitor_have_descriptors_of_their_own(node, daemon):
    """Connector/C 3.3 closes a socket twice; the second close must not hit a listening one."""
    checker = daemon(node)
    checker.wait_reason("available")
    main = pathlib.Path(f"/proc/{checker.popen.pid}")
    threads = [task for task in (main / "task").iterdir() if task.name != main.name]

    def numbers_of_separate_sockets():
        shared = sockets_of(main)
        each = [sockets_of(task) for task in threads]
        return sorted(len(own) for own in each if not own & shared)

    # The prober's kept connection; the visitor has none while it makes no visit.
    until(lambda: numbers_of_separate_sockets() == [0, 1], "two threads with sockets of their own")


@pytest.mark.skipif(os.geteuid() != 0, reason="a daemon lets only root look at its descriptors")
def test_connects_that_nobody_accepts_leave_nothing_open(daemon):
    """Connector/C keeps the socket elsewhere until it is connected."""
    with full_backlog() as (host, port):
        mysql = {"socket": None, "host": host, "port": port, "interval": "10ms", "timeout": "50ms",
                 "max_age": "200ms", "login_interval": "100ms"}
        checker = daemon(None, {"mysql": mysql})
        checker.wait_reason("timeout")
        checker.wait_rounds(3)
        before = sum(checker.open_descriptors().values())
        checker.wait_rounds(30, 30)
        # Rounds and logins are under way.
        assert sum(checker.open_descriptors().values()) <= before + 4


def test_absent_database_under_fire(daemon):
    """Failing connects at full speed, callers at full speed: every answer is whole."""
    mysql = {"interval": "10ms", "timeout": "100ms", "max_age": "250ms"}
    checker = daemon(None, {"mysql": mysql})
    wrong = []
    before = checker.status()["probe"]["rounds"]
    done = threading.Event()

    def fire():
        while not done.is_set():
            try:
                answer = checker.ask()
                if answer.ended != "fin" or not answer.raw or answer.status != 503:
                    wrong.append(answer)
            except OSError as refused:
                wrong.append(refused)

    callers = [threading.Thread(target=fire) for _ in range(3)]
    for caller in callers:
        caller.start()
    try:
        until(lambda: checker.status()["probe"]["rounds"] > before + 30 or wrong, "failing rounds")
    finally:
        done.set()
        for caller in callers:
            caller.join()
    assert wrong == []
    assert http.ask(checker.address, "/live").status == 200
