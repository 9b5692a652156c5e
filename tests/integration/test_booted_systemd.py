# SPDX-License-Identifier: GPL-2.0-or-later
"""The units in a really booted systemd: sandbox, watchdog, credentials, both kinds of socket."""

import json
import os
import pathlib
import re
import shutil
import signal
import time

import pytest

from support import booted, http
from support.programs import BUILD
from support.wait import until

ROOT = pathlib.Path(os.environ.get("CLUSTERCHECKD_BOOTED_ROOT", BUILD / "booted-root"))

DAEMON = "clustercheckd.service"
DAEMON_SOCKET = "clustercheckd.socket"
CHECK_SOCKET = "clustercheck.socket"
CHECK = "clustercheck@.service"
LEGACY_FILE = "/var/tmp/clustercheck.disabled"
CREDENTIAL = "/etc/credstore/clustercheckd.mysql-password"
SLOW_DATABASE = "/etc/systemd/system/mariadb.service"
# A blank before ; or # would be refused in an ini file.
USER, PASSWORD = "bootedcheck", "a s3cret; with#odd = signs"

NOT_SYNCED = b"Percona XtraDB Cluster Node is not synced.\r\n"
DISABLED = b"Percona XtraDB Cluster Node is manually disabled.\r\n"

# The first run makes the machine with debootstrap.
pytestmark = pytest.mark.timeout(600)


# ---- the machine, one for the whole file ----


@pytest.fixture(scope="module")
def database(request):
    """A Synced node on the host; its socket is the machine's /run/mysqld/mysqld.sock."""
    if not shutil.which("mariadbd"):
        return None
    cluster = request.getfixturevalue("cluster_of_one")
    cluster.heal()
    node = cluster.node(1)
    node.sql(f"CREATE OR REPLACE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}'")
    return node


def require(database):
    if database is None:
        pytest.skip("mariadbd is not installed")


@pytest.fixture(scope="module")
def booted_machine(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("booted")
    try:
        booted.require_host()
        root = booted.root_prepare(ROOT)
        booted.staging_prepare(BUILD, directory / "staging", root)
        database = request.getfixturevalue("database")
        binds = [f"{database.directory}:/run/mysqld"] if database else []
        machine = booted.Machine(root, directory / "staging", directory, binds)
        machine.start()
    except booted.Unavailable as why:
        booted.leave_out("BOOTED SYSTEMD", why)
    try:
        machine.install()
        machine.ini = configuration_file(machine)
        machine.run("cp", "-p", machine.ini, f"{machine.ini}.as-installed")
        yield machine
    finally:
        code, left = machine.stop(), machine.leftovers()
    assert code == 0, f"power-off: systemd-nspawn exited with {code}"
    assert left == [], f"left on the host: {left}"


def configuration_file(machine):
    """Its place depends on the prefix of the build."""
    return re.search(r"read FILE instead of (\S+)", machine.out("clustercheckd", "--help"))[1]


@pytest.fixture
def machine(booted_machine):
    """The machine as installed, our units stopped; a failing test shows the journal."""
    since = time.time()
    yield booted_machine
    print(booted_machine.journal(since=since))
    failed = booted_machine.out("systemctl", "list-units", "--failed", "--no-legend", "--plain")
    reset(booted_machine)
    assert failed == ""


def reset(machine):
    machine.run("systemctl", "stop", DAEMON_SOCKET, CHECK_SOCKET, DAEMON)
    for unit in (DAEMON, CHECK):
        machine.remove(f"/etc/systemd/system/{unit}.d")
    machine.run("cp", "-pf", f"{machine.ini}.as-installed", machine.ini)
    for path in (CREDENTIAL, LEGACY_FILE, SLOW_DATABASE, "/root/password", "/tmp/mysql.sock"):
        machine.remove(path)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "reset-failed")


def dropin(machine, unit, text):
    machine.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
    machine.run("systemctl", "daemon-reload")


