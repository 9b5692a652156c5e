# SPDX-License-Identifier: GPL-2.0-or-later
"""clustercheckd-drain.service in a really booted systemd, beside Debian's mariadb.service."""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import threading
import time

import pytest

from support import booted, booted_mariadb, http
from support.cluster import PASSWORD, USER
from support.programs import BUILD
from support.wait import until

ROOT = pathlib.Path(os.environ.get("CLUSTERCHECKD_BOOTED_ROOT", BUILD / "booted-root"))

DRAIN = "clustercheckd-drain.service"
DAEMON = "clustercheckd.service"
SERVER = booted_mariadb.UNIT
OVERRIDE = f"/etc/systemd/system/{DRAIN}"
INI = f"""\
[mysql]
socket = {booted_mariadb.SOCKET}
user = {USER}
password = {PASSWORD}
interval = 100ms
"""

# The first run makes the machine with debootstrap.
pytestmark = pytest.mark.timeout(600)


# ---- the machine, and a balancer in it ----


class Balancer:
    """Asks as HAProxy would, ten times a second, and keeps what was answered at each change."""

    def __init__(self, machine):
        self.machine, self.ending = machine, threading.Event()
        self.seen = []  # (status, reason)
        self.polling = machine.network.submit(self.poll)

    def poll(self):
        while not self.ending.wait(0.1):
            try:
                answer = http.ask(("127.0.0.1", 9200), "/", method="OPTIONS")
                now = answer.status, answer.reason
            except (OSError, LookupError):  # nobody there, or gone before the answer was whole
                now = 0, "none"
            if not self.seen or self.seen[-1] != now:
                self.seen.append(now)

    def wait(self, status, reason, seconds=20):
        wanted = status, reason
        try:
            until(lambda: self.seen and self.seen[-1] == wanted, f"{wanted}", seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}; the balancer saw {self.seen}") from None

    def stop(self):
        self.ending.set()
        self.polling.result()


class Boot:
    """A booted machine with server, daemon, drain unit and balancer, all running."""

    def __init__(self, staging, root, directory):
        # On the host, so that it can be read when the machine is off.
        self.journals = directory / "journal"
        self.journals.mkdir()
        binds = [f"{self.journals}:/var/log/journal"]
        self.machine = booted.Machine(root, staging, directory, bind=binds)
        self.machine.start()
        self.balancer = None
        try:
            self.prepare()
        except BaseException:
            self.stop()
            raise

    def prepare(self):
        machine = self.machine
        machine.install()
        booted_mariadb.install(machine)
        ini = re.search(r"read FILE instead of (\S+)", machine.out("clustercheckd", "--help"))[1]
        machine.path(ini).write_text(INI)
        machine.run("systemctl", "enable", DAEMON, DRAIN)
        machine.run("systemctl", "start", DAEMON, SERVER, timeout=120)
        self.balancer = Balancer(machine)
        self.balancer.wait(200, "available")
        until(lambda: active(machine, DRAIN) == "active", "started drain unit")

    def stop(self):
        if self.balancer:
            if self.machine.nspawn.poll() is None:
                override(self.machine, timeout="1s", stop="5s")
            self.balancer.stop()
        code, left = self.machine.stop(), self.machine.leftovers()
        assert left == [], f"left on the host: {left}"
        return code


@pytest.fixture(scope="module")
def staging(request, tmp_path_factory):
    """What is installed into each machine; with the root directory it goes into."""
    try:
        booted.require_host()
        booted_mariadb.require_host()
        root = booted.root_prepare(ROOT)
    except booted.Unavailable as why:
        booted.leave_out("DRAIN UNIT", why)
    template = request.getfixturevalue("cluster_of_one").directory / "template"
    place = tmp_path_factory.mktemp("drain") / "staging"
    booted.staging_prepare(BUILD, place, root)
    booted_mariadb.staging_prepare(place, root, template)
    return place, root


def boot(staging, directory):
    try:
        return Boot(*staging, directory)
    except booted.Unavailable as why:
        booted.leave_out("DRAIN UNIT", why)


@pytest.fixture(scope="module")
def booted_node(staging, tmp_path_factory):
    node = boot(staging, tmp_path_factory.mktemp("node"))
    yield node
    assert node.stop() == 0


@pytest.fixture
def node(booted_node):
    """Server, daemon and drain unit run, the balancer sees 200; a failing test shows the journal."""
    node, machine = booted_node, booted_node.machine
    since = time.time()
    machine.remove(OVERRIDE)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", DAEMON, SERVER, DRAIN, timeout=120)
    machine.run("clustercheckctl", "enable")
    node.balancer.wait(200, "available")
    node.balancer.seen[:] = [(200, "available")]
    node.since = since
    yield node
    print("the balancer saw", node.balancer.seen)
    print(machine.journal("_COMM=clustercheckd", "+", "_COMM=systemd", "+", "_COMM=clustercheckctl", since=since))


