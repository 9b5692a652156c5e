# SPDX-License-Identifier: GPL-2.0-or-later
"""Whoever is spoken to and does not read: the kernel's buffers are full, and a caller, the service
manager, a daemon or a command on the other side takes nothing more for a while."""

import contextlib
import json
import resource
import socket
import subprocess
import threading
import time

import pytest

from support import http
from support.process import clean_environment
from support.programs import program
from support.wait import until

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
REQUESTS = 3000  # of 10 KiB and more: no kernel buffers all their answers for one connection


@pytest.fixture
def checker(server, daemon):
    checker = daemon(None, {"mysql": {**server.settings(), "interval": "20ms"}})
    checker.wait_reason("available")
    return checker


def change(server, checker, times):
    for number in range(times):
        server.status["wsrep_local_state"] = "2" if number % 2 == 0 else "4"
        checker.wait_reason("donor" if number % 2 == 0 else "available", seconds=5)


def answered(checker, path):
    status = json.loads(http.ask(checker.control, "/status").body)
    return sum(one["answers"] for one in status["pollers"] if one["endpoint"] == path)


def until_it_stands_still(value, seconds=10):
    """The value once it has been the same for a third of a second."""
    seen = [(value(), time.monotonic())]

    def is_still():
        now = value()
        if now != seen[-1][0]:
            seen.append((now, time.monotonic()))
        return time.monotonic() - seen[-1][1] > 0.3

    until(is_still, "an end", seconds)
    return seen[-1][0]


def read_answers(stream, count):
    for number in range(count):
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n", number
        fields = iter(stream.readline, b"\r\n")
        length = next(int(field.split()[1]) for field in fields if field.startswith(b"Content-Length"))
        assert b"Connection: close" not in list(fields)
        body = stream.read(length)
        assert len(body) == length and body.endswith(b"\n")


def test_a_caller_that_asks_and_does_not_read(server, checker):
    """The answers stop where its connection is full, and others' do not; then it gets all of them."""
    with http.connect(checker.address) as caller:
        sending = threading.Thread(target=caller.sendall, args=[REQUEST * REQUESTS])
        caller.settimeout(30)
        sending.start()
        sent = until_it_stands_still(lambda: answered(checker, "/metrics"))
        assert 0 < sent < REQUESTS
        change(server, checker, 4)
        assert answered(checker, "/metrics") == sent
        with caller.makefile("rb") as stream:
            read_answers(stream, REQUESTS)
        sending.join()
    until(lambda: answered(checker, "/metrics") == REQUESTS, "note of the last answer")


def fill(address):
    """A datagram socket that is bound there and full, and the one that has filled it."""
    reading, writing = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    reading.bind(str(address))
    writing.connect(str(address))
    writing.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            writing.send(b"x")
    return reading, writing


def test_a_service_manager_that_does_not_read(server, daemon, tmp_path):
    """Nobody waits for it but whoever reports to it; once it reads it learns all, and has its stop."""
    manager = tmp_path / "manager.sock"
    reading, writing = fill(manager)
    with reading, writing:
        reading.settimeout(10)
        checker = daemon(None, {"mysql": {**server.settings(), "interval": "20ms"}},
                         env={"NOTIFY_SOCKET": str(manager), "WATCHDOG_USEC": "400000"})
        change(server, checker, 10)
        said = b""
        while b"WATCHDOG=1" not in said:
            said += reading.recv(4096) + b"\n"
        assert b"READY=1" in said
        reader = threading.Thread(target=drop_all, args=[reading], daemon=True)
        reader.start()
        checker.stop()


def drop_all(reading):
    try:
        while reading.recv(4096):
            pass
    except OSError:
        pass


@pytest.fixture
def stopped(checker):
    with checker.frozen():
        yield checker


def ctl(checker, *arguments):
    return subprocess.run(
        [program("clustercheckctl"), "-c", checker.ini, *arguments],
        env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
    )


def test_notifications_to_a_daemon_that_hangs(server, stopped):
    """The server waits for the command: it drops what finds no room, and is no slower than else."""
    command = [program("clustercheckctl"), "notify", "--socket", stopped.notify_socket]
    for number in range(100):
        done = subprocess.run([*command, "--status", "donor"], env=clean_environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=5)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), number
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, pytest.raises(BlockingIOError):
        sender.setblocking(False)
        sender.sendto(b"clustercheck notify 1\n", str(stopped.notify_socket))
    stopped.thaw()
    change(server, stopped, 2)


@contextlib.contextmanager
def crowd(address):
    """Connections until the queue of whoever listens there is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    waiting = []
    try:
        with pytest.raises(BlockingIOError):
            while True:
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                waiting[-1].connect(str(address))
        yield
    finally:
        for connection in waiting:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("command, is_full", [("drain", False), ("drain", True), ("status", True)])
def test_commands_to_a_daemon_that_hangs(stopped, command, is_full):
    """With and without room in its queue: an end, and a line that says why."""
    with crowd(stopped.control) if is_full else contextlib.nullcontext():
        done = ctl(stopped, command)
    assert done.returncode != 0
    assert "timed out" in done.stderr, done.stderr
    assert ("it may still count" in done.stderr) == (command == "drain"), done.stderr
    stopped.thaw()
    stopped.wait_rounds(2)
    assert stopped.reason() in ("available", "draining" if command == "drain" and not is_full else "")
