# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host does to a program that runs on it for years: full and read-only disks, clocks that jump,
signals in storms, files that go, names that nobody resolves, a second start."""

import contextlib
import glob
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

from support import http
from support.cluster import PASSWORD, USER
from support.daemon import Daemon
from support.process import free_port
from support.programs import is_sanitized, sanitizer_lines
from support.wait import until

DAY = 24 * 3600
WISH = {"mode": "disabled", "by": "test", "reason": "", "for_ms": 0, "own_only": False}

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")


def order(checker, mode):
    body = json.dumps({**WISH, "mode": mode}).encode()
    head = b"POST /maintenance HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    return http.exchange(checker.control, head + body)


# ---- descriptors closed, disks full and read-only ----


def shell(script):
    """A prefix that does this first, and then becomes the daemon."""
    return ["sh", "-c", script + '; exec "$@"', "sh"]


def test_started_without_standard_descriptors(server, daemon):
    """Otherwise the first connection would be the log."""
    checker = daemon(None, {"mysql": server.settings()}, prefix=shell("exec <&- >&- 2>&-"))
    checker.wait_reason("available")
    if os.geteuid() == 0:
        links = {os.readlink(f"/proc/{checker.pid}/fd/{fd}") for fd in range(3)}
        assert links == {"/dev/null"}
    server.status["wsrep_local_state"] = "2"
    checker.wait_reason("donor")
    answer = checker.ask()
    assert answer.raw.startswith(b"HTTP/1.1 503") and answer.ended == "fin"


def test_full_disk_under_the_log(server, daemon):
    checker = daemon(None, {"mysql": server.settings()}, prefix=shell("exec 2>/dev/full"))
    checker.wait_reason("available")
    for state, reason in (("2", "donor"), ("4", "available")) * 5:
        server.status["wsrep_local_state"] = state
        checker.wait_reason(reason)
    assert order(checker, "disabled").status == 200
    checker.wait_reason("disabled")


def in_own_mounts(script):
    return ["unshare", "--mount", "--propagation", "private", *shell(script)]


@pytest.fixture
def small_disk(server, daemon, tmp_path):
    """A daemon whose maintenance file is on a disk of its own; and that disk's path for us."""
    disk = tmp_path / "disk"
    disk.mkdir()
    prefix = in_own_mounts(f"mount -t tmpfs -o size=16k tmpfs {disk} && mkdir {disk}/state")
    sections = {"mysql": server.settings(), "maintenance": {"file": disk / "state" / "maintenance"}}
    checker = daemon(None, sections, prefix=prefix)
    checker.wait_reason("available")
    return checker, pathlib.Path(f"/proc/{checker.pid}/root{disk}")


@as_root
def test_full_disk_under_the_maintenance_file(small_disk):
    """An order that cannot be kept is refused, and what stood before stands."""
    checker, disk = small_disk
    fill(disk / "filler")
    assert order(checker, "disabled").status == 500
    checker.wait_rounds(2)
    assert checker.reason() == "available"
    (disk / "filler").unlink()
    assert order(checker, "disabled").status == 200
    fill(disk / "filler")
    assert order(checker, "draining").status == 500
    checker.wait_rounds(2)
    assert checker.reason() == "disabled"
    assert order(checker, "none").status == 200  # which needs no room
    checker.wait_reason("available")


def fill(path):
    with open(path, "wb", 0) as filler:
        try:
            while True:
                filler.write(b"x" * 512)
        except OSError:
            pass


@as_root
def test_read_only_disk_under_the_maintenance_file(small_disk):
    checker, disk = small_disk
    enter = ["nsenter", "-t", str(checker.pid), "-m", "mount", "-o"]
    path = "/" + str(disk).split("/root/", 1)[1]
    subprocess.run([*enter, "remount,ro", path], check=True)
    answer = order(checker, "disabled")
    assert answer.status == 500 and b"Read-only file system" in answer.body
    assert checker.reason() == "available"
    subprocess.run([*enter, "remount,rw", path], check=True)
    assert order(checker, "disabled").status == 200


@as_root
def test_everything_read_only(server, daemon, tmp_path):
    """A control socket that was asked for must work; without one the daemon needs no disk."""
    read_only = in_own_mounts(f"mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path}")
    sections = {"mysql": server.settings(), "control": {"socket": ""}, "notify": {"socket": ""}}
    checker = daemon(None, sections, prefix=read_only)
    checker.wait_reason("available")
    options = ["-o", f"control.socket={tmp_path}/other.sock", "-o", f"http.listen=127.0.0.1:{free_port()}"]
    code, said = checker.run_to_end(*options)
    assert code == 1 and "Read-only file system" in said and "other.sock" in said


