# SPDX-License-Identifier: GPL-2.0-or-later
"""A real HAProxy in front of real nodes follows what the daemons say."""

import shutil

import pytest

from support.haproxy import HAProxy

pytestmark = pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")

DEFAULT = ["option httpchk"]  # OPTIONS / HTTP/1.0
GET_1_1 = ["option httpchk", "http-check send meth GET uri / ver HTTP/1.1 hdr Host galera"]
SEND_STATE = [*DEFAULT, "http-check send-state"]


def behind(tmp_path, checks, pairs):
    servers = {node.name: ((node.host, node.port), checker.address) for node, checker in pairs}
    return HAProxy(tmp_path / "haproxy", checks, servers)


@pytest.mark.parametrize("checks", [DEFAULT, GET_1_1, SEND_STATE], ids=["OPTIONS", "GET", "state"])
def test_server_follows_the_node(node, daemon, running, tmp_path, checks):
    checker = daemon(node)
    checker.wait_reason("available")
    balancer = running(behind(tmp_path, checks, [(node, checker)]))
    balancer.wait(node.name, "UP", "200")
    assert balancer.checked(node.name)[1] == "L7OK"
    node.sql("SET GLOBAL wsrep_desync=ON")
    balancer.wait(node.name, "DOWN", "503")
    assert balancer.checked(node.name)[1] == "L7STS"
    node.sql("SET GLOBAL wsrep_desync=OFF")
    balancer.wait(node.name, "UP", "200")
    assert "reset" not in checker.log().lower()


def test_disable_on_404(node, daemon, running, tmp_path):
    """404 means "finish what runs, send nothing new". With MariaDB, ours is that of an endpoint which
    a reload takes away; those of verdicts need a PXC or the operator."""
    checker = daemon(node, {"endpoint /lb": {"donor": "auto"}})
    checker.wait_reason("available", "/lb")
    checks = ["option httpchk OPTIONS /lb", "http-check disable-on-404"]
    balancer = running(behind(tmp_path, checks, [(node, checker)]))
    balancer.wait(node.name, "UP", "200")
    checker.sections.pop("endpoint /lb")
    assert "configuration reloaded" in checker.reload({"policy": {}})
    balancer.wait(node.name, "NOLB", "404")
    checker.reload({"endpoint /lb": {"donor": "auto"}})
    balancer.wait(node.name, "UP", "200")


def test_frozen_server_is_taken_out(node, daemon, running, tmp_path):
    checker = daemon(node)
    checker.wait_reason("available")
    balancer = running(behind(tmp_path, DEFAULT, [(node, checker)]))
    balancer.wait(node.name, "UP", "200")
    node.freeze()
    balancer.wait(node.name, "DOWN", "503")
    node.thaw()
    balancer.wait(node.name, "UP", "200")


def test_stopped_daemon_is_a_server_down(node, daemon, running, tmp_path):
    checker = daemon(node)
    checker.wait_reason("available")
    balancer = running(behind(tmp_path, DEFAULT, [(node, checker)]))
    balancer.wait(node.name, "UP", "200")
    checker.stop()
    balancer.wait(node.name, "DOWN")


def test_three_nodes_lose_one_and_regain_it(cluster, daemon, running, tmp_path):
    pairs = [(node, daemon(node)) for node in cluster.nodes]
    for _, checker in pairs:
        checker.wait_reason("available")
    balancer = running(behind(tmp_path, DEFAULT, pairs))
    for node in cluster.nodes:
        balancer.wait(node.name, "UP", "200")
    leaving = cluster.node(2)
    leaving.stop()
    balancer.wait("node2", "DOWN", "503")
    assert [balancer.checked(name)[0] for name in ("node1", "node3")] == ["UP", "UP"]
    leaving.start()
    balancer.wait("node2", "UP", "200")


def test_three_nodes_without_quorum(cluster, daemon, running, tmp_path):
    pairs = [(node, daemon(node)) for node in cluster.nodes]
    pairs[0][1].wait_reason("available")
    balancer = running(behind(tmp_path, DEFAULT, pairs))
    balancer.wait("node1", "UP", "200")
    for node in cluster.nodes[1:]:
        node.freeze()
    for node in cluster.nodes:
        balancer.wait(node.name, "DOWN", "503", seconds=10)
    for node in cluster.nodes[1:]:
        node.thaw()
    for node in cluster.nodes:
        balancer.wait(node.name, "UP", "200", seconds=20)
