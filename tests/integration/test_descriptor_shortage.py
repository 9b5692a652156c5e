# SPDX-License-Identifier: GPL-2.0-or-later
"""Descriptors that run out under way, as no limit seen at the start can keep them from: who has got
in is answered, who has not waits, nothing spins, and afterwards everything is as before."""

import contextlib
import json
import os
import pathlib
import resource
import socket
import time

import pytest

from support import http
from support.process import free_port
from support.wait import until

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="a daemon lets only root look at its descriptors"
)

WAITING = 50
LOOK = 2.0  # seconds during which the CPU is watched
CPU = 0.3  # of them, at most


def descriptors(task):
    return {int(link.name) for link in (task / "fd").iterdir()}


def tasks(checker):
    return list(pathlib.Path(f"/proc/{checker.pid}/task").iterdir())


def most_used(checker):
    """The highest number any thread has."""
    return max(max(descriptors(task)) for task in tasks(checker))


@contextlib.contextmanager
def limited(checker, limit):
    before = resource.prlimit(checker.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(checker.pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(checker.pid, resource.RLIMIT_NOFILE, before)


def call(address, payload):
    connection = http.connect(address)
    connection.sendall(payload)
    return connection


def is_answered(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return False


def answer_of(connection, seconds=2.0):
    connection.settimeout(seconds)
    raw = b""
    with connection:
        while chunk := connection.recv(65536):
            raw += chunk
    return http.Answer(raw, 0, "fin")


def logins_of(connection):
    return json.loads(connection.ask("/status").body)["probe"]["logins"]


def assert_at_rest(checker):
    before = checker.cpu_seconds()
    time.sleep(LOOK)
    assert checker.cpu_seconds() - before < CPU


@pytest.fixture
def checker(server, daemon):
    agent = free_port()
    it = daemon(None, {"mysql": server.settings(), "agent": {"listen": f"127.0.0.1:{agent}"}})
    it.agent = ("127.0.0.1", agent)
    it.wait_reason("available")
    return it


@pytest.fixture
def kept(checker):
    """A balancer's connection that was there before."""
    with http.Connection(checker.address) as it:
        assert it.ask().status == 200
        yield it


@pytest.mark.alone
def test_callers_wait_and_nothing_spins(server, checker, kept):
    with limited(checker, most_used(checker) + 1):
        # The first of them take what is free below the limit.
        waiting = [call(checker.address, http.request_bytes()) for _ in range(WAITING)]
        idle = [http.connect(checker.address) for _ in range(WAITING)]
        late = call(checker.address, http.request_bytes())
        controlling = call(checker.control, http.request_bytes(path="/status"))
        agent = call(checker.agent, b"")
        assert_at_rest(checker)
        assert not any(map(is_answered, (late, controlling, agent)))
        assert kept.ask().status == 200
        # Probes and logins have tables of their own, and their word goes through to who is in.
        logins = logins_of(kept)
        until(lambda: logins_of(kept) > logins + 1, "fresh logins", 5)
        server.status["wsrep_local_state"] = "2"
        until(lambda: kept.ask().reason == "donor", "the donor's verdict", 2)
        server.heal()
        until(lambda: kept.ask().reason == "available", "the verdict of before", 2)
        assert checker.reload({"endpoint /new": {}}).endswith("keeping the running configuration")
        assert kept.ask("/new").status == 404
        assert not any(map(is_answered, (late, controlling, agent)))
    answers = [answer_of(connection) for connection in (*waiting, late, controlling)]
    assert {answer.status for answer in answers} == {200}
    assert answer_of(agent).raw == b"up ready 100%\n"
    for connection in idle:
        connection.close()
    assert kept.ask().status == 200
    assert "configuration reloaded" in checker.reload()
    assert checker.ask("/new").status == 200


def post(connection, mode):
    wish = {"mode": mode, "by": "alice", "reason": "", "for_ms": 0, "own_only": False}
    body = json.dumps(wish).encode()
    length = f"Content-Length: {len(body)}"
    request = http.request_bytes("POST", "/maintenance", "1.1", [length])
    connection.socket.sendall(request + body)
    return http.Answer(connection.read_answer(), 0, "open")


def test_an_order_without_a_descriptor_is_refused(checker, kept):
    """And what stood before stands; one that needs none is obeyed at once."""
    with http.Connection(checker.control) as control:
        assert post(control, "draining").status == 200
        stood = checker.maintenance_file.read_text()
        with limited(checker, most_used(checker) + 1):
            idle = [http.connect(checker.address) for _ in range(WAITING)]
            refused = post(control, "disabled")
            assert refused.status == 500
            assert b"Too many open files" in refused.body
            assert checker.maintenance_file.read_text() == stood
            assert kept.ask().reason == "draining"
            # Taking a file away needs none, and counts although it cannot be read back.
            assert post(control, "none").status == 200
            assert kept.ask().reason == "available"
            assert not checker.maintenance_file.exists()
        assert post(control, "disabled").status == 200
        assert kept.ask().reason == "disabled"
        for connection in idle:
            connection.close()