def ask(machine, host="127.0.0.1"):
    """One check on a connection of its own, as a balancer in the machine would make it."""
    return machine.network.call(http.ask, (host, 9200))


def is_whole(answer):
    """Not cut short, and no reset after it."""
    length = answer.headers.get("content-length", "none")
    return answer.ended == "fin" and length == str(len(answer.body))


def main_pid(machine):
    return int(machine.show(DAEMON, "MainPID")["MainPID"])


def host_pid(machine, inner):
    """The host's number for a process of the machine."""
    namespace = os.readlink(f"/proc/{machine.leader}/ns/pid")
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/pid") != namespace:
                continue
            status = (process / "status").read_text()
        except OSError:
            continue  # gone meanwhile
        if int(re.search(r"^NSpid:.*\s(\d+)$", status, re.M)[1]) == inner:
            return int(process.name)
    raise AssertionError(f"no process {inner} in the machine")


def start_daemon(machine):
    machine.run("systemctl", "start", DAEMON)
    return main_pid(machine)


def await_answer(machine, is_it, what, seconds=5.0):
    """The first answer that is wanted; until the daemon listens there is none."""

    def wanted():
        try:
            answer = ask(machine)
        except ConnectionRefusedError:
            return None
        return answer if is_it(answer) else None

    return until(wanted, what, seconds, 0.02)


def await_503(machine):
    return await_answer(machine, lambda answer: answer.status == 503, "503")


def await_reason(machine, reason):
    return await_answer(machine, lambda answer: answer.reason == reason, f"reason {reason}")


def restarts(machine):
    return int(machine.show(DAEMON, "NRestarts")["NRestarts"])


def state(machine, unit):
    return machine.show(unit, "ActiveState")["ActiveState"]


# ---- the files ----


def test_units_verify_without_a_word(machine):
    units = (DAEMON, DAEMON_SOCKET, CHECK_SOCKET, "clustercheck@1.service")
    result = machine.run("systemd-analyze", "verify", "--man=no", *units)
    assert result.stdout + result.stderr == ""


def test_exposure_is_at_most_1_5(machine):
    result = machine.run("systemd-analyze", "security", "--threshold=15", DAEMON, check=False)
    assert result.returncode == 0, result.stdout
    print(result.stdout.splitlines()[-1])


def test_account_and_directories(machine):
    entry = machine.out("getent", "passwd", "clustercheckd").split(":")
    assert entry[6].endswith("nologin") and int(entry[2]) < 1000
    assert owner(machine, os.path.dirname(machine.ini)) == "750 root clustercheckd"
    assert owner(machine, machine.ini) == "640 root clustercheckd"
    start_daemon(machine)
    assert owner(machine, "/run/clustercheckd") == "755 clustercheckd clustercheckd"
    assert owner(machine, "/var/lib/clustercheckd") == "755 clustercheckd clustercheckd"


def owner(machine, path):
    return machine.out("stat", "-c", "%a %U %G", path)


# ---- the daemon by itself ----


def test_answers_503_without_a_database(machine):
    dropin_without_database(machine)
    start_daemon(machine)
    answer = await_reason(machine, "unreachable")
    assert (answer.status, answer.body) == (503, NOT_SYNCED)
    assert ask(machine, "::1").status == 503


def dropin_without_database(machine):
    dropin(machine, DAEMON, "[Service]\nInaccessiblePaths=-/run/mysqld\n")


def test_answers_while_the_database_is_still_starting(machine):
    service = "[Service]\nType=notify\nTimeoutStartSec=infinity\nExecStart=/bin/sleep infinity\n"
    machine.write(SLOW_DATABASE, service)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "--no-block", "mariadb.service", DAEMON)
    try:
        await_503(machine)
        assert state(machine, "mariadb.service") == "activating"
    finally:
        machine.run("systemctl", "stop", "mariadb.service")


