# SPDX-License-Identifier: GPL-2.0-or-later
"""Starting with and changing to a configuration, good or bad."""

import signal

import pytest

from support import http
from support.answers import assert_verdict
from support.daemon import Daemon
from support.process import free_port
from support.wait import until


def test_good_change_takes_effect_and_nothing_is_dropped(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    kept = node.connection_ids()
    with http.Connection(checker.address) as caller:
        caller.ask()
        word = checker.reload({"policy": {"dialect": "galera"}, "endpoint /new": {"donor": "auto"}})
        assert "configuration reloaded" in word
        checker.wait_rounds(2)
        answer = caller.ask()  # on the same connection: the listener has survived
        assert answer.body == b"Galera cluster node is synced.\r\n"
        assert caller.ask("/new").reason == "available"
    assert kept and node.connection_ids() == kept


def test_bad_change_keeps_the_running_configuration(node, daemon):
    checker = daemon(node, {"policy": {"dialect": "galera"}})
    checker.wait_reason("available")
    kept = node.connection_ids()
    good = checker.ini.read_text()
    checker.ini.write_text(good + "[policy]\ndonor=perhaps\n")
    word = checker.reload()
    line = good.count("\n") + 2
    assert f"{checker.ini}:{line}:" in word, word
    assert "donor" in word and "unavailable" in word, "key and expectation"
    assert "keeping the running configuration" in word
    checker.wait_rounds(2)
    assert_verdict(checker.ask(), "available", dialect="galera")
    assert node.connection_ids() == kept


@pytest.mark.parametrize(
    "text, words",
    [
        ("[policy]\ndonor=perhaps\n", (":2:", "donor", "perhaps")),
        ("[mysql]\nintervall=1s\n", (":2:", "intervall")),
        ("[nonsense]\na=b\n", ("nonsense",)),
        ("[mysql]\ninterval=500\n", (":2:", "interval", "500")),
        ("[mysql]\nuser=a\nuser=b\n", (":3:", "user")),
        ("[http]\nlisten=somewhere\n", (":2:", "listen", "somewhere")),
        ("[mysql]\nuser=" + "x" * 400 + "\n", (":2:",)),
        ("[policy]\nmin_cluster_size=-1\n", (":2:", "min_cluster_size")),
        ("no section\n", (":1:",)),
    ],
)
def test_bad_file_does_not_start(tmp_path, text, words):
    it = Daemon(tmp_path / "bad")
    it.ini.write_text(text)
    code, said = it.run_to_end()
    assert code == 1
    assert str(it.ini) in said
    for word in words:
        assert word in said
    code, said = it.run_to_end("--check-config")
    assert code == 1 and str(it.ini) in said


def test_missing_file_that_was_named_does_not_start(tmp_path):
    it = Daemon(tmp_path / "bad")
    it.ini.unlink()
    code, said = it.run_to_end()
    assert code == 1 and str(it.ini) in said


def test_later_layers_win(node, daemon):
    """File, then environment, then arguments."""
    checker = daemon(
        node,
        {"policy": {"dialect": "percona", "donor": "unavailable"}},
        env={"CLUSTERCHECKD_POLICY_DIALECT": "pxc", "CLUSTERCHECKD_POLICY_DONOR": "available"},
        options=["-o", "policy.dialect=galera"],
    )
    assert_verdict(checker.wait_reason("available"), "available", dialect="galera")
    node.sql("SET GLOBAL wsrep_desync=ON")
    until(lambda: checker.ask().headers["x-clustercheck-state"] != "Synced", "desynced state")
    assert checker.reason() == "available"


def test_secrets_are_not_dumped(tmp_path):
    it = Daemon(tmp_path / "dumped", sections={"mysql": {"password": "t0ps3cret"}})
    code, said = it.run_to_end("--dump-config")
    assert code == 0
    assert "t0ps3cret" not in said and "password=***" in said


def test_listen_address_moves(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    old, new = checker.port, free_port()
    checker.reload({"http": {"listen": f"127.0.0.1:{new}"}})
    until(lambda: http.ask(("127.0.0.1", new)).reason == "available", "answer on the new port")
    with pytest.raises(ConnectionRefusedError):
        http.ask(("127.0.0.1", old))


def test_listen_address_is_added_beside_a_busy_one(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    new = free_port()
    with http.Connection(checker.address) as caller:
        caller.ask()
        checker.reload({"http": {"listen": f"127.0.0.1:{checker.port}, 127.0.0.1:{new}"}})
        assert http.ask(("127.0.0.1", new)).status == 200
        assert caller.ask().status == 200


def test_listen_address_that_overlaps_its_own_takes_a_restart(daemon):
    checker = daemon(None)
    word = checker.reload({"http": {"listen": f"127.0.0.1:{checker.port}, *:{checker.port}"}})
    assert f"cannot listen on *:{checker.port}: Address already in use (if it is this daemon" in word
    assert "takes a restart); keeping the running configuration" in word
    checker.reload({"http": {"listen": f"*:{checker.port}"}})
    checker.stop()
    checker.start()


def test_listen_address_that_is_taken_changes_nothing(node, daemon):
    checker, other = daemon(node), daemon(node)
    checker.wait_reason("available")
    word = checker.reload({
        "http": {"listen": f"127.0.0.1:{checker.port}, 127.0.0.1:{other.port}"},
        "policy": {"dialect": "galera"},
    })
    assert "keeping the running configuration" in word and str(other.port) in word
    assert_verdict(checker.ask(), "available", dialect="percona")


def test_no_request_fails_while_http_settings_change(node, daemon):
    """A door whose own settings change is replaced, with its listening socket."""
    checker = daemon(node)
    checker.wait_reason("available")
    failures, asked = [], 0
    for limit in range(10, 20):
        checker.configure({"http": {"max_connections": limit}})
        before = checker.log().count("configuration reloaded")
        checker.send_signal(signal.SIGHUP)
        reloaded = False
        while not reloaded:
            reloaded = checker.log().count("configuration reloaded") > before
            asked += 1
            try:
                answer = checker.ask()
                if answer.status != 200 or answer.ended != "fin":
                    failures.append(answer)
            except OSError as error:
                failures.append(error)
    assert asked >= 10 and failures == []


def test_all_addresses_may_change_at_once(daemon):
    """The new ones stand beside the old ones for a moment: eight and eight."""
    ports = [free_port() for _ in range(16)]
    checker = daemon(None, {"http": {"listen": ",".join(f"127.0.0.1:{p}" for p in ports[:8])}},
                     address=("127.0.0.1", ports[0]))
    checker.address = ("127.0.0.1", ports[8])
    listen = ",".join(f"127.0.0.1:{port}" for port in ports[8:])
    assert "configuration reloaded" in checker.reload({"http": {"listen": listen}})
    for port in ports[8:]:
        assert http.ask(("127.0.0.1", port)).reason == "unreachable"


def test_other_account_is_a_new_connection(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    checker.reload({"mysql": {"password": "wrong"}})
    checker.wait_reason("access-denied")
    assert node.connection_ids() == []


def test_interrupt_stops_as_termination_does(daemon):
    assert daemon().stop(signal.SIGINT)[0] == 0


def test_control_socket_is_removed_and_reused(daemon, tmp_path):
    checker = daemon()
    assert checker.control.is_socket()
    checker.stop()
    assert not checker.control.exists()
    crashed = daemon(None, {"control": {"socket": tmp_path / "left.sock"}})
    crashed.send_signal(signal.SIGKILL)
    crashed.popen.wait()
    assert (tmp_path / "left.sock").is_socket()
    again = daemon(None, {"control": {"socket": tmp_path / "left.sock"}})
    again.wait_reason("unreachable")
    assert http.ask(tmp_path / "left.sock").reason == "unreachable"
    again.stop()