# ---- clocks ----


def faketime_library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    return found[0] if found else None


@pytest.mark.skipif(not faketime_library() or is_sanitized(), reason="libfaketime is not installed, or a sanitizer is")
@pytest.mark.parametrize("step", [DAY, -DAY])
def test_clock_that_jumps_a_day(server, daemon, tmp_path, step):
    """Ages are of the monotonic clock: neither stale nor fresh for ever; stamps follow the clock."""
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    checker = daemon(None, {"mysql": {**server.settings(), "max_age": "1s"}}, env={
        "LD_PRELOAD": faketime_library(),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    })
    checker.wait_reason("available")
    before = checker.probed()
    offset.write_text(f"{step:+d}\n")
    seen = set()

    def stamp_jumped():
        answer = checker.ask()
        seen.add(answer.reason)
        return answer.headers["x-clustercheck-probed"][:10] != before[:10]

    until(stamp_jumped, "a stamp of another day", 5)
    checker.wait_rounds(5)
    assert seen | {checker.reason()} == {"available"}
    server.silent.set()
    checker.wait_reason("timeout", seconds=5)
    server.silent.clear()
    checker.wait_reason("available")


def test_suspended_and_resumed(server, daemon):
    """What was published before the pause is not given after it, once it is older than max_age."""
    mysql = {**server.settings(), "interval": "100ms", "timeout": "200ms", "max_age": "400ms"}
    checker = daemon(None, {"mysql": mysql})
    checker.wait_reason("available")
    for _ in range(3):
        checker.freeze()
        server.status["wsrep_local_state"] = "2"
        with http.connect(checker.address, timeout=5) as waiting:
            waiting.sendall(http.request_bytes())
            began = time.monotonic()
            until(lambda: time.monotonic() - began > 0.6, "the end of the pause")
            checker.thaw()
            assert not waiting.recv(4096).startswith(b"HTTP/1.1 200")
        checker.wait_reason("donor")
        server.status["wsrep_local_state"] = "4"
        checker.wait_reason("available")


# ---- starting, stopping, reloading ----


def test_started_after_a_crash(server, daemon):
    """The control socket of one that was killed is taken over."""
    checker = daemon(None, {"mysql": server.settings()})
    checker.wait_reason("available")
    checker.popen.kill()
    checker.popen.wait()
    assert checker.control.is_socket()
    checker.start()
    checker.wait_reason("available")
    assert http.ask(checker.control).reason == "available"


def test_started_twice(server, daemon):
    """The second says why it does not start, and the first does not notice."""
    checker = daemon(None, {"mysql": server.settings()})
    checker.wait_reason("available")
    inode = checker.control.stat().st_ino
    for other in ([], ["-o", f"http.listen=127.0.0.1:{free_port()}"]):
        code, said = checker.run_to_end(*other)
        assert code == 1 and "Address already in use" in said, said
    assert checker.control.stat().st_ino == inode
    assert http.ask(checker.control).reason == "available"
    assert checker.reason() == "available"


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGINT])
def test_storm_of_signals(server, daemon, last):
    """Reloads in any number, whatever comes between; then the end, at once, in spite of more."""
    checker = daemon(None, {"mysql": server.settings()})
    checker.wait_reason("available")
    for number in range(300):
        checker.send_signal(signal.SIGHUP if number % 3 else signal.SIGPIPE)
        if number % 50 == 0:
            assert checker.ask().status == 200
    assert checker.ask().status == 200
    for number in range(20):
        checker.send_signal(signal.SIGHUP)
    checker.stop(last)


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGINT])
def test_reloads_after_the_end_was_ordered(server, daemon, last):
    checker = daemon(None, {"mysql": server.settings()})
    checker.wait_reason("available")
    checker.send_signal(last)
    while checker.runs():
        checker.send_signal(signal.SIGHUP)
    assert checker.popen.returncode == 0
    assert "configuration reloaded" not in checker.log().partition("stopping: ")[2]


def test_the_end_comes_right_after_the_start(server, daemon):
    """Stopped at any moment of its start, it exits in order, or never began."""
    checker = daemon(None, {"mysql": server.settings()})
    checker.stop()
    for milliseconds in range(0, 40, 4):
        before = len(checker.log())
        super(type(checker), checker).start()
        time.sleep(milliseconds / 1000)  # which moment it is, is the test
        checker.send_signal(signal.SIGTERM)
        code = checker.popen.wait(5)
        assert code in (0, -signal.SIGTERM), checker.log()[before:]
        assert sanitizer_lines(checker.log()) == []