def test_legacy_file_works_through_the_sandbox(machine):
    dropin_without_database(machine)
    start_daemon(machine)
    await_reason(machine, "unreachable")
    for _ in range(2):  # created and removed while the service runs, more than once
        machine.run("touch", LEGACY_FILE)
        assert await_reason(machine, "disabled").body == DISABLED
        machine.run("rm", LEGACY_FILE)
        await_reason(machine, "unreachable")
    machine.run("touch", LEGACY_FILE)
    machine.run("systemctl", "restart", DAEMON)
    await_reason(machine, "disabled")


def test_changes_stand_in_the_journal_with_their_fields(machine):
    dropin_without_database(machine)
    start_daemon(machine)
    await_reason(machine, "unreachable")
    machine.run("touch", LEGACY_FILE)
    await_reason(machine, "disabled")

    def entry():
        match = ("CLUSTERCHECK_REASON=disabled", "CLUSTERCHECK_ENDPOINT=/")
        lines = machine.out("journalctl", "--quiet", "--output=json", *match).splitlines()
        return json.loads(lines[-1]) if lines else None

    found = until(entry, "change in the journal")
    assert found["CLUSTERCHECK_OLD"] == "unreachable"
    assert "maintenance none→disabled" in found["CLUSTERCHECK_CHANGED"]
    assert int(found["CLUSTERCHECK_HELD_MS"]) >= 0
    assert found["PRIORITY"] == "6" and "/: unreachable → disabled" in found["MESSAGE"]
    assert found["_SYSTEMD_UNIT"] == DAEMON


def test_sandbox_holds(machine):
    inner = start_daemon(machine)
    status = pathlib.Path(f"/proc/{host_pid(machine, inner)}/status").read_text()
    assert re.search(r"^CapBnd:\s+0+$", status, re.M) and re.search(r"^CapEff:\s+0+$", status, re.M)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.M)
    assert re.search(r"^Seccomp:\s+2$", status, re.M)
    mounts = pathlib.Path(f"/proc/{host_pid(machine, inner)}/mountinfo").read_text().splitlines()
    options = {fields[4]: fields[5].split(",") for fields in map(str.split, mounts)}
    assert "ro" in options["/"] and "rw" in options["/run/clustercheckd"]
    assert "rw" in options["/var/lib/clustercheckd"]


def test_control_socket_answers_root(machine):
    start_daemon(machine)
    place = machine.path("/run/clustercheckd/control.sock")
    assert place.is_socket()
    assert http.ask(place).headers["x-clustercheck-reason"]


def test_control_socket_is_given_to_a_group(machine):
    machine.write(machine.ini, "[control]\ngroup = operator\n")
    dropin(machine, DAEMON, "[Service]\nSupplementaryGroups=operator\n")
    start_daemon(machine)
    assert owner(machine, "/run/clustercheckd/control.sock") == "660 clustercheckd operator"


def test_notified_by_and_running_as_the_servers_account(machine):
    """What clustercheckd(8) says to do for a status file, which only that account can read."""
    if machine.run("id", "mysql", check=False).returncode != 0:
        machine.run("useradd", "--system", "mysql")
    machine.run("install", "-d", "-o", "mysql", "/run/server", "/var/lib/mysql")
    machine.write("/run/server/status", '{"status":{"state":"JOINING","comment":"Receiving SST"}}')
    machine.run("chown", "mysql", "/run/server/status")
    machine.run("chmod", "0600", "/run/server/status")
    text = "[mysql]\nsocket = /run/absent.sock\ninterval = 10s\nmax_age = 60s\n"
    machine.write(machine.ini, f"{text}[notify]\nstatus_file = /run/server/status\n")
    start_daemon(machine)
    await_reason(machine, "unreachable")
    assert "status: Permission denied" in machine.journal(f"_SYSTEMD_UNIT={DAEMON}")
    dropin(machine, DAEMON, "[Service]\nUser=mysql\nInaccessiblePaths=-/var/lib/mysql\n")
    machine.run("systemctl", "restart", DAEMON)
    await_reason(machine, "joining")
    assert owner(machine, "/run/clustercheckd/notify.sock") == "666 mysql clustercheckd"

    machine.run("chmod", "0000", machine.ini)
    as_server = ("setpriv", "--reuid=mysql", "--regid=mysql", "--clear-groups")
    before = ask(machine).headers["x-clustercheck-probed"]
    told = machine.run(*as_server, "clustercheckctl", "notify", "--status", "Joined")
    assert told.stdout == "" and told.stderr == ""
    changed = lambda answer: answer.headers["x-clustercheck-probed"] != before
    await_answer(machine, changed, "probe after a notification", 2)


