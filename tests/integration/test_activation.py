# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets from systemd-socket-activate: the daemon takes them whole, clustercheck by connection."""

import shutil

import pytest

from support import http
from support.answers import assert_verdict, script_bytes
from support.cluster import PASSWORD, USER
from support.daemon import Daemon
from support.process import Process, free_port
from support.programs import program
from support.wait import until

ACTIVATE = "systemd-socket-activate"
pytestmark = pytest.mark.skipif(not shutil.which(ACTIVATE), reason=f"{ACTIVATE} is not installed")


def is_listening(process):
    until(lambda: "Listening on" in process.log(), "activated socket")


def test_daemon_takes_over_the_socket(node, tmp_path, running):
    inherited = free_port()
    it = Daemon(tmp_path / "daemon", node)
    command = [ACTIVATE, "-l", f"127.0.0.1:{inherited}", *it.command]
    activator = running(Process(command, tmp_path / "activate.log"))
    is_listening(activator)
    address = ("127.0.0.1", inherited)
    http.ask(address)  # starts the daemon, in the same process
    until(lambda: http.ask(address).reason == "available", "available")
    assert_verdict(http.ask(address), "available", state="Synced")
    with pytest.raises(ConnectionRefusedError):  # in place of [http] listen
        it.ask()
    assert http.ask(it.control).reason == "available"
    code, took = activator.stop()
    assert code == 0 and took < 2


def test_daemon_takes_over_several(node, tmp_path, running):
    ports = [free_port(), free_port()]
    it = Daemon(tmp_path / "daemon", node)
    addresses = [word for port in ports for word in ("-l", f"127.0.0.1:{port}")]
    activator = running(Process([ACTIVATE, *addresses, *it.command], tmp_path / "activate.log"))
    is_listening(activator)
    for port in ports:
        http.ask(("127.0.0.1", port))
        until(lambda: http.ask(("127.0.0.1", port)).reason == "available", "available")
    assert activator.stop()[0] == 0


def test_first_check_waits_for_the_daemon(node, tmp_path, running):
    """What came while nothing ran is answered, not reset."""
    port = free_port()
    it = Daemon(tmp_path / "daemon", node)
    command = [ACTIVATE, "-l", f"127.0.0.1:{port}", *it.command]
    is_listening(running(Process(command, tmp_path / "activate.log")))
    first = http.ask(("127.0.0.1", port), method="OPTIONS")
    assert first.status in (200, 503) and first.ended == "fin"


def test_clustercheck_per_connection(node, tmp_path, running):
    port = free_port()
    options = tmp_path / "my.cnf"
    options.write_text(f"[client]\nsocket={node.socket}\n")
    arguments = [USER, PASSWORD, "0", "/dev/null", "1", options]
    command = [ACTIVATE, "--accept", "--inetd", "-l", f"127.0.0.1:{port}", program("clustercheck")]
    is_listening(running(Process([*command, *arguments], tmp_path / "activate.log")))
    address = ("127.0.0.1", port)
    answers = [http.ask(address, method="OPTIONS") for _ in range(30)]
    told = {(answer.raw, answer.ended) for answer in answers}
    assert told == {(script_bytes("percona", "synced"), "fin")}
    assert http.ask(address, method="HEAD").raw == script_bytes("percona", "synced", head=True)
    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    assert http.ask(address).raw == script_bytes("percona", "not synced")


def test_bad_argument_is_503_all_the_same(tmp_path, running):
    port = free_port()
    command = [ACTIVATE, "--accept", "--inetd", "-l", f"127.0.0.1:{port}", program("clustercheck")]
    is_listening(running(Process([*command, "--nonsense"], tmp_path / "activate.log")))
    answer = http.ask(("127.0.0.1", port))
    assert (answer.raw, answer.ended) == (script_bytes("percona", "not synced"), "fin")
