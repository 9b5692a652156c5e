# SPDX-License-Identifier: GPL-2.0-or-later
"""What takes more than one node: state transfers, lost quorum, leaving."""

import os
import re
import signal
import time

import pytest

from support.answers import assert_verdict
from support.cluster import SqlError
from support.wait import seconds_until, until

NEARLY = 0.050  # the allowance of "interval + 50 ms"
BUSY_MACHINE = 0.250


def test_donor_and_joiner_of_a_real_state_transfer(cluster, daemon):
    """A node without data receives all of it by rsync, which blocks the donor."""
    donors = [cluster.node(1), cluster.node(2)]
    joiner = cluster.node(3)
    joiner.kill()
    joiner.tool("wipe")
    # A member that comes while Galera still agrees on who has died can cost all of them the quorum.
    for node in donors:
        until(lambda node=node: node.status("wsrep_cluster_size") == "2", "cluster of two", 20)
    lenient = {"endpoint /lenient": {"donor": "available"}}
    checkers = [daemon(node, {"mysql": {"interval": "20ms"}, **lenient}) for node in donors]
    at_joiner = daemon(joiner, {"mysql": {"interval": "20ms"}})
    for checker in checkers:
        checker.wait_reason("available")
    joiner.start("--no-wait")

    donors_seen = lambda: [it for it in checkers if it.reason() == "donor"]
    seen = until(donors_seen, "donor", 30, 0.002)[0]
    answers = [seen.ask("/lenient"), seen.ask(), at_joiner.ask()]
    other = checkers[1 - checkers.index(seen)]
    assert other.reason() == "available"
    assert_verdict(answers[0], "available", state="Donor/Desynced")
    assert_verdict(answers[1], "donor", state="Donor/Desynced")
    assert_verdict(answers[2], "unreachable")  # a joiner accepts no connection

    # The joiner's first 200 comes when it is Synced, not before.
    first = at_joiner.wait_reason("available", seconds=30)
    assert_verdict(first, "available", state="Synced")
    assert "starting → available" not in at_joiner.log()
    seen.wait_reason("available")


def test_lost_quorum_is_non_primary(cluster, daemon):
    """Two of three freeze; the third loses quorum, and is back when they are."""
    survivor = cluster.node(1)
    checker = daemon(survivor)
    checker.wait_reason("available")
    for other in cluster.nodes[1:]:
        other.freeze()
    assert_verdict(checker.wait_reason("non-primary"), "non-primary")
    # It calls itself Synced for some 35 ms more.
    until(lambda: checker.ask().headers["x-clustercheck-state"] == "Initialized", "Initialized")
    assert_verdict(checker.ask(), "non-primary", state="Initialized")
    assert survivor.status("wsrep_cluster_status") == "non-Primary"
    for other in cluster.nodes[1:]:
        other.thaw()
    assert_verdict(checker.wait_reason("available", seconds=20), "available", state="Synced")


def test_minority_of_a_shrinking_cluster_by_size(cluster, daemon):
    checker = daemon(cluster.node(1), {"endpoint /two": {"min_cluster_size": "3"}})
    checker.wait_reason("available", "/two")
    cluster.node(3).stop()
    assert_verdict(checker.wait_reason("small-cluster", "/two"), "small-cluster")
    assert checker.reason() == "available"
    cluster.node(3).start()
    checker.wait_reason("available", "/two")


