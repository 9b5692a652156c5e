# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host does to the daemon: a log nobody reads, files in its way, a lying or slow server."""

import os
import re
import signal
import time

import pytest

from support.process import free_port
from support.scripted import ScriptedServer
from support.wait import until


def test_a_fresh_login_is_tried_although_every_round_is_late(server, daemon):
    """Rounds longer than the interval leave no pause between them; the login must not starve."""

    class Slow(dict):
        def __contains__(self, name):
            time.sleep(0.002)
            return super().__contains__(name)

    checker = daemon(None, {
        "mysql": {**server.settings(), "interval": "10ms", "login_interval": "200ms"},
    })
    checker.wait_reason("available")
    server.status = Slow(server.status)
    server.login_error = (1045, "28000", "Access denied")
    checker.wait_reason("login-failing", seconds=5)


@pytest.mark.parametrize("variables", [{}, {"version": "8.0.36"}, {"read_only": "OFF"}])
def test_a_server_that_does_not_say_what_it_has(server, daemon, variables):
    """Absent would mean "does not apply", of everything."""
    server.variables = variables
    checker = daemon(None, {"mysql": server.settings()})
    checker.wait_reason("protocol-error")


def test_a_server_that_contradicts_itself(server, daemon):
    checker = daemon(None, {"mysql": {**server.settings(), "interval": "50ms"}})
    checker.wait_reason("available")
    server.repeated = ("wsrep_cluster_status", "non-Primary")
    checker.wait_reason("protocol-error")


def test_another_server_by_reload_starts_from_nothing(server, daemon):
    checker = daemon(None, {"mysql": {**server.settings(), "timeout": "10s", "max_age": "30s"}})
    checker.wait_reason("available")
    with ScriptedServer() as silent:
        silent.silent.set()
        checker.reload({"mysql": silent.settings()})
        checker.wait_reason("starting", seconds=2)


def test_a_log_that_nobody_reads(server, tmp_path, daemon):
    """Full pipe: lines are lost, verdicts are not, and the daemon stops."""
    checker = daemon(None, {"mysql": {**server.settings(), "interval": "10ms"}})
    checker.wait_reason("available")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    port = free_port()
    sockets = {"control": {"socket": tmp_path / "s"}, "notify": {"socket": tmp_path / "n"}}
    checker.configure({"http": {"listen": f"127.0.0.1:{port}"}, **sockets})
    pid = os.posix_spawn(
        checker.command[0], [str(word) for word in checker.command], {"PATH": os.environ["PATH"]},
        file_actions=[(os.POSIX_SPAWN_DUP2, writing, 2)],
    )
    try:
        checker.address = ("127.0.0.1", port)
        until(lambda: answers(checker), "answer")
        for number in range(60):
            server.status["wsrep_local_state"] = "2" if number % 2 == 0 else "4"
            checker.wait_reason("donor" if number % 2 == 0 else "available", seconds=5)
    finally:
        os.kill(pid, signal.SIGTERM)
        began = time.monotonic()
        _, status = os.waitpid(pid, 0)
        os.close(reading)
        os.close(writing)
    assert os.waitstatus_to_exitcode(status) == 0
    assert time.monotonic() - began < 2


def answers(checker):
    try:
        return checker.reason() == "available"
    except ConnectionError:
        return False


def test_the_control_socket_takes_the_place_of_no_file(server, daemon, tmp_path):
    file = tmp_path / "important"
    file.write_text("kept")
    checker = daemon(None, {"mysql": server.settings()})
    elsewhere = ("-o", f"http.listen=127.0.0.1:{free_port()}", "-o", f"notify.socket={tmp_path / 'n'}")
    code, output = checker.run_to_end("-o", f"control.socket={file}", *elsewhere)
    assert code == 1 and str(file) in output
    assert file.read_text() == "kept"


def test_stopping_leaves_the_socket_of_a_successor(server, daemon):
    checker = daemon(None, {"mysql": server.settings()})
    checker.wait_reason("available")
    checker.control.unlink()
    checker.control.write_text("another's")
    checker.stop()
    assert checker.control.read_text() == "another's"


def test_an_option_file_that_is_a_fifo_does_not_hold_up_the_stop(server, daemon, tmp_path):
    fifo = tmp_path / "my.cnf"
    os.mkfifo(fifo)
    checker = daemon(None, {"mysql": {**server.settings(), "defaults_file": fifo}})
    assert checker.reason() in ("starting", "stale")  # and its stop, which the fixture bounds


def test_a_repeated_failure_is_logged_once_and_then_counted(server, daemon):
    checker = daemon(None, {"mysql": {**server.settings(), "interval": "20ms"}})
    checker.wait_reason("available")
    server.login_error = (1045, "28000", "Access denied for somebody")
    server.hang_up()
    checker.wait_rounds(5)
    server.heal()
    checker.wait_reason("available")
    failures = [line for line in checker.log().splitlines() if "probe: Access denied" in line]
    assert len([line for line in failures if "trying again" in line]) == 1
    count = re.search(r"the server answers again, after (\d+) failed probes", checker.log())
    assert count and int(count[1]) >= 5
