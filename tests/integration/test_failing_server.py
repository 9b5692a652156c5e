# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that is absent, dies, hangs or comes back."""

import os
import signal
import statistics
import threading
import time

from support.answers import assert_verdict
from support.programs import is_sanitized
from support.wait import until

SLOWER = 5 if is_sanitized() else 1
NEARLY = 0.050 * SLOWER
BUSY_MACHINE = 0.250
PROMPT = 0.020 * SLOWER  # no request takes longer, whatever the server does


def test_absent_at_start_then_there(node, daemon):
    node.stop()
    checker = daemon(node)
    assert_verdict(checker.wait_reason("unreachable"), "unreachable")
    assert checker.ask("/live").status == 200
    node.start("--bootstrap")
    assert_verdict(checker.wait_reason("available", seconds=3), "available", state="Synced")


def test_absent_over_tcp_is_refused(daemon):
    checker = daemon(None, {"mysql": {"socket": None, "host": "127.0.0.1", "port": "1"}})
    assert_verdict(checker.wait_reason("refused"), "refused")


def test_over_tcp(node, daemon):
    tcp = {"socket": None, "host": node.host, "port": node.port}
    checker = daemon(node, {"mysql": tcp})
    assert_verdict(checker.wait_reason("available"), "available")
    node.kill()
    assert_verdict(checker.wait_reason("refused"), "refused")


def test_restart_is_seen_both_ways(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    before = node.connection_ids()
    node.stop()
    assert checker.wait_reason("unreachable").status == 503
    node.start("--bootstrap")
    checker.wait_reason("available", seconds=3)
    assert len(before) == 1
    until(lambda: len(node.connection_ids()) == 1, "one kept connection again")


def test_kill_is_seen_within_the_interval(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    began = time.monotonic()
    os.kill(node.pid(), signal.SIGKILL)
    until(lambda: checker.ask().status == 503, "503", 5, 0.002)
    took = time.monotonic() - began
    print(f"kill -9 seen after {took * 1000:.0f} ms")
    assert took <= 0.1 + BUSY_MACHINE
    # The socket's file is still there, and nobody behind it.
    assert_verdict(checker.wait_reason("refused"), "refused")


def test_frozen_server(node, daemon):
    """Answers turn 503 by max_age and keep coming at once; a thawed server is back by itself."""
    checker = daemon(node, {"mysql": {"interval": "500ms", "timeout": "1s", "max_age": "2s"}})
    checker.wait_reason("available")
    node.freeze()
    began = time.monotonic()
    requests = []
    while not requests or requests[-1].status == 200:
        assert time.monotonic() - began < 5, "still 200"
        requests.append(checker.ask())
    took = time.monotonic() - began
    print(f"SIGSTOP seen after {took * 1000:.0f} ms: {requests[-1].reason}")
    assert took <= 2 + NEARLY
    assert requests[-1].reason in ("timeout", "stale")
    until(lambda: requests.append(checker.ask()) or requests[-1].reason == "timeout", "timeout", 3)
    requests += [checker.ask() for _ in range(300)]
    assert {answer.status for answer in requests[-300:]} == {503}
    assert_prompt(requests)
    node.thaw()
    assert_verdict(checker.wait_reason("available", seconds=3), "available")


def assert_prompt(requests):
    """The bound itself for nearly all; the rest is the machine's, and bounded too."""
    took = sorted(answer.seconds for answer in requests)
    slow = [seconds for seconds in took if seconds >= PROMPT]
    print(f"{len(took)} requests, median {statistics.median(took) * 1000:.2f} ms", end=", ")
    print(f"slowest {took[-1] * 1000:.1f} ms")
    assert len(slow) <= len(took) // 100, slow
    assert took[-1] < 1


def test_hung_server_and_small_max_age_is_stale(node, daemon):
    """Age belongs to the reader: no result of the prober's is needed to take a 200 away."""
    mysql = {"interval": "100ms", "timeout": "5s", "max_age": "500ms"}
    checker = daemon(node, {"mysql": mysql})
    checker.wait_reason("available")
    node.freeze()
    took = checker.seconds_to_reason("stale")
    assert took <= 0.5 + BUSY_MACHINE
    assert_verdict(checker.ask(), "stale", state="Synced")


def test_requests_in_parallel_with_a_frozen_server(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    node.freeze()
    checker.wait_reason("timeout")
    answers = []
    callers = [
        threading.Thread(target=lambda: answers.extend(checker.ask() for _ in range(50)))
        for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(answers) == 200
    assert {answer.reason for answer in answers} == {"timeout"}


def test_stopping_with_a_frozen_server_is_quick(node, daemon):
    checker = daemon(node, {"mysql": {"timeout": "10s", "max_age": "20s"}})
    checker.wait_reason("available")
    rounds = checker.status()["probe"]["rounds"]
    node.freeze()
    # The round that hangs has begun when its predecessor is older than the interval.
    until(lambda: checker.status()["age_ms"] > 300, "hanging round")
    assert checker.status()["probe"]["rounds"] <= rounds + 3
    code, took = checker.stop()
    assert code == 0 and took < 2


def test_starting_against_a_frozen_server(node, daemon):
    node.freeze()
    checker = daemon(node)
    assert checker.ask().status == 503
    assert_verdict(checker.wait_reason("timeout"), "timeout")
    assert checker.stop()[1] < 2


def test_a_failure_is_logged_once(daemon):
    checker = daemon()
    checker.wait_reason("unreachable")
    checker.wait_rounds(5)
    complaints = [line for line in checker.log().splitlines() if "warning: probe" in line]
    assert len(complaints) == 1, complaints
