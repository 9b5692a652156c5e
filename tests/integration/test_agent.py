# SPDX-License-Identifier: GPL-2.0-or-later
"""HAProxy's agent-check beside its health check: weight, drain, return, a dead agent, bad callers."""

import contextlib
import itertools
import socket
import time

import pytest

from support import http
from support.haproxy import HAProxy
from support.process import free_port
from support.wait import until


@pytest.fixture
def checker(server, daemon):
    port = free_port()
    it = daemon(None, {
        "mysql": {**server.settings(), "interval": "50ms"},
        "policy": {"weight": "auto"},
        "agent": {"listen": f"127.0.0.1:{port}"},
    })
    it.agent = ("127.0.0.1", port)
    it.wait_reason("available")
    return it


@pytest.fixture
def balancer(server, checker, running, tmp_path):
    agent = f"default-server agent-check agent-addr 127.0.0.1 agent-port {checker.agent[1]} agent-inter 50ms weight 100"
    it = HAProxy(
        tmp_path / "haproxy",
        ["option httpchk", "http-check disable-on-404", agent],
        {"node": (server.address, checker.address)},
    )
    running(it)
    it.wait("node", "UP")
    return it


def line(checker, payload=b""):
    return http.exchange(checker.agent, payload).raw


def weight(balancer):
    return int(balancer.servers()["node"]["weight"])


def test_the_whole_set_of_words_and_an_orderly_end(checker):
    answer = http.exchange(checker.agent, b"anything at all\n")
    assert answer.raw == b"up ready 100%\n"
    assert answer.ended == "fin"


def test_down_says_why(server, daemon, running, tmp_path):
    """The agent alone takes the node out: the health check goes on saying 200."""
    port = free_port()
    checker = daemon(None, {
        "mysql": {**server.settings(), "interval": "50ms"},
        "endpoint /lenient": {"donor": "available"},
        "agent": {"listen": f"127.0.0.1:{port}"},
    })
    checker.agent = ("127.0.0.1", port)
    agent = f"default-server agent-check agent-addr 127.0.0.1 agent-port {port} agent-inter 50ms"
    balancer = HAProxy(
        tmp_path / "haproxy",
        ["option httpchk OPTIONS /lenient", agent],
        {"node": (server.address, checker.address)},
    )
    running(balancer)
    balancer.wait("node", "UP")
    server.status["wsrep_local_state"] = "2"
    checker.wait_reason("donor")
    assert line(checker) == b"down #donor\n"
    until(lambda: balancer.servers()["node"]["status"] == "DOWN (agent)", "the agent's word")
    assert "donor" in balancer.servers()["node"]["last_agt"]
    assert checker.ask("/lenient").status == 200
    server.heal()
    balancer.wait("node", "UP")


def test_drain_and_return(server, checker, balancer):
    server.variables["pxc_maint_mode"] = "MAINTENANCE"
    checker.wait_reason("maintenance")
    assert line(checker) == b"up drain\n"
    until(lambda: balancer.servers()["node"]["status"].startswith("DRAIN"), "drain in HAProxy")
    server.heal()
    balancer.wait("node", "UP")
    assert weight(balancer) == 100


