# SPDX-License-Identifier: GPL-2.0-or-later
"""The client library cannot reach anybody's descriptors but its own."""

import contextlib
import os
import pathlib
import threading

import pytest

from support import http
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


def test_absent_database_under_fire(daemon):
    """Failing connects at full speed, callers at full speed: every answer is whole."""
    mysql = {"interval": "10ms", "timeout": "100ms", "max_age": "250ms"}
    checker = daemon(None, {"mysql": mysql})
    wrong = []
    before = checker.status()["probe"]["rounds"]
    done = threading.Event()

    def fire():
        while not done.is_set():
            answer = checker.ask()
            if answer.status != 503 or answer.ended != "fin":
                wrong.append(answer)

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