def test_reload_keeps_the_process_and_fails_aloud_on_a_bad_file(machine):
    inner = start_daemon(machine)
    machine.write(machine.ini, "[policy]\ndialect = galera\n")
    machine.run("systemctl", "reload", DAEMON)
    await_answer(machine, lambda answer: answer.body.startswith(b"Galera"), "the other dialect")
    machine.write(machine.ini, "[policy]\ndialect = martian\n")
    assert machine.run("systemctl", "reload", DAEMON, check=False).returncode != 0
    assert ask(machine).body.startswith(b"Galera")
    assert main_pid(machine) == inner
    assert state(machine, DAEMON) == "active"


def test_a_bad_file_at_start_is_tried_again_for_ever(machine):
    machine.write(machine.ini, "[policy]\ndialect = martian\n")
    machine.run("systemctl", "start", "--no-block", DAEMON)
    until(lambda: restarts(machine) >= 6, "six restarts", 20, 0.1)  # systemd's own limit is five
    machine.write(machine.ini, "[policy]\ndialect = galera\n")
    await_503(machine)


def test_stop_takes_less_than_two_seconds(machine):
    start_daemon(machine)
    began = time.monotonic()
    machine.run("systemctl", "stop", DAEMON)
    assert time.monotonic() - began < 2
    shown = machine.show(DAEMON, "ActiveState", "Result", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}


def test_killed_daemon_comes_back(machine):
    inner = start_daemon(machine)
    os.kill(host_pid(machine, inner), signal.SIGKILL)
    until(lambda: main_pid(machine) not in (0, inner), "a new process")
    await_503(machine)


def test_watchdog_replaces_a_stopped_daemon(machine):
    dropin(machine, DAEMON, "[Service]\nWatchdogSec=1s\n")
    inner = start_daemon(machine)
    time.sleep(2.5)  # two and a half periods: the daemon does feed it
    assert main_pid(machine) == inner
    os.kill(host_pid(machine, inner), signal.SIGSTOP)
    until(lambda: main_pid(machine) not in (0, inner), "a new process")
    await_503(machine)
    assert "Watchdog timeout" in machine.journal("--unit", DAEMON)


# ---- the daemon and its password ----


@pytest.mark.parametrize("how", ["credstore", "dropin"])
def test_password_from_a_credential(machine, database, how):
    require(database)
    if how == "credstore":
        machine.write(CREDENTIAL, PASSWORD + "\n", 0o600)
    else:
        machine.write("/root/password", PASSWORD + "\n", 0o600)
        dropin(machine, DAEMON, "[Service]\nLoadCredential=mysql-password:/root/password\n")
    machine.write(machine.ini, f"[mysql]\nuser = {USER}\n")
    inner = start_daemon(machine)
    assert await_reason(machine, "available").status == 200
    environment = pathlib.Path(f"/proc/{host_pid(machine, inner)}/environ").read_bytes()
    assert PASSWORD.encode() not in environment
    assert PASSWORD not in machine.journal("--unit", DAEMON)


def test_no_credential_is_no_obstacle(machine, database):
    require(database)
    start_daemon(machine)
    assert await_reason(machine, "access-denied").status == 503


def test_database_socket_in_tmp(machine, database):
    require(database)
    machine.write(CREDENTIAL, PASSWORD, 0o600)
    machine.run("ln", "-s", "/run/mysqld/mysqld.sock", "/tmp/mysql.sock")
    machine.write(machine.ini, f"[mysql]\nuser = {USER}\nsocket = /tmp/mysql.sock\n")
    start_daemon(machine)
    await_reason(machine, "available")