def test_graceful_stop_is_answered_soon(cluster, daemon):
    """After some 35 ms as non-Primary the server drops its connections, completes new ones in the
    kernel's backlog only, and leaves a second later: nothing of that may keep a 200 alive. Now and
    then SHOW STATUS itself hangs while the node leaves its group: then the timeout is the bound."""
    interval, timeout = 0.1, 0.3
    mysql = {"interval": f"{interval * 1000:.0f}ms", "timeout": f"{timeout * 1000:.0f}ms"}
    checker = daemon(cluster.node(3), {"mysql": mysql})
    checker.wait_reason("available")
    os.kill(cluster.node(3).pid(), signal.SIGTERM)
    took = seconds_until(lambda: checker.ask().status == 503, "503")
    print(f"SIGTERM seen after {took * 1000:.0f} ms")
    assert took <= interval + timeout + BUSY_MACHINE
    assert_verdict(checker.wait_reason("unreachable"), "unreachable")
    until(lambda: not cluster.node(3).runs(), "end of the server")
    assert " → available" not in checker.log().partition(" /: available → ")[2]


@pytest.mark.alone
def test_no_200_while_the_server_says_non_primary(cluster, daemon):
    """Server and daemon are asked in turn while the node leaves, still calling itself Synced.

    A server that is going down sometimes leaves the daemon's question unanswered, though it answers
    another session: then the timeout is the bound.
    """
    node, interval, timeout = cluster.node(2), 0.01, 0.3
    checker = daemon(node, {"mysql": {"interval": "10ms", "timeout": "300ms"}})
    checker.wait_reason("available")
    left_at, late = None, 0
    with node.session() as session:
        os.kill(node.pid(), signal.SIGTERM)
        while not left_at or checker.ask().status == 200:
            if left_at:
                late = time.monotonic() - left_at
            elif not says_primary(session):
                left_at = time.monotonic()
    print(f"200 for {late * 1000:.0f} ms after the server said non-Primary")
    until(lambda: "/: available → " in checker.log(), "the change in the log")
    unanswered = re.search(r" /: available → (timeout|refused) ", checker.log())
    assert late <= interval + NEARLY + (timeout if unanswered else 0)
    until(lambda: not node.runs(), "end of the server")


def says_primary(session):
    try:
        told = session.sql("SHOW GLOBAL STATUS LIKE 'wsrep_cluster_status'")
    except SqlError:
        return False
    return told.split()[1] == "Primary"


def test_desync_of_one_node_leaves_the_others(cluster, daemon):
    checkers = [daemon(node) for node in cluster.nodes]
    for checker in checkers:
        checker.wait_reason("available")
    cluster.node(2).sql("SET GLOBAL wsrep_desync=ON")
    checkers[1].wait_reason("donor")
    for checker in (checkers[0], checkers[2]):
        checker.wait_rounds(3)
        assert checker.reason() == "available"


def test_global_sync_wait_does_not_delay_the_probe(cluster, daemon):
    """With it, SHOW STATUS itself waits for write-sets that a read lock holds up."""
    node, writer = cluster.node(1), cluster.node(2)
    checker = daemon(node)
    checker.wait_reason("available")
    writer.sql("CREATE TABLE IF NOT EXISTS mysql.behind (a INT) ENGINE=InnoDB")
    node.sql("SET GLOBAL wsrep_sync_wait=15")
    with node.session() as locker, node.session() as ordinary:
        locker.sql("SET SESSION wsrep_sync_wait=0")
        locker.sql("FLUSH TABLES WITH READ LOCK")
        writer.sql("INSERT INTO mysql.behind VALUES (1)")
        ordinary.send("SHOW STATUS LIKE 'wsrep_local_state'")
        fresh = daemon(node)  # logs in while the lock is held
        fresh.wait_reason("donor")  # what a node with that lock is
        for it in (checker, fresh):
            it.wait_rounds(5)
            assert it.status()["probe"]["duration_ms"] < 500
            assert it.reason() == "donor"
        where = f"WHERE id={ordinary.id} AND info LIKE 'SHOW STATUS%'"
        waiting = locker.sql(f"SELECT COUNT(*) FROM information_schema.processlist {where}")
        assert waiting == "1", "the trap is not armed: an ordinary session was not held up"
        locker.sql("UNLOCK TABLES")
    node.sql("SET GLOBAL wsrep_sync_wait=0")
    checker.wait_reason("available")
