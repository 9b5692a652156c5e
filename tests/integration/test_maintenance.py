# SPDX-License-Identifier: GPL-2.0-or-later
"""Orders: drain, disable and enable, in every view, on the disk, and told to balancers."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import pytest

from conftest import show_on_failure
from support import http
from support.cluster import SqlError
from support.daemon import Daemon
from support.haproxy import HAProxy
from support.process import clean_environment
from support.programs import program
from support.scripted import ScriptedServer
from support.wait import until

VIA_404 = ("option httpchk", "http-check disable-on-404", "http-check send-state")


def ctl(checker, *arguments, timeout=30):
    return subprocess.run(
        [program("clustercheckctl"), "-c", checker.ini, *map(str, arguments)],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def order(checker, *arguments, **options):
    done = ctl(checker, *arguments, **options)
    assert done.returncode == 0, done.stderr + done.stdout
    return done


def document(checker):
    return json.loads(http.ask(checker.control, "/maintenance").body)


def ask_all_the_time(checker, path="/", count=1000, seconds=20):
    """A balancer without a name: one check every 50 ms, until it is told to stop."""
    over = threading.Event()

    def poll():
        for _ in range(count):
            if over.is_set():
                return
            with contextlib.suppress(OSError):
                checker.ask(path)
            over.wait(0.05)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    until(lambda: len(document(checker)["balancers"]) == 1, "the balancer to be known", seconds)
    return over


@pytest.fixture
def checker(server, daemon):
    checker = daemon(None, {"mysql": server.settings()})
    checker.wait_reason("available")
    return checker


def knows(checker, name):
    balancers = document(checker)["balancers"]
    return any(balancer.get("haproxy", {}).get("name") == name for balancer in balancers)


def wait_settled(checker):
    until(lambda: document(checker)["uptime_ms"] >= 5000, "a daemon that has settled", 10)


@pytest.fixture(scope="module")
def settled_pair(tmp_path_factory):
    """A scripted server and a daemon that runs for long enough to know who polls."""
    with ScriptedServer() as server:
        checker = Daemon(tmp_path_factory.mktemp("settled"), None, {"mysql": server.settings()})
        checker.start()
        wait_settled(checker)
        yield server, checker
        checker.stop()


@pytest.fixture
def settled(settled_pair, request):
    """The daemon, available, and without anybody who polls."""
    server, checker = settled_pair
    show_on_failure(request, checker.log_path)
    server.heal()
    order(checker, "enable")
    # through the other door: whoever asks over TCP again and again passes for a balancer
    until(lambda: http.ask(checker.control).status == 200, "a node that is available")
    until(lambda: not document(checker)["balancers"], "silence", 30)
    return checker


# ---- the orders ----


@pytest.mark.parametrize(
    "command, status, reason, mode",
    [("drain", 404, "draining", "draining"), ("disable", 503, "disabled", "disabled")],
)
def test_an_order_counts_at_once_and_until_enabled(checker, command, status, reason, mode):
    said = order(checker, command, "--reason", "new kernel").stdout
    for path in ("/", "/rw", "/ro"):
        answer = checker.ask(path)
        assert (answer.status, answer.reason) == (status, reason)
    assert answer.body == b"Percona XtraDB Cluster Node is manually disabled.\r\n"
    assert said.startswith(f"{mode} by ")
    assert checker.ask("/live").status == 200
    assert order(checker, "enable").stdout == "enabled\n"
    assert checker.ask().status == 200
    assert not checker.maintenance_file.exists()


def test_every_view_tells_who_and_why(checker):
    order(checker, "drain", "--reason", 'new "kernel"', "--for", "30m", "--as", "alice")
    told = checker.status()["maintenance"]
    assert (told["mode"], told["by"], told["reason"]) == ("draining", "alice", 'new "kernel"')
    assert told["origin"] == "given" and told["file"] == str(checker.maintenance_file)
    assert 29 * 60_000 < told["left_ms"] <= 30 * 60_000
    metrics = checker.ask("/metrics").body.decode()
    assert 'clustercheck_maintenance{mode="draining"} 1' in metrics
    assert "clustercheck_maintenance_until_timestamp_seconds " in metrics
    screen = ctl(checker, "status").stdout
    assert "ordered: draining by alice since " in screen and 'new "kernel"' in screen
    explained = ctl(checker, "explain").stdout
    assert "> draining" in explained and 'by alice, for another 29 min' in explained
    assert 'the node is draining since' in ctl(checker, "doctor").stdout
    line = next(line for line in checker.log().splitlines() if "available → draining" in line)
    assert 'maintenance none→draining by alice: new "kernel"' in line
    plugin = subprocess.run(
        [program("check_galera"), "--control", checker.control],
        env=clean_environment(), capture_output=True, text=True, timeout=10,
    )
    assert plugin.returncode == 1
    assert "WARNING - draining: draining since" in plugin.stdout and "by alice" in plugin.stdout


def test_an_order_needs_no_database(daemon):
    checker = daemon()
    checker.wait_reason("unreachable")
    order(checker, "drain")
    assert checker.ask().status == 404
    order(checker, "enable")
    assert checker.reason() == "unreachable"


def test_an_order_survives_the_daemon(checker, daemon):
    order(checker, "disable", "--reason", "disk")
    checker.popen.kill()
    checker.popen.wait()
    checker.start()
    # the very first answer: it must not wait for a probe
    assert checker.reason() == "disabled"
    assert checker.status()["maintenance"]["reason"] == "disk"
    order(checker, "enable")


def test_an_order_ends_by_itself(checker):
    order(checker, "drain", "--for", "1s")
    assert checker.ask().status == 404
    took = checker.seconds_to_reason("available", seconds=5)
    assert took < 3
    until(lambda: not checker.maintenance_file.exists(), "the file to be taken away")
    assert "drain ends: its time is over" in checker.log()


def test_an_order_that_ended_while_nobody_ran_is_over(checker):
    order(checker, "disable", "--for", "200ms")
    checker.stop()
    until(lambda: time.time() > checker.maintenance_file.stat().st_mtime + 0.3, "its end")
    checker.start()
    checker.wait_reason("available")


def test_a_damaged_file_fails_closed_and_is_named(checker):
    checker.maintenance_file.write_text('{"version": 1, "order": "dra')
    checker.wait_reason("disabled")
    told = checker.status()["maintenance"]
    assert told["origin"] == "damaged" and told["file"] == str(checker.maintenance_file)
    assert f"{checker.maintenance_file}: no JSON" in checker.log()
    assert "damaged file" in ctl(checker, "doctor").stdout
    order(checker, "enable")
    assert checker.ask().status == 200


def test_the_legacy_file_is_shown_as_such_and_not_ended(checker):
    checker.legacy_file.touch()
    checker.wait_reason("disabled")
    assert checker.status()["maintenance"]["origin"] == "legacy-file"
    done = ctl(checker, "enable")
    assert done.returncode == 1
    assert done.stdout == f"disabled because of {checker.legacy_file}\n"
    checker.legacy_file.unlink()
    checker.wait_reason("available")


def test_somebody_elses_order_is_left_alone(checker):
    order(checker, "disable", "--reason", "mine")
    left = order(checker, "drain", "--as", "systemd")
    assert left.stderr.startswith("left alone: the node is disabled since ")
    left = order(checker, "drain", "--as", "systemd", "--json")
    assert json.loads(left.stdout)["maintenance"]["reason"] == "mine"
    left = order(checker, "enable", "--as", "systemd")
    assert checker.reason() == "disabled"
    order(checker, "enable")
    order(checker, "drain", "--as", "systemd")
    assert checker.reason() == "draining"
    order(checker, "enable", "--as", "systemd")
    assert checker.reason() == "available"


def test_a_place_that_cannot_be_written_is_named(checker):
    checker.reload({"maintenance": {"file": "/proc/nowhere/maintenance"}})
    done = ctl(checker, "drain")
    assert done.returncode == 1
    assert done.stderr.startswith("refused: cannot make /proc/nowhere/maintenance.new: ")
    assert checker.ask().status == 200
    checker.reload({"maintenance": {"file": ""}})
    done = ctl(checker, "drain")
    assert done.stderr == "refused: [maintenance] file is empty: there is no place for an order\n"


def test_the_one_shot_obeys(server, checker):
    order(checker, "drain", "--reason", "why")
    done = subprocess.run(
        [program("clustercheck"), "--config", checker.ini],
        env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=10,
    )
    assert done.returncode == 1
    assert done.stdout.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert done.stdout.endswith(b"Percona XtraDB Cluster Node is manually disabled.\r\n")


def test_without_a_daemon_the_order_is_written_down(checker):
    checker.stop()
    done = order(checker, "drain", "--reason", "later")
    assert f"no daemon answers: it stands in {checker.maintenance_file}" in done.stderr
    assert oct(checker.maintenance_file.stat().st_mode & 0o777) == "0o644"
    assert ctl(checker, "disable", "--wait").returncode == 3
    checker.start()
    assert checker.reason() == "disabled"
    order(checker, "enable")


def test_without_a_daemon_scripts_read_json(checker):
    checker.stop()
    done = order(checker, "drain", "--reason", "later", "--json")
    standing = json.loads(done.stdout)["maintenance"]
    assert (standing["mode"], standing["reason"]) == ("draining", "later")
    done = order(checker, "enable", "--json")
    assert json.loads(done.stdout)["maintenance"] == {"mode": "none"}
    assert done.stderr == f"no daemon answers: no order stands in {checker.maintenance_file} any more\n"
    assert not checker.maintenance_file.exists()
    assert order(checker, "enable").stdout == "enabled\n"
    order(checker, "disable", "--as", "other")
    left = order(checker, "drain", "--as", "systemd", "--json")
    assert json.loads(left.stdout)["maintenance"]["by"] == "other"


def test_without_a_daemon_the_legacy_file_is_shown_as_such(checker):
    checker.stop()
    order(checker, "drain")
    checker.legacy_file.touch()
    done = ctl(checker, "enable")
    assert done.returncode == 1
    assert done.stderr == f"no daemon answers: no order stands in {checker.maintenance_file} any more\n"
    assert str(checker.legacy_file) in done.stdout
    assert not checker.maintenance_file.exists()


def test_commands_at_once_without_a_daemon(checker):
    checker.stop()
    words = [program("clustercheckctl"), "-c", checker.ini]
    for _ in range(20):
        commands = [
            subprocess.Popen([*words, verb], env=clean_environment(), stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
            for verb in ("drain", "drain", "drain")
        ]
        for said, code in [(it.communicate(timeout=30)[1], it.returncode) for it in commands]:
            assert code == 0, said


def test_a_reason_that_is_no_text_is_refused_with_a_word(checker):
    for reason in (b"Wartung f\xfcr alle", b"\xc2\x9b2J"):  # Latin-1; CSI as one character
        done = ctl(checker, "disable", "--reason", os.fsdecode(reason))
        assert done.returncode == 2
        assert "UTF-8" in done.stderr
    assert checker.ask().status == 200


def test_tcp_cannot_give_orders(checker):
    body = b'{"mode":"draining","by":"x","reason":"","for_ms":0,"own_only":false}'
    head = f"POST /maintenance HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for method in (b"POST", b"PUT", b"DELETE", b"PATCH"):
        answer = http.exchange(checker.address, head.replace(b"POST", method) + body)
        assert answer.status == 405
    assert checker.ask("/maintenance").reason == "no-such-endpoint"
    assert checker.ask().status == 200
    # the same bytes through the other door
    assert http.exchange(checker.control, head + body).status == 200
    assert checker.ask().status == 404


def test_what_is_no_wish_is_refused(checker):
    for body in (b"", b"{}", b"x" * 10_000, b'{"mode":"drain"}'):
        head = f"POST /maintenance HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        answer = http.exchange(checker.control, head + body)
        assert answer.status == 400
        assert "expected mode" in json.loads(answer.body)["error"]
    assert checker.ask().status == 200


def wish(mode, reason):
    """As clustercheckctl sends it, which would write the file itself once nobody answers."""
    body = json.dumps({"mode": mode, "by": "x", "reason": reason, "for_ms": 0, "own_only": False})
    return f"POST /maintenance HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize("number", range(1, 9))
def test_killed_in_the_middle_of_an_order(checker, number):
    """Wherever the daemon dies, the old or the new order stands, whole."""
    given = []

    def keep_ordering():
        with contextlib.suppress(OSError, IndexError):
            for i in range(500):
                mode, reason = (("draining", "second"), ("disabled", "first"))[i % 2]
                if http.exchange(checker.control, wish(mode, reason)).status == 200:
                    given.append(mode)

    assert http.exchange(checker.control, wish("disabled", "first")).status == 200
    thread = threading.Thread(target=keep_ordering)
    thread.start()
    until(lambda: len(given) >= number, "some orders", pause=0.0001)
    checker.popen.kill()
    checker.popen.wait()
    thread.join()
    assert len(given) < 500
    stands = json.loads(checker.maintenance_file.read_text())
    assert (stands["order"], stands["reason"]) in (("disable", "first"), ("drain", "second"))
    checker.start()
    assert checker.reason() == {"disable": "disabled", "drain": "draining"}[stands["order"]]


# ---- waiting ----


def test_wait_returns_when_the_balancer_was_told(settled):
    over = ask_all_the_time(settled)
    done = order(settled, "drain", "--wait", "--polls", "4")
    assert "1 balancer told 4 times, after " in done.stdout
    assert document(settled)["balancers"][0]["told"] >= 4
    done = order(settled, "enable", "--wait", "--json")
    assert json.loads(done.stdout)["balancers"][0]["available"] is True
    over.set()


def test_wait_names_who_was_not_told(settled):
    over = ask_all_the_time(settled)
    over.set()
    done = ctl(settled, "drain", "--wait", "--timeout", "300ms")
    assert done.returncode == 1
    assert "not done within " in done.stderr
    assert "127.0.0.1 http /: told 0 of 3" in done.stderr
    # the order stands all the same
    assert settled.ask().status == 404


def test_wait_without_a_balancer_says_so(settled):
    done = order(settled, "drain", "--wait", "--timeout", "20s")
    assert "nobody polls: there is no balancer to tell" in done.stdout


def test_a_daemon_that_has_just_started_waits_until_it_knows(checker):
    done = ctl(checker, "drain", "--wait", "--timeout", "200ms")
    assert done.returncode == 1
    assert "the daemon has just started: who polls will show" in done.stderr


def test_wait_ends_when_another_order_comes(settled):
    over = ask_all_the_time(settled)
    over.set()
    waiting = subprocess.Popen(
        [program("clustercheckctl"), "-c", settled.ini, "drain", "--wait", "--timeout", "30s"],
        env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    until(lambda: settled.reason() == "draining", "the drain")
    order(settled, "enable")
    said = waiting.communicate(timeout=10)[1]
    assert waiting.returncode == 1
    assert "the node is enabled by another order" in said


def test_enable_waits_for_the_node(settled_pair, settled):
    server, _ = settled_pair
    order(settled, "disable")
    server.status["wsrep_local_state"] = "2"
    done = ctl(settled, "enable", "--wait", "--timeout", "1s", "--polls", "1")
    assert done.returncode == 1
    assert "/ is 503 donor" in done.stderr
    server.heal()
    order(settled, "enable", "--wait", "--polls", "1")


def test_idle_sees_statements_and_transactions(node, daemon):
    checker = daemon(node)
    wait_settled(checker)
    node.sql("CREATE DATABASE IF NOT EXISTS work")
    node.sql("CREATE TABLE IF NOT EXISTS work.t (id INT PRIMARY KEY) ENGINE=InnoDB")
    with node.session() as session:
        session.sql("BEGIN")
        session.sql("REPLACE INTO work.t VALUES (1)")
        done = ctl(checker, "drain", "--wait", "--idle", "--timeout", "1s")
        assert done.returncode == 1
        assert f"session {session.id} of root at localhost: Sleep" in done.stderr
        assert "in a transaction" in done.stderr
        session.sql("COMMIT")
        order(checker, "drain", "--wait", "--idle")
        session.send("SELECT SLEEP(30)")
        done = ctl(checker, "drain", "--wait", "--idle", "--timeout", "1s")
        assert f"session {session.id} of root at localhost: Query" in done.stderr
        node.sql(f"KILL QUERY {session.id}")
        with contextlib.suppress(SqlError):
            session.sql("SELECT 1")
    with node.session():
        order(checker, "drain", "--wait", "--idle")
        done = ctl(checker, "drain", "--wait", "--no-sessions", "--timeout", "1s")
        assert done.returncode == 1 and "1 sessions are connected" in done.stderr
    order(checker, "drain", "--wait", "--no-sessions")
    with socket.create_connection((node.host, node.port)):  # about to log in
        done = ctl(checker, "drain", "--wait", "--idle", "--timeout", "1s")
        assert done.returncode == 1
        assert "of unauthenticated user at " in done.stderr
    order(checker, "enable")
    node.sql("DROP DATABASE work")


def test_idle_without_the_privilege_says_so(node, daemon):
    node.sql("CREATE USER IF NOT EXISTS blind@localhost IDENTIFIED BY 'x'")
    checker = daemon(node, {"mysql": {"user": "blind", "password": "x"}})
    # through the other door: who asks a young daemon over TCP passes for a balancer at once
    until(lambda: http.ask(checker.control).reason == "available", "a node that is available")
    wait_settled(checker)
    done = ctl(checker, "drain", "--wait", "--idle", "--timeout", "1s")
    assert done.returncode == 1
    assert "sessions are not known: Access denied; you need (at least one of) the PROCESS" in (
        done.stderr
    )
    # and the verdict is none the worse for it
    order(checker, "enable")
    checker.wait_reason("available")
    node.sql("DROP USER blind@localhost")


# ---- with a real balancer ----


def test_haproxy_drains_and_is_waited_for(node, daemon, running, tmp_path):
    checker = daemon(node)
    checker.wait_reason("available")
    haproxy = running(
        HAProxy(tmp_path / "haproxy", VIA_404, {"n": ((node.host, node.port), checker.address)})
    )
    haproxy.wait("n", "UP", "200")
    until(lambda: knows(checker, "galera/n"), "the balancer to be known", 10)
    done = order(checker, "drain", "--wait")
    assert "1 balancer told 3 times" in done.stdout
    # when it returns, HAProxy has understood: nothing has to be waited for
    assert haproxy.servers()["n"]["status"].startswith(("DRAIN", "NOLB"))
    names = [balancer["haproxy"]["name"] for balancer in document(checker)["balancers"]]
    assert names == ["galera/n"]
    order(checker, "enable", "--wait")
    assert haproxy.servers()["n"]["status"] == "UP"
