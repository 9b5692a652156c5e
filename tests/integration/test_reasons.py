# SPDX-License-Identifier: GPL-2.0-or-later
"""Every reason one running node can be brought to show, and how soon it is seen."""

import statistics
import time

import pytest

from support import http
from support.answers import assert_verdict
from support.wait import until

NEARLY = 0.050  # the allowance of "interval + 50 ms"
BUSY_MACHINE = 0.250  # for the worst of several, on a machine shared with other work


def test_synced_node_is_available(node, daemon):
    checker = daemon(node)
    assert_verdict(checker.wait_reason("available"), "available", state="Synced")


def test_desync_is_donor(node, daemon):
    checker = daemon(node, {"endpoint /lenient": {"donor": "available"}})
    checker.wait_reason("available")
    node.sql("SET GLOBAL wsrep_desync=ON")
    assert_verdict(checker.wait_reason("donor"), "donor", state="Donor/Desynced")
    assert_verdict(checker.ask("/lenient"), "available", state="Donor/Desynced")
    assert_verdict(checker.ask("/rw"), "donor")
    node.sql("SET GLOBAL wsrep_desync=OFF")
    assert_verdict(checker.wait_reason("available"), "available", state="Synced")


def test_donor_auto_minds_a_blocking_method(node, daemon):
    """rsync blocks the donor, and the cluster is not one of two."""
    checker = daemon(node)
    checker.wait_reason("available", "/ro")
    node.sql("SET GLOBAL wsrep_desync=ON")
    checker.wait_reason("donor", "/ro")
    node.sql("SET GLOBAL wsrep_sst_method='mariabackup'")
    try:
        checker.wait_reason("available", "/ro")
        assert checker.reason() == "donor"
        node.sql("SET GLOBAL wsrep_sst_donor_rejects_queries=ON")
        checker.wait_reason("donor", "/ro")
    finally:
        node.sql("SET GLOBAL wsrep_sst_method='rsync'")


@pytest.mark.alone
@pytest.mark.parametrize("interval", [0.1, 0.5])
def test_a_change_is_answered_within_the_interval(node, daemon, interval):
    checker = daemon(node, {"mysql": {"interval": f"{interval * 1000:.0f}ms"}})
    checker.wait_reason("available")
    took = []
    with node.session() as session:
        for reject, reason in [("ALL", "rejecting"), ("NONE", "available")] * 4:
            session.sql(f"SET GLOBAL wsrep_reject_queries={reject}")
            took.append(checker.seconds_to_reason(reason))
    print("detected after", [f"{seconds * 1000:.0f} ms" for seconds in took])
    assert statistics.median(took) <= interval + NEARLY
    assert max(took) <= interval + BUSY_MACHINE


def test_rejected_queries(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    assert_verdict(checker.wait_reason("rejecting"), "rejecting", state="Synced")


def test_rejected_and_killed_queries(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    with node.session() as session:
        session.send("SET GLOBAL wsrep_reject_queries=ALL_KILL")
        assert_verdict(checker.wait_reason("rejecting"), "rejecting")


def test_read_only_by_policy(node, daemon):
    checker = daemon(node, {"endpoint /strict": {"read_only": "unavailable", "donor": "available"}})
    checker.wait_reason("available")
    node.sql("SET GLOBAL read_only=ON")
    assert_verdict(checker.wait_reason("read-only", "/rw"), "read-only", state="Synced")
    assert_verdict(checker.ask("/strict"), "read-only")
    assert_verdict(checker.ask("/"), "available")
    assert_verdict(checker.ask("/ro"), "available")
    node.sql("SET GLOBAL read_only=OFF")
    checker.wait_reason("available", "/rw")


@pytest.mark.parametrize("dialect", ["percona", "pxc", "galera"])
def test_dialects(node, daemon, dialect):
    policy = {"dialect": dialect, "read_only": "unavailable"}
    checker = daemon(node, {"policy": policy})
    assert_verdict(checker.wait_reason("available"), "available", dialect)
    node.sql("SET GLOBAL read_only=ON")
    assert_verdict(checker.wait_reason("read-only"), "read-only", dialect)
    node.sql("SET GLOBAL wsrep_desync=ON")
    assert_verdict(checker.wait_reason("donor"), "donor", dialect)
    checker.legacy_file.touch()
    assert_verdict(checker.wait_reason("disabled"), "disabled", dialect)


def test_legacy_file_disables(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    checker.legacy_file.touch()
    assert_verdict(checker.wait_reason("disabled"), "disabled")
    checker.legacy_file.unlink()
    assert_verdict(checker.wait_reason("available"), "available")


def test_legacy_file_works_without_a_database(daemon):
    checker = daemon()
    checker.wait_reason("unreachable")
    checker.legacy_file.touch()
    assert_verdict(checker.wait_reason("disabled"), "disabled")


def test_limits_of_the_cluster(node, daemon):
    checker = daemon(node, {"endpoint /three": {"min_cluster_size": "3"}})
    checker.wait_reason("available")
    assert_verdict(checker.ask("/three"), "small-cluster", state="Synced")


def test_server_that_is_no_galera_node(standalone, daemon):
    checker = daemon(standalone)
    assert_verdict(checker.wait_reason("not-galera"), "not-galera")


def test_all_answers_tell_the_same(node, daemon):
    """TCP, the control socket, and the JSON behind both."""
    checker = daemon(node)
    checker.wait_reason("available")
    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    checker.wait_reason("rejecting")
    over_unix = http.ask(checker.control)
    assert (over_unix.status, over_unix.reason) == (503, "rejecting")
    told = checker.status()["endpoints"]["/"]
    assert (told["http_status"], told["reason"], told["available"]) == (503, "rejecting", False)


def test_the_log_tells_each_change_once(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    node.sql("SET GLOBAL wsrep_desync=ON")
    checker.wait_reason("donor")
    checker.wait_rounds(3)
    lines = [line for line in checker.log().splitlines() if " /: " in line]
    changes = [line for line in lines if "available → donor" in line]
    assert len(changes) == 1 and "wsrep_local_state 4→2" in changes[0], lines


def test_stamp_moves_with_every_round(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    first = checker.probed()
    until(lambda: checker.probed() > first, "a later X-Clustercheck-Probed")
    told = time.strptime(checker.probed()[:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(time.mktime(told) - time.mktime(time.gmtime())) < 5