def test_configuration_deleted_and_back(server, daemon):
    checker = daemon(None, {"mysql": server.settings()})
    checker.wait_reason("available")
    text = checker.ini.read_text()
    checker.ini.unlink()
    assert "keeping the running configuration" in checker.reload()
    assert checker.reason() == "available"
    checker.ini.mkdir()
    assert "keeping the running configuration" in checker.reload()
    checker.ini.rmdir()
    checker.ini.write_text(text + "[log]\nlevel=debug\n")
    assert "configuration reloaded" in checker.reload()
    assert checker.reason() == "available"


def test_password_rotated(node, daemon, tmp_path):
    """First the account's, then the file's, without a reload; the kept connection goes on meanwhile."""
    secret = tmp_path / "secret"

    def write(password):
        fresh = tmp_path / "fresh"
        fresh.write_text(password + "\n")
        fresh.chmod(0o600)
        fresh.rename(secret)

    write(PASSWORD)
    mysql = {"password": None, "password_file": secret, "login_interval": "200ms"}
    checker = daemon(node, {"mysql": mysql})
    checker.wait_reason("available")
    try:
        for password in ("first-rotation", "second-rotation", PASSWORD):
            node.sql(f"ALTER USER '{USER}'@'localhost' IDENTIFIED BY '{password}'")
            checker.wait_reason("login-failing")
            write(password)
            checker.wait_reason("available")
    finally:
        node.sql(f"ALTER USER '{USER}'@'localhost' IDENTIFIED BY '{PASSWORD}'")
    assert "rotation" not in checker.log()


# ---- names ----


@contextlib.contextmanager
def silent_name_server(host):
    """Takes every question and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((host, 53))
        yield


@as_root
def test_names_that_nobody_resolves_any_more(server, daemon, tmp_path):
    """[mysql] host= by name, and the name server falls silent: the verdict does not wait for it."""
    hosts, resolver = tmp_path / "hosts", tmp_path / "resolv.conf"
    hosts.write_text("127.0.0.1 database.example\n")
    nobody = f"127.{100 + os.getpid() % 100}.0.53"
    resolver.write_text(f"nameserver {nobody}\noptions timeout:30 attempts:3\n")
    with silent_name_server(nobody):
        prefix = in_own_mounts(f"mount --bind {hosts} /etc/hosts && mount --bind {resolver} /etc/resolv.conf")
        mysql = {**server.settings(), "host": "database.example", "login_interval": "200ms", "max_age": "3s",
                 "timeout": "1s"}
        checker = daemon(None, {"mysql": mysql}, prefix=prefix)
        checker.wait_reason("available")
        hosts.write_text("")
        logins, seen = server.logins, set()

        def has_logged_in_often():
            seen.add(checker.reason())
            return server.logins >= logins + 30

        until(has_logged_in_often, "logins without a name server", 15)
        server.hang_up()
        until(lambda: server.logins > logins + 35, "logins anew", 5)
        checker.wait_reason("available")
    assert seen == {"available"}


@as_root
def test_a_failed_start_says_why_although_the_prober_hangs(tmp_path):
    """tls=verify looks a name up within the client library, which nothing can interrupt."""
    nobody = f"127.{100 + os.getpid() % 100}.0.54"
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {nobody}\noptions timeout:30 attempts:3\n")
    with silent_name_server(nobody), socket.create_server(("127.0.0.1", 0)) as taken:
        asked = {"socket": None, "host": "database.example", "tls": "verify", "tls_ca": "/dev/null"}
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        prefix = in_own_mounts(f"mount --bind {resolver} /etc/resolv.conf")
        it = Daemon(tmp_path / "late", None, {"mysql": asked, "http": {"listen": listen}}, prefix=prefix)
        code, said = it.run_to_end()
    assert code == 1
    assert f"cannot start: cannot listen on {listen}: Address already in use" in said
    assert said.splitlines()[-1].endswith("Address already in use")
    assert "the prober hangs in a call" in said


@as_root
def test_a_name_that_was_never_resolved(server, daemon, tmp_path):
    """No address, no wait: the reason says so, and once there is one it is used."""
    hosts = tmp_path / "hosts"
    hosts.write_text("")
    prefix = in_own_mounts(f"mount --bind {hosts} /etc/hosts && mount --bind /dev/null /etc/resolv.conf")
    mysql = {**server.settings(), "host": "database.example"}
    checker = daemon(None, {"mysql": mysql}, prefix=prefix)
    checker.wait_reason("unreachable")
    assert "database.example" in checker.log()
    hosts.write_text("127.0.0.99 database.example\n127.0.0.1 database.example\n")  # the first is no server
    checker.wait_reason("available")
