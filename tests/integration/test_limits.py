# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon may cost: memory, processor time, connections to the server."""

import itertools
import threading
import time

import pytest

from support import http
from support.programs import is_sanitized, uses_libmysqlclient
from support.scripted import ScriptedServer
from support.wait import until

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(is_sanitized(), reason="a sanitizer changes what things cost"),
]

MIB = 1024  # KiB
STRETCHES = 5
REQUESTS = 20_000  # in each stretch
BATCH = 100
CONNECTIONS = 1000
RECONNECTS = 200
ROUND = 3  # questions after a login
# Oracle's library is C++, and larger than Connector/C.
LARGEST = (12 if uses_libmysqlclient() else 8) * MIB


def settled(checker):
    """Resident KiB once what only the start needed is given back: from then on under the limit."""
    until(lambda: checker.memory_kib() < LARGEST, "resident size under the limit", 10, 0.05)
    return checker.memory_kib()


def growth(checker, work):
    """The least that one of some stretches of the same work adds to what is allocated, in KiB.

    A leak adds to each of them; an arena that finds its size adds to the first ones. The pages of
    programs and libraries are left out: the kernel maps and drops them as it likes, 100 KiB at once.
    """
    readings = [checker.anonymous_kib()]
    for _ in range(STRETCHES):
        work()
        readings.append(checker.anonymous_kib())
    print(f"allocated {readings} KiB, resident {checker.memory_kib()} KiB")
    return min(after - before for before, after in itertools.pairwise(readings))


def ask_many(connection, count):
    """Pipelined; all answers are as long as the first."""
    connection.socket.sendall(http.request_bytes(version="1.1"))
    length = len(connection.read_answer())
    request = http.request_bytes(version="1.1") * BATCH
    for _ in range(count // BATCH):
        connection.socket.sendall(request)
        left = length * BATCH
        while left > 0:
            chunk = connection.socket.recv(left)
            assert chunk, "closed"
            left -= len(chunk)


def test_memory_over_many_requests(node, daemon):
    checker = daemon(node, {"mysql": {"interval": "10ms"}})
    checker.wait_reason("available")
    settled(checker)
    with http.Connection(checker.address) as connection:
        began = time.monotonic()
        grown = growth(checker, lambda: ask_many(connection, REQUESTS))
        took = time.monotonic() - began
    print(f"{STRETCHES * REQUESTS / took:.0f} requests/s")
    assert grown <= 0
    assert checker.memory_kib() < LARGEST


def connect_many(checker):
    for _ in range(CONNECTIONS):
        assert checker.ask().status == 200


def test_memory_over_many_connections(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    settled(checker)
    assert growth(checker, lambda: connect_many(checker)) <= 0
    assert checker.memory_kib() < LARGEST


def test_memory_over_many_reconnects(daemon):
    """A scripted server hangs up again and again: a real one crashes when asked to kill so often."""
    with ScriptedServer() as server:
        checker = daemon(None, {"mysql": {**server.settings(), "login_interval": "1h"}})
        checker.wait_reason("available")
        settled(checker)
        assert growth(checker, lambda: hang_up(server, RECONNECTS)) <= 0
        assert checker.memory_kib() < LARGEST
        checker.wait_reason("available")


def hang_up(server, count):
    """In turn while the daemon gets to know it anew, and when it does."""
    for i in range(count):
        logins, questions = server.logins, server.questions
        server.hang_up()
        until(lambda: server.logins > logins, "a new login", 5, 0.0005)
        if i % 2:
            until(lambda: server.questions >= questions + ROUND, "a whole round", 5, 0.0005)


def test_resident_size_with_everything_used(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    settled(checker)
    callers = [http.Connection(checker.address) for _ in range(200)]
    for caller in callers:
        assert caller.ask().status == 200
    for path in ("/rw", "/ro", "/nope", "/live", "/status"):
        checker.ask(path)
    http.ask(checker.control, "/status")
    checker.reload()
    checker.wait_rounds(2)
    resident = checker.memory_kib()
    for caller in callers:
        caller.socket.close()
    print(f"resident {resident} KiB with {len(callers)} kept connections")
    assert resident < LARGEST


def test_idle_costs_next_to_nothing(node, daemon):
    """At the default interval and login_interval."""
    checker = daemon(node, {"mysql": {"interval": "500ms", "login_interval": "5s"}})
    checker.wait_reason("available")
    rounds = checker.status()["probe"]["rounds"]
    began, used = time.monotonic(), checker.cpu_seconds()
    until(lambda: time.monotonic() - began >= 6, "six idle seconds", 10, 0.5)
    share = (checker.cpu_seconds() - used) / (time.monotonic() - began)
    made = checker.status()["probe"]["rounds"] - rounds
    print(f"{share:.2%} of a core over {made} rounds")
    assert made >= 11
    assert share < 0.005


def test_every_request_is_quick_under_load(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    answers = []
    callers = [
        threading.Thread(target=lambda: answers.extend(checker.ask() for _ in range(500)))
        for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    took = sorted(answer.seconds for answer in answers)
    print(f"median {took[len(took) // 2] * 1000:.2f} ms, slowest {took[-1] * 1000:.1f} ms")
    assert len(answers) == 2000
    assert {answer.ended for answer in answers} == {"fin"}
    assert took[len(took) * 99 // 100] < 0.020
