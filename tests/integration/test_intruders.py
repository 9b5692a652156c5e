# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may not: over TCP nothing can be changed, and the control socket asks who is there."""

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys

import pytest

from support import http
from support.programs import program
from support.wait import until

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "DRAIN", "post"]
PATHS = ["/", "/rw", "/ro", "/live", "/status", "/metrics", "/maintenance", "/maintenance/", "//maintenance",
         "/MAINTENANCE", "/%6daintenance", "/./maintenance", "/rw/../maintenance", "/maintenance?sessions=yes",
         "/command", "/control", "/drain", "/disable", "/enable", "/notify", "/reload", "/stop", "/config"]
WISH = {"mode": "disabled", "by": "intruder", "reason": "malice", "for_ms": 0, "own_only": False}

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")


@pytest.fixture
def checker(server, daemon):
    it = daemon(None, {"mysql": server.settings(), "control": {"group": None}})
    it.wait_reason("available")
    return it


def what_stands(checker):
    """Verdicts, configuration and orders, and every file of the daemon's."""
    status = json.loads(http.ask(checker.control, "/status").body)
    orders = json.loads(http.ask(checker.control, "/maintenance").body)
    orders = orders["maintenance"], orders["epoch"]
    files = {path: path.stat().st_mtime_ns for path in checker.directory.iterdir() if path != checker.log_path}
    return {path: (it["reason"], it["since"]) for path, it in status["endpoints"].items()}, orders, files


def order(address, wish=WISH, method="POST", path="/maintenance"):
    body = json.dumps(wish).encode()
    head = f"{method} {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return http.exchange(address, head.encode() + b"Connection: close\r\n\r\n" + body)


def test_over_tcp_nothing_changes(checker):
    before = what_stands(checker)
    for path in PATHS:
        for method in METHODS:
            answer = order(checker.address, method=method, path=path)
            if method not in ("GET", "HEAD", "OPTIONS"):
                assert answer.raw == b"" or answer.status in (400, 405, 501), (method, path, answer)
            elif path not in PATHS[:6]:
                assert answer.status == 404, (method, path, answer)
    assert what_stands(checker) == before


def test_a_smuggled_order_is_not_taken(checker):
    """Hidden in a body, after a body, in chunks, and behind two lengths."""
    before = what_stands(checker)
    body = json.dumps(WISH).encode()
    inner = b"POST /maintenance HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    for payload in (
        b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(inner), inner),
        b"GET / HTTP/1.1\r\n\r\n" + inner,
        b"POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: %d\r\n\r\n%s" % (len(inner), inner),
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + inner,
    ):
        with http.connect(checker.address) as connection:
            connection.sendall(payload)
            connection.recv(65536)
    assert what_stands(checker) == before


def test_the_control_socket_takes_the_same_order(checker):
    """So the tests above ask for what exists."""
    assert order(checker.control).status == 200
    checker.wait_reason("disabled")
    assert order(checker.control, {**WISH, "mode": "none"}).status == 200
    checker.wait_reason("available")


# ---- before a byte is read ----


def test_a_refused_network_is_closed_before_it_says_anything(server, daemon):
    checker = daemon(None, {"mysql": server.settings()})
    checker.reload({"http": {"allow": "192.0.2.0/24"}})

    def is_closed():
        with http.connect(checker.address, timeout=1) as silent:
            try:
                return silent.recv(1) == b""
            except ConnectionResetError:
                return True

    until(is_closed, "refusal", 5)


# ---- whose socket ----

CALLER = """
import os, socket, sys
user, group, groups, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
os.setgroups([int(group) for group in groups.split(",") if group])
os.setresgid(group, group, group)
os.setresuid(user, user, user)
connection = socket.socket(socket.AF_UNIX)
connection.connect(path)
try:
    connection.sendall(sys.stdin.buffer.read())
    sys.stdout.buffer.write(connection.recv(65536))
except (ConnectionResetError, BrokenPipeError):
    pass
"""


@pytest.fixture
def wide_open(server, daemon):
    """wide_open(settings of [control]): whose control socket everybody can reach, by its mode."""

    def start(**control):
        checker = daemon(None, {"mysql": server.settings(), "control": control})
        checker.wait_reason("available")
        opened = [checker.control, checker.control.parent]
        opened += list(checker.control.parents)[1:-1]
        modes = [(path, path.stat().st_mode) for path in opened]
        for path, mode in modes:
            path.chmod(mode | 0o666 if path == checker.control else mode | 0o111)
            restore.append((path, mode))
        return checker

    restore = []
    yield start
    for path, mode in restore:
        if path.exists():
            path.chmod(mode)


def said_to(checker, user, group, groups, payload):
    command = [sys.executable, "-c", CALLER, str(user), str(group), groups, str(checker.control)]
    done = subprocess.run(command, input=payload, capture_output=True, timeout=10)
    assert done.returncode == 0, done.stderr
    return done.stdout


ORDER = b"POST /maintenance HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(json.dumps(WISH)), json.dumps(WISH).encode())


@as_root
def test_others_are_refused_whatever_the_mode_of_the_socket(wide_open):
    checker, nobody = wide_open(), pwd.getpwnam("nobody")
    before = what_stands(checker)
    for _ in range(20):
        assert said_to(checker, nobody.pw_uid, nobody.pw_gid, "0,4", ORDER) == b""
    assert what_stands(checker) == before
    assert f"refused user {nobody.pw_uid}" in checker.log()
    assert said_to(checker, 0, 0, "", http.request_bytes()).startswith(b"HTTP/1.1 200")


@as_root
def test_who_is_refused_is_told(wide_open):
    checker = wide_open()
    command = shutil.copy(program("clustercheckctl"), checker.directory)

    def status_as_nobody():
        done = subprocess.run(
            [command, "-s", checker.control, "status"],
            user="nobody", group="nogroup", extra_groups=[],
            env={}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10,
        )
        assert (done.returncode, done.stdout) == (3, "")
        return done.stderr

    closed = f"the daemon on {checker.control} closed the connection; its log tells if it refused this user\n"
    assert closed in status_as_nobody()
    checker.control.chmod(0o660)
    assert "Permission denied; be root, or in the group that [control] group= names\n" in status_as_nobody()


@as_root
def test_members_of_the_group_are_let_in(wide_open):
    checker, user = wide_open(group="daemon"), pwd.getpwnam("nobody")
    group = grp.getgrnam("daemon").gr_gid
    assert said_to(checker, user.pw_uid, user.pw_gid, "", http.request_bytes()) == b""
    for member in ((group, ""), (user.pw_gid, str(group))):
        assert said_to(checker, user.pw_uid, *member, http.request_bytes()).startswith(b"HTTP/1.1 200")
    checker.reload({"http": {"max_connections": "500"}})  # which is no matter of that door, or a new one
    assert said_to(checker, user.pw_uid, group, "", http.request_bytes()).startswith(b"HTTP/1.1 200")