# ---- clustercheckd.socket ----


def test_first_check_starts_the_daemon(machine):
    machine.run("systemctl", "start", DAEMON_SOCKET)
    assert state(machine, DAEMON) == "inactive"
    answer = ask(machine)
    assert answer.status == 503 and is_whole(answer)
    assert state(machine, DAEMON) == "active"


def test_restart_behind_the_socket_loses_no_check(machine):
    machine.run("systemctl", "start", DAEMON_SOCKET, DAEMON)
    finished = []
    callers = [machine.network.submit(ask_until, finished) for _ in range(4)]
    try:
        for _ in range(20):
            machine.run("systemctl", "restart", DAEMON)
    finally:
        finished.append(True)
    outcomes = [outcome for caller in callers for outcome in caller.result()]
    lost = [outcome for outcome in outcomes if outcome is not True]
    assert len(outcomes) > 200 and lost == [], f"{len(lost)} of {len(outcomes)}"


def ask_until(finished):
    """True for each whole answer, else what came instead."""
    outcomes = []
    while not finished:
        try:
            answer = http.ask(("127.0.0.1", 9200))
            outcomes.append(is_whole(answer) or answer)
        except OSError as error:
            outcomes.append(error)
    return outcomes


def test_daemon_that_cannot_start_keeps_the_socket(machine):
    machine.write(machine.ini, "[policy]\ndialect = martian\n")
    machine.run("systemctl", "start", DAEMON_SOCKET)
    waiting = machine.network.submit(lambda: http.ask(("127.0.0.1", 9200), timeout=30))
    until(lambda: restarts(machine) >= 3, "three restarts", 20, 0.1)
    assert state(machine, DAEMON_SOCKET) == "active"
    machine.write(machine.ini, "")
    assert waiting.result().status == 503


def test_the_two_sockets_take_turns(machine):
    machine.run("systemctl", "start", CHECK_SOCKET)
    machine.run("systemctl", "start", DAEMON_SOCKET)
    assert state(machine, CHECK_SOCKET) == "inactive"
    machine.run("systemctl", "start", CHECK_SOCKET)
    assert state(machine, DAEMON_SOCKET) == "inactive"


# ---- clustercheck.socket ----


def test_a_burst_of_one_shot_checks_leaves_no_trace(machine):
    dropin(machine, CHECK, "[Service]\nInaccessiblePaths=-/run/mysqld\n")
    machine.run("systemctl", "start", CHECK_SOCKET)
    since = time.time()
    checks = [machine.network.submit(http.ask, ("127.0.0.1", 9200)) for _ in range(200)]
    answers = [check.result() for check in checks]
    assert {(answer.status, answer.body) for answer in answers} == {(503, NOT_SYNCED)}
    assert all(is_whole(answer) for answer in answers)
    units = ("systemctl", "list-units", "--all", "--no-legend", "--plain", "clustercheck@*")
    until(lambda: machine.out(*units) == "", "no instance left")
    assert machine.out("systemctl", "list-units", "--failed", "--no-legend") == ""
    shown = machine.show(CHECK_SOCKET, "ActiveState", "NAccepted", "NRefused")
    assert shown == {"ActiveState": "active", "NAccepted": "200", "NRefused": "0"}
    noise = machine.journal(since=since).splitlines()
    assert len(noise) < 10, "\n".join(noise[:20])


def test_one_shot_check_knows_the_legacy_file_and_the_node(machine, database):
    machine.run("systemctl", "start", CHECK_SOCKET)
    machine.run("touch", LEGACY_FILE)
    assert ask(machine).body == DISABLED
    machine.run("rm", LEGACY_FILE)
    require(database)
    machine.write(machine.ini, f"[mysql]\nuser = {USER}\npassword = {PASSWORD}\n")
    assert ask(machine).status == 200