def override(machine, timeout, stop):
    """The unit as installed, with other limits."""
    text = machine.out("systemctl", "cat", DRAIN).replace("--timeout 60s", f"--timeout {timeout}")
    machine.write(OVERRIDE, re.sub(r"(?m)^TimeoutStopSec=.*", f"TimeoutStopSec={stop}", text))
    machine.run("systemctl", "daemon-reload")


def active(machine, unit):
    return machine.show(unit, "ActiveState")["ActiveState"]


def in_background(function, *arguments, **options):
    outcome = concurrent.futures.Future()

    def run():
        try:
            outcome.set_result(function(*arguments, **options))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome


def systemctl(machine, *words):
    """Seconds that it took."""
    began = time.monotonic()
    machine.run("systemctl", *words, timeout=120)
    return time.monotonic() - began


def messages(journals, since, *command):
    options = ["--quiet", "--all", "--output=json", f"--since=@{since:.6f}"]
    shown = subprocess.run(
        [*command, "journalctl", *options, *journals], check=True, capture_output=True, text=True
    )
    return [str(json.loads(line).get("MESSAGE")) for line in shown.stdout.splitlines()]


def assert_in_order(found, *wanted):
    """Each of these texts in a message, and one after the other."""
    rest = iter(enumerate(found))
    for text in wanted:
        if not any(text in message for _, message in rest):
            shown = (message for message in found if "[Note]" not in message)  # the server's
            raise AssertionError(f"no {text!r} in its place in\n" + "\n".join(shown))


def host_journal(node):
    return messages([f"--directory={node.journals}"], node.since)


# ---- the file ----


def test_unit_verifies_without_a_word(node):
    result = node.machine.run("systemd-analyze", "verify", "--man=no", DRAIN)
    assert result.stdout + result.stderr == ""


def test_exposure_is_at_most_1(node):
    result = node.machine.run("systemd-analyze", "security", "--threshold=10", DRAIN, check=False)
    assert result.returncode == 0, result.stdout


# ---- restart and stop ----


@pytest.mark.parametrize("name", [SERVER, "mysql.service"])  # the latter is Debian's alias
def test_restart_drains_waits_and_gives_back(node, name):
    machine, before = node.machine, booted_mariadb.main_pid(node.machine)
    with booted_mariadb.session(machine) as session:
        session.sql("CREATE DATABASE IF NOT EXISTS shop")
        session.sql("CREATE OR REPLACE TABLE shop.orders (number INT PRIMARY KEY)")
        session.sql("BEGIN")
        session.sql("INSERT INTO shop.orders VALUES (1)")
        restart = in_background(systemctl, machine, "restart", name)
        node.balancer.wait(404, "draining")
        session.sql("INSERT INTO shop.orders VALUES (2)")
        session.sql("COMMIT")
        assert booted_mariadb.main_pid(machine) == before and not restart.done()
    restart.result(60)
    assert booted_mariadb.main_pid(machine) != before
    node.balancer.wait(200, "available")
    assert node.balancer.seen[:2] == [(200, "available"), (404, "draining")]
    with booted_mariadb.session(machine) as session:
        assert session.sql("SELECT COUNT(*) FROM shop.orders") == "2"
    assert_in_order(
        host_journal(node),
        "/: available → draining",
        f"Stopping {SERVER}",
        f"Stopped {SERVER}",
        f"Started {SERVER}",
        "→ available",
    )


def test_stop_leaves_the_node_drained_and_start_gives_it_back(node):
    systemctl(node.machine, "stop", SERVER)
    assert active(node.machine, DRAIN) == "inactive"
    node.balancer.wait(404, "draining")
    systemctl(node.machine, "start", SERVER)
    node.balancer.wait(200, "available")
    assert active(node.machine, DRAIN) == "active"


def test_daemon_and_unit_as_the_servers_account(node):
    """As clustercheckd(8) has it for a status file: both, or the daemon would not obey the unit."""
    machine, users = node.machine, f"/etc/systemd/system/%s.d/user.conf"
    try:
        for unit in (DAEMON, DRAIN):
            machine.write(users % unit, "[Service]\nUser=mysql\n")
        machine.run("systemctl", "daemon-reload")
        systemctl(machine, "restart", DAEMON)
        node.balancer.wait(200, "available")
        systemctl(machine, "stop", SERVER)
        node.balancer.wait(404, "draining")
        systemctl(machine, "start", SERVER)
        node.balancer.wait(200, "available")
        assert_in_order(host_journal(node), "/: available → draining", f"Stopping {SERVER}")
    finally:
        for unit in (DAEMON, DRAIN):
            machine.remove(users % unit)
        machine.run("systemctl", "daemon-reload")
        systemctl(machine, "restart", DAEMON)