class Pausing(dict):
    """A node that flow control pauses for half of the time."""

    def __getitem__(self, name):
        if name == "wsrep_flow_control_paused_ns":
            return str(time.monotonic_ns() // 2)
        return super().__getitem__(name)


def test_weight_follows_flow_control(server, checker):
    server.status = Pausing(server.status)

    def near_half():
        word = line(checker).decode()
        percent = int(word.removeprefix("up ready ").rstrip("%\n"))
        return 45 <= percent <= 60

    until(near_half, "about half of the weight", seconds=15)


def test_weight_reaches_haproxy(server, balancer):
    until(lambda: weight(balancer) == 100, "the full weight")
    server.status = Pausing(server.status)
    until(lambda: weight(balancer) <= 60, "a lower weight in HAProxy", seconds=15)
    server.heal()
    until(lambda: weight(balancer) == 100, "the full weight again", seconds=15)


def test_ramp_after_a_return(server, daemon):
    port = free_port()
    it = daemon(None, {
        "mysql": {**server.settings(), "interval": "50ms"},
        "policy": {"weight": "auto", "ramp": "5s"},
        "agent": {"listen": f"127.0.0.1:{port}"},
    })
    it.agent = ("127.0.0.1", port)
    it.wait_reason("available")
    assert line(it) == b"up ready 100%\n"  # a daemon that starts is no node that returns
    server.status["wsrep_local_state"] = "3"
    it.wait_reason("joined")
    server.heal()
    it.wait_reason("available")

    def percent():
        return int(line(it).decode().removeprefix("up ready ").rstrip("%\n"))

    first = percent()
    assert 1 <= first < 50
    until(lambda: percent() > first, "a growing weight")
    until(lambda: percent() == 100, "the full weight")


def test_an_endpoint_has_an_agent_of_its_own(server, daemon):
    port = free_port()
    it = daemon(None, {
        "mysql": {**server.settings(), "interval": "50ms"},
        "endpoint /strict": {"read_only": "unavailable", "agent": f"127.0.0.1:{port}"},
    })
    server.variables["read_only"] = "ON"
    it.wait_reason("read-only", "/strict")
    assert http.exchange(("127.0.0.1", port), b"").raw == b"down #read-only\n"


def test_a_dead_agent_is_no_error_and_comes_back(server, checker, balancer):
    checker.reload({"agent": {"listen": None}})
    with pytest.raises(ConnectionRefusedError):
        line(checker)
    assert balancer.checked("node")[0] == "UP"
    checker.reload({"agent": {"listen": f"127.0.0.1:{checker.agent[1]}"}})
    assert line(checker) == b"up ready 100%\n"
    balancer.wait("node", "UP")


def test_one_address_does_not_speak_for_two_endpoints(checker):
    word = checker.reload({"endpoint /strict": {"agent": "%s:%d" % checker.agent}})
    assert "[agent] listen, [endpoint /strict] agent: expected 127.0.0.1:" in word
    assert "keeping the running configuration" in word
    assert line(checker) == b"up ready 100%\n"


def test_reload_keeps_the_address_open(checker):
    """A changed allow= makes a new server on the same socket."""
    checker.reload({"http": {"allow": "127.0.0.0/8"}})
    assert line(checker) == b"up ready 100%\n"
    checker.reload({"http": {"allow": "192.0.2.0/24"}})
    with contextlib.suppress(ConnectionResetError):
        assert line(checker) == b""


def test_eight_addresses_for_each_endpoint(checker):
    port = checker.agent[1]
    eights = [[(f"127.0.{k + 1}.{i + 1}", port) for i in range(8)] for k in range(4)]
    listed = [", ".join(f"{host}:{port}" for host, port in eight) for eight in eights]
    sections = {f"endpoint /{name}": {"agent": them} for name, them in zip("abc", listed[1:])}
    checker.reload({"agent": {"listen": listed[0]}, **sections})
    for address in itertools.chain(*eights):
        assert http.exchange(address, b"").raw.startswith(b"up"), address


def test_a_refused_reload_keeps_no_copy_of_a_socket(checker):
    port = checker.agent[1]
    first, last = ("127.0.9.8", port), ("127.0.9.9", port)
    names = ("endpoint /first", "endpoint /last")
    checker.reload({names[0]: {"agent": "%s:%d" % first}, names[1]: {}})
    assert http.exchange(first, b"").raw.startswith(b"up")
    with socket.create_server(last):
        assert "cannot listen on 127.0.9.9:" in checker.reload({names[1]: {"agent": "%s:%d" % last}})
    checker.reload(dict.fromkeys(names, {"agent": None}))
    with pytest.raises(ConnectionRefusedError):
        http.exchange(first, b"")


def test_silent_and_slow_callers_hold_up_nobody(checker):
    with contextlib.ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(socket.create_connection(checker.agent, 5))
        for _ in range(20):
            answer = http.exchange(checker.agent, b"")
            assert answer.raw == b"up ready 100%\n" and answer.seconds < 0.5


def test_callers_that_never_close_are_dropped(checker):
    with socket.create_connection(checker.agent, 5) as connection:
        connection.settimeout(5)
        assert connection.recv(64) == b"up ready 100%\n"
        assert connection.recv(64) == b""

        def cut_off():
            try:
                connection.sendall(b"x")
                return False
            except OSError:
                return True

        until(cut_off, "end of a caller that does not close", 5, 0.05)


def test_agent_answers_are_counted(checker):
    for _ in range(3):
        line(checker)
    metrics = checker.ask("/metrics").body.decode()
    assert 'clustercheck_agent_answers_total{endpoint="/"} 3' in metrics
