# SPDX-License-Identifier: GPL-2.0-or-later
"""Planned work under traffic: with drain and enable no transaction fails, without them some do."""

import contextlib
import json
import shutil
import subprocess
import sys
import time

import pytest

from support import application
from support.haproxy import HAProxy
from support.process import Process, clean_environment, free_port
from support.programs import program
from support.wait import until

pytestmark = [
    pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed"),
    pytest.mark.timeout(300),
]

TRANSACTIONS = 10_000
BACKEND = [
    "option httpchk OPTIONS /rw",
    "http-check disable-on-404",
    "option redispatch",
    "retries 3",
    "timeout server 1m",
]
# Not on-marked-down shutdown-sessions: it would cut the sessions of a healthy node that is a donor, for
# a second, while its neighbour rejoins.
SERVERS = "inter 200ms fall 2 rise 2"


class Application(Process):
    """The workers, in a process of their own."""

    def __init__(self, directory, address):
        self.report_path = directory / "report.json"
        command = [sys.executable, application.__file__, f"{address[0]}:{address[1]}"]
        super().__init__(
            [*command, "--pause", "0.01", "--report", self.report_path],
            directory / "application.log",
        )

    def report(self):
        """Up to half a second old; of an ended one, final."""
        if not self.report_path.exists():
            return {"committed": 0, "failed": 0, "failures": []}
        return json.loads(self.report_path.read_text())

    def wait_committed(self, count, seconds=120):
        until(lambda: self.report()["committed"] >= count, f"{count} transactions", seconds, 0.1)


class Site:
    """Three nodes, their daemons, a balancer and an application that writes and reads behind it."""

    def __init__(self, cluster, daemon, running, directory):
        self.cluster, self.nodes = cluster, cluster.nodes
        self.daemons = {node.name: daemon(node) for node in self.nodes}
        for checker in self.daemons.values():
            checker.wait_reason("available", "/rw")
        cluster.node(1).sql(application.SCHEMA)
        address = ("127.0.0.1", free_port())
        servers = {
            node.name: ((node.host, node.port), self.daemons[node.name].address)
            for node in self.nodes
        }
        self.balancer = running(
            HAProxy(directory / "haproxy", BACKEND, servers, SERVERS, address)
        )
        for node in self.nodes:
            self.balancer.wait(node.name, "UP", "200")
        self.application = running(Application(directory, address))
        self.application.wait_committed(200)

    def ctl(self, node, *words):
        command = [program("clustercheckctl"), "-s", self.daemons[node.name].control, *words]
        began = time.monotonic()
        done = subprocess.run(
            [str(word) for word in command],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        print(f"{node.name} {' '.join(words)}: {time.monotonic() - began:.1f} s\n{done.stdout}{done.stderr}")
        assert done.returncode == 0, f"{words} on {node.name}: {done}"

    @contextlib.contextmanager
    def drained(self, node):
        self.ctl(node, "drain", "--wait", "--no-sessions", "--timeout", "40s", "--reason", "test")
        assert self.balancer.checked(node.name)[0] == "NOLB"
        yield
        self.ctl(node, "enable", "--wait", "--timeout", "40s")
        assert self.balancer.checked(node.name)[0] == "UP"

    @contextlib.contextmanager
    def undrained(self, node):
        yield
        self.daemons[node.name].wait_reason("available", "/rw", 40)
        self.balancer.wait(node.name, "UP", "200", seconds=40)

    def finish(self):
        """The application's whole account."""
        self.application.stop(seconds=40)
        return self.application.report()


@pytest.fixture
def site(cluster, daemon, running, tmp_path):
    return Site(cluster, daemon, running, tmp_path)


def work(site, taken_out):
    """Restarts every node, has one read-only for a while, gives one its data anew."""
    for node in site.nodes:
        with taken_out(node):
            node.stop()
            node.start()
    donor, joiner = site.nodes[1:]
    with taken_out(donor):
        donor.sql("SET GLOBAL read_only=ON")
        donor.sql("SET GLOBAL read_only=OFF")
    with taken_out(joiner):
        joiner.stop()
        with taken_out(donor):
            transfer_state(donor, joiner)


def transfer_state(donor, joiner):
    """By rsync, while which the donor blocks."""
    setting = joiner.directory / "extra.cnf"
    seen = donor.error_log.stat().st_size
    joiner.tool("wipe")
    setting.write_text(f"[mariadbd]\nwsrep_sst_donor={donor.name}\n")
    try:
        joiner.start()
    finally:
        setting.write_text("")
    with open(donor.error_log, errors="replace") as log:
        log.seek(seen)
        assert "Shifting SYNCED -> DONOR/DESYNCED" in log.read()


def rows(node):
    return int(node.sql("SET SESSION wsrep_sync_wait=1; SELECT COUNT(*) FROM shop.orders"))


def test_planned_work_fails_no_transaction(site):
    work(site, site.drained)
    site.application.wait_committed(TRANSACTIONS)
    report = site.finish()
    print(report)
    assert report["failed"] == 0, report["failures"]
    assert report["committed"] >= TRANSACTIONS
    assert [rows(node) for node in site.nodes] == [report["committed"]] * 3


def test_the_same_work_without_drain_fails_transactions(site):
    """So the test above can fail."""
    work(site, site.undrained)
    report = site.finish()
    print(report)
    assert report["failed"] > 0
