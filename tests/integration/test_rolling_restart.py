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
from support.haproxy import HAProxy, WithStanza
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
            [*command, "--pause", "0.02", "--report", self.report_path],
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

    def __init__(self, daemons, balancer, application, backend=""):
        self.nodes = list(daemons)
        self.daemons = {node.name: checker for node, checker in daemons.items()}
        self.balancer, self.application = balancer, application
        self.backend = backend  # as the balancer's names of the nodes begin

    def begin(self, running):
        self.nodes[0].sql(application.SCHEMA)
        for node in self.nodes:
            self.wait_up(node)
        running(self.application)
        self.application.wait_committed(200)
        return self

    def wait_up(self, node):
        self.daemons[node.name].wait_reason("available", "/rw", 40)
        self.balancer.wait(self.backend + node.name, "UP", "200", seconds=40)

    def balancers_view(self, node):
        return self.balancer.checked(self.backend + node.name)[0]

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
        assert self.balancers_view(node) == "NOLB"
        yield
        self.ctl(node, "enable", "--wait", "--timeout", "40s")
        assert self.balancers_view(node) == "UP"

    @contextlib.contextmanager
    def undrained(self, node):
        yield
        self.wait_up(node)

    def finish(self):
        """The application's whole account."""
        self.application.stop(seconds=40)
        return self.application.report()


@pytest.fixture
def site(cluster, daemon, running, tmp_path):
    """Every node takes writes."""
    daemons = {node: daemon(node) for node in cluster.nodes}
    address = ("127.0.0.1", free_port())
    servers = {node.name: ((node.host, node.port), it.address) for node, it in daemons.items()}
    balancer = running(HAProxy(tmp_path / "haproxy", BACKEND, servers, SERVERS, address))
    return Site(daemons, balancer, Application(tmp_path, address)).begin(running)


@pytest.fixture
def site_with_stanza(cluster, daemon, running, tmp_path):
    """As `clustercheckctl haproxy` prints it: one node takes writes, the others stand by."""
    port = free_port(cluster.node(1).host)
    daemons = {}
    for node in cluster.nodes:
        sections = {"http": {"listen": f"{node.host}:{port}"}}
        daemons[node] = daemon(node, sections, address=(node.host, port))
    command = [program("clustercheckctl"), "-c", daemons[cluster.node(1)].ini, "haproxy"]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
    rw, ro = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
    text = done.stdout.replace("bind :3306", f"bind {rw[0]}:{rw[1]}")
    text = text.replace("bind :3307", f"bind {ro[0]}:{ro[1]}")
    balancer = running(WithStanza(tmp_path / "haproxy", text))
    return Site(daemons, balancer, Application(tmp_path, rw), "galera_rw/").begin(running)


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
    seen = donor.error_log.stat().st_size
    joiner.tool("wipe")
    with donor_of(joiner, donor):
        joiner.start()
    with open(donor.error_log, errors="replace") as log:
        log.seek(seen)
        assert "Shifting SYNCED -> DONOR/DESYNCED" in log.read()


@contextlib.contextmanager
def donor_of(joiner, donor):
    setting = joiner.directory / "extra.cnf"
    setting.write_text(f"[mariadbd]\nwsrep_sst_donor={donor.name}\n")
    yield
    setting.write_text("")


def rows(node):
    return int(node.sql("SET SESSION wsrep_sync_wait=1; SELECT COUNT(*) FROM shop.orders"))


def test_planned_work_fails_no_transaction(site):
    work(site, site.drained)
    site.application.wait_committed(TRANSACTIONS)
    report = site.finish()
    print(report)
    assert report["failed"] == 0, report["failures"] + site.balancer.cut()
    assert report["committed"] >= TRANSACTIONS
    assert [rows(node) for node in site.nodes] == [report["committed"]] * 3


def test_the_same_work_without_drain_fails_transactions(site):
    """So the test above can fail."""
    work(site, site.undrained)
    report = site.finish()
    print(report)
    assert report["failed"] > 0


def test_the_printed_stanza_lets_the_writer_be_restarted(site_with_stanza):
    """The writers go to another node, and come back while sessions there go on. The donor is the one
    that takes no writes: of another the balancer would end the sessions."""
    site = site_with_stanza
    writer, _, donor = site.nodes
    with site.drained(writer), donor_of(writer, donor):
        writer.stop()
        writer.start()
    site.application.wait_committed(site.application.report()["committed"] + 500)
    report = site.finish()
    print(report)
    assert report["failed"] == 0, report["failures"] + site.balancer.cut()
    assert len(report["nodes"]) == 2 and donor.name not in report["nodes"]


def test_the_application_ends_with_who_started_it(tmp_path):
    """Killed tests and demonstrations leave no traffic behind."""
    report = tmp_path / "report.json"
    command = f"{sys.executable} {application.__file__} 127.0.0.1:1 --report {report} & wait"
    with subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL, start_new_session=True) as starter:
        until(report.exists, "a report")
        starter.kill()
    until(lambda: json.loads(report.read_text()).get("ended"), "the application's end")