# ---- what must not stand in the way ----


def test_session_that_never_ends_holds_the_stop_up_for_the_timeout_only(node):
    override(node.machine, timeout="2s", stop="30s")
    with booted_mariadb.session(node.machine):
        took = systemctl(node.machine, "stop", SERVER)
    assert 2 <= took < 15
    assert active(node.machine, SERVER) == "inactive"


def test_hung_daemon_holds_the_stop_up_for_the_limit_only(node):
    machine = node.machine
    override(machine, timeout="60s", stop="3s")
    machine.run("systemctl", "kill", "--signal=STOP", DAEMON)
    took = systemctl(machine, "stop", SERVER)
    machine.run("systemctl", "kill", "--signal=CONT", DAEMON)
    assert took < 20
    assert active(machine, SERVER) == "inactive"


def test_without_a_daemon_the_server_stops_and_starts(node):
    machine = node.machine
    systemctl(machine, "stop", DAEMON)
    assert systemctl(machine, "stop", SERVER) < 15
    systemctl(machine, "start", DAEMON)
    node.balancer.wait(404, "draining")
    systemctl(machine, "start", SERVER)
    node.balancer.wait(200, "available")


def test_without_a_daemon_the_start_gives_back_what_the_stop_drained(node):
    machine = node.machine
    systemctl(machine, "stop", SERVER)
    systemctl(machine, "stop", DAEMON)
    systemctl(machine, "start", SERVER)
    until(lambda: active(machine, DRAIN) == "active", "started drain unit")
    systemctl(machine, "start", DAEMON)
    node.balancer.wait(200, "available")
    assert (404, "draining") in node.balancer.seen
    last = [seen for seen in node.balancer.seen if seen[0] == 0][-1]
    assert (404, "draining") not in node.balancer.seen[node.balancer.seen.index(last):]


def test_stopping_the_daemon_leaves_the_server_alone(node):
    machine, before = node.machine, booted_mariadb.main_pid(node.machine)
    systemctl(machine, "restart", DAEMON)
    systemctl(machine, "stop", DAEMON)
    assert (active(machine, SERVER), active(machine, DRAIN)) == ("active", "active")
    assert booted_mariadb.main_pid(machine) == before


# ---- whose order it is ----


@pytest.mark.parametrize("command, answer", [("disable", (503, "disabled")), ("drain", (404, "draining"))])
def test_an_operators_order_survives_a_restart(node, command, answer):
    machine = node.machine
    machine.run("clustercheckctl", command, "--reason", "new disk")
    node.balancer.wait(*answer)
    systemctl(machine, "restart", SERVER)
    until(lambda: active(machine, DRAIN) == "active", "started drain unit")
    assert "new disk" in machine.out("clustercheckctl", "status")
    assert node.balancer.seen == [(200, "available"), answer]
    machine.run("clustercheckctl", "enable")
    node.balancer.wait(200, "available")


def test_killed_server_is_started_again_without_waiting_for_anybody(node):
    """There is nothing left to drain; and a balancer that is away would hold the start up."""
    machine, before = node.machine, booted_mariadb.main_pid(node.machine)
    machine.run("systemctl", "kill", "--signal=KILL", SERVER)
    until(lambda: booted_mariadb.main_pid(machine) not in (0, before), "new server", 30)
    node.balancer.wait(200, "available")
    until(lambda: active(machine, DRAIN) == "active", "started drain unit")
    assert "draining" not in {reason for _, reason in node.balancer.seen}


# ---- the host ----


@pytest.fixture
def host(staging, tmp_path):
    """A node of its own, which the test powers off."""
    node = boot(staging, tmp_path)
    node.since = time.time()
    yield node
    assert node.stop() == 0


def test_shutdown_of_the_host_drains_first(host):
    session = booted_mariadb.session(host.machine)
    off = in_background(host.machine.run, "systemctl", "poweroff", check=False)
    host.balancer.wait(404, "draining")
    assert session.sql("SELECT 1") == "1"
    session.close()
    off.result(60)
    host.machine.nspawn.wait(60)
    assert_in_order(
        host_journal(host),
        "/: available → draining",
        f"Stopped {DRAIN}",
        f"Stopping {SERVER}",
        f"Stopped {SERVER}",
    )
    assert_in_order(host_journal(host), f"Stopped {DRAIN}", f"Stopped {DAEMON}")


def test_shutdown_of_the_host_does_not_wait_for_ever(host):
    override(host.machine, timeout="2s", stop="30s")
    with booted_mariadb.session(host.machine):
        began = time.monotonic()
        host.machine.run("systemctl", "poweroff", check=False)
        host.machine.nspawn.wait(90)
        took = time.monotonic() - began
    assert 2 <= took < 40
    assert_in_order(host_journal(host), "/: available → draining", f"Stopped {SERVER}")
