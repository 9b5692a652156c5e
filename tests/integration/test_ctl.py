# SPDX-License-Identifier: GPL-2.0-or-later
"""clustercheckctl against a running daemon, and without one."""

import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from support.cluster import EXTRA_PORT, PASSWORD, USER
from support.daemon import Daemon
from support.haproxy import WithStanza
from support.http import ask
from support.process import Process, clean_environment, free_port
from support.programs import REPO, program
from support.scripted import ScriptedServer
from support.wait import until
from support.wire import Over, error_packet
from support.xinetd import Xinetd

COMPLETIONS = REPO / "scripts/completions"


def ctl(*arguments, env=None):
    return subprocess.run(
        [program("clustercheckctl"), *map(str, arguments)],
        env=clean_environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
    )


@pytest.fixture
def configured(tmp_path):
    """A configuration as a daemon would have it, that none runs with."""

    def make(server=None, sections=None):
        it = Daemon(tmp_path / "configured", server, sections)
        it.ini.chmod(0o640)
        return it

    return make


# ---- status, check-config, grants ----


def test_status_tells_the_reason(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    node.sql("SET GLOBAL wsrep_desync=ON")
    checker.wait_reason("donor")
    for named in (("--socket", checker.control), ("--config", checker.ini)):
        done = ctl(*named, "status")
        assert done.returncode == 0, done
        lines = done.stdout.splitlines()
        assert any(line.split()[:3] == ["/", "503", "donor"] for line in lines), done.stdout
        assert "available → donor" in done.stdout
        assert "\033" not in done.stdout


def test_status_as_json(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    done = ctl("--socket", checker.control, "status", "--json")
    assert json.loads(done.stdout)["endpoints"]["/"]["reason"] == "available"


def test_status_without_a_daemon(tmp_path):
    done = ctl("--socket", tmp_path / "absent.sock", "status")
    assert done.returncode == 3 and "absent.sock" in done.stderr


def test_watch_goes_on_without_the_daemon_and_ends_on_a_signal(daemon, running, tmp_path):
    checker = daemon()
    log = tmp_path / "watch"
    command = [program("clustercheckctl"), "-s", checker.control, "status", "--watch"]
    watch = running(Process(command, log))
    until(lambda: watch.log().count("\nendpoints\n") >= 2, "two screens")
    assert "\033" not in watch.log()
    checker.stop()
    until(lambda: "no daemon answers" in watch.log(), "word that the daemon is away")
    code, took = watch.stop(signal.SIGINT)
    assert code == 0 and took < 1


def on_a_terminal(*arguments, env=None, enough=lambda output: False):
    """What the command writes there until it ends; interrupted once that is enough."""
    terminal, its_end = pty.openpty()
    done = subprocess.Popen(
        ["timeout", "20", program("clustercheckctl"), *map(str, arguments)],
        env=clean_environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        stdout=its_end,
    )
    os.close(its_end)
    output = b""
    try:
        while part := os.read(terminal, 65536):
            output += part
            if enough(output):
                done.send_signal(signal.SIGINT)
    except OSError:  # how a terminal says that nobody writes any more
        pass
    os.close(terminal)
    done.wait()
    return output.decode()


def test_watch_redraws_a_terminal(daemon):
    clear = "\033[H\033[2J"
    twice = lambda output: output.count(clear.encode()) == 2 and output.endswith(b"\n")
    screens = on_a_terminal("-c", daemon().ini, "status", "--watch", enough=twice).split(clear)
    assert screens[0] == "" and len(screens) == 3
    assert all("endpoints" in screen for screen in screens[1:])


@pytest.mark.parametrize("command", ["status", "explain", "doctor"])
def test_colour_on_a_terminal_unless_unwanted(command, daemon):
    checker = daemon()
    asked = ("-c", checker.ini, command)
    assert "\033[" in on_a_terminal(*asked)
    assert "\033[" in on_a_terminal(*asked, env={"NO_COLOR": ""})
    assert "\033[" not in on_a_terminal(*asked, env={"NO_COLOR": "1"})
    assert "\033[" not in ctl(*asked).stdout


def test_check_config(daemon):
    checker = daemon()
    assert ctl("--config", checker.ini, "check-config").returncode == 0
    checker.ini.write_text("[policy]\ndonor=perhaps\n")
    done = ctl("--config", checker.ini, "check-config")
    assert done.returncode == 1 and f"{checker.ini}:2:" in done.stderr


@pytest.mark.parametrize("way", ["password", "socket"])
def test_grants_are_accepted_by_the_server_and_are_enough(node, daemon, way):
    user = "granted" if way == "password" else "root2"
    sql = ctl("grants", "--user", user, "--host", "localhost").stdout
    statements = [line for line in sql.splitlines() if not line.startswith("--")]
    if way == "socket":
        statements = [line[3:] for line in sql.splitlines() if line.endswith("VIA unix_socket;")]
    assert any(user in line for line in statements)
    with node.session() as session:
        session.sql("\n".join(statements))
        try:
            if way == "password":
                session.sql(f"ALTER USER {user}@localhost IDENTIFIED BY 'pw'")
                checker = daemon(node, {"mysql": {"user": user, "password": "pw"}})
                checker.wait_reason("available")
        finally:
            session.sql(f"DROP USER {user}@localhost")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("--nonsense", "status"),
        ("status", "more"),
        ("explain", "/", "/rw"),
        ("explain", "--json"),
        ("doctor", "--user", "x"),
        ("status", "--host", "x"),
        ("--socket",),
    ],
)
def test_wrong_usage_is_one_line_and_2(arguments):
    done = ctl(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr


# ---- explain ----


def rows(text):
    """(reason, passed | decides | not reached, values) by row, and what the mark stands at."""
    found, marked = [], []
    for line in text.splitlines():
        row = re.match(r"([> ]) (\S+) +(passed|decides|not reached) *(.*)", line)
        if row:
            found.append(row.groups()[1:])
            if row[1] == ">":
                marked.append(row[2])
    return found, marked


def assert_explains(done, reason, values, path="/"):
    assert done.returncode == 0, done
    found, marked = rows(done.stdout)
    names = [name for name, _, _ in found]
    assert len(names) == 26 and names[0] == "disabled" and names[-1] == "available"
    at = names.index(reason)
    assert marked == [reason], done.stdout
    words = [word for _, word, _ in found]
    assert words == ["passed"] * at + ["decides"] + ["not reached"] * (25 - at)
    for value in values:
        assert value in found[at][2], found[at]
    assert done.stdout.splitlines()[-1].startswith(f"{path}: "), done.stdout
    assert f" {reason}: " in done.stdout.splitlines()[-1]


STATES = {
    "available": (None, []),
    "donor": ("SET GLOBAL wsrep_desync=ON", ["wsrep_local_state=2", "policy donor=unavailable"]),
    "rejecting": ("SET GLOBAL wsrep_reject_queries=ALL", ["wsrep_reject_queries=ALL"]),
    "read-only": ("SET GLOBAL read_only=ON", ["read_only=", "policy read_only=unavailable"]),
}


@pytest.mark.parametrize("reason", STATES)
def test_explain_by_the_daemon_and_by_a_probe(reason, node, daemon):
    statement, values = STATES[reason]
    checker = daemon(node, {"policy": {"read_only": "unavailable"}})
    checker.wait_reason("available")
    if statement:
        node.sql(statement)
    checker.wait_reason(reason)
    asked = ctl("-c", checker.ini, "explain")
    assert asked.stdout.startswith(f"asked the daemon on {checker.control}, which probed ")
    assert_explains(asked, reason, values)
    checker.stop()
    probed = ctl("-c", checker.ini, "explain")
    assert probed.stdout.startswith(f"no daemon answers on {checker.control} (")
    assert "probed the server just now" in probed.stdout
    assert_explains(probed, reason, values)
    assert rows(probed.stdout)[1] == rows(asked.stdout)[1]


def test_explain_an_endpoint_with_its_policy(node, daemon):
    checker = daemon(node, {"endpoint /lenient": {"donor": "available"}})
    node.sql("SET GLOBAL wsrep_desync=ON")
    checker.wait_reason("donor")
    assert_explains(ctl("-c", checker.ini, "explain", "/rw"), "donor", [], "/rw")
    done = ctl("-c", checker.ini, "explain", "/lenient")
    assert_explains(done, "available", [], "/lenient")
    assert "policy donor=available" in done.stdout
    unknown = ctl("-c", checker.ini, "explain", "/absent")
    assert unknown.returncode == 2 and "/absent" in unknown.stderr


def test_explain_says_when_the_daemon_judges_otherwise(node, daemon):
    checker = daemon(node)
    node.sql("SET GLOBAL wsrep_desync=ON")
    checker.wait_reason("donor")
    assert "The daemon" not in ctl("-c", checker.ini, "explain").stdout
    checker.configure({"policy": {"donor": "available"}, "endpoint /fresh": {"donor": "auto"}})
    assert "The daemon itself says donor:" in ctl("-c", checker.ini, "explain").stdout
    assert "The daemon has no endpoint /fresh:" in ctl("-c", checker.ini, "explain", "/fresh").stdout


def test_explain_a_disabled_node(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    checker.legacy_file.touch()
    checker.wait_reason("disabled")
    assert_explains(ctl("-c", checker.ini, "explain"), "disabled", ["ordered: disable"])
    assert f"{checker.legacy_file} exists" in ctl("-c", checker.ini, "explain").stdout
    checker.stop()
    assert_explains(ctl("-c", checker.ini, "explain"), "disabled", ["ordered: disable"])


def test_explain_a_server_that_is_not_there(configured):
    checker = configured()
    done = ctl("-c", checker.ini, "explain")
    assert_explains(done, rows(done.stdout)[1][0], ["Can't connect"])
    assert rows(done.stdout)[1][0] in ("unreachable", "refused")


# ---- doctor ----


STATUSES = {"ok": 0, "note": 0, "warning": 1, "problem": 2}


def worst(findings):
    return max(STATUSES[level] for level, _ in findings)


def is_of_another_run(it, line):
    """The whole host is looked at; other tests may run on it."""
    process = re.match(r"the arguments of process (\d+) ", line)
    if process:
        return int(process[1]) not in [started.pid for started in Process.started]
    service = re.match(r"server_args in (\S+) ", line)
    return service and not service[1].startswith(str(it.directory.parent))


def examine(it, *options):
    """The exit status, and the findings as (level, line)."""
    done = ctl("-c", it.ini, *options, "doctor")
    assert done.stderr == ""
    findings = []
    for line in done.stdout.splitlines():
        level, _, rest = line.partition(" ")
        assert level in STATUSES, line
        findings.append((level, rest.strip()))
    assert done.returncode == worst(findings), done
    ours = [(level, line) for level, line in findings if not is_of_another_run(it, line)]
    return worst(ours), ours


def find(findings, level, words):
    return [line for its, line in findings if its == level and words in line]


def assert_found(it, level, words, remedy=None):
    _, findings = examine(it)
    found = find(findings, level, words)
    assert len(found) == 1, findings
    if level in ("warning", "problem"):
        assert " → " in found[0], found
    if remedy:
        assert remedy in found[0].partition(" → ")[2], found
    assert PASSWORD not in str(findings)
    return found[0]


@pytest.fixture
def healthy(node, daemon):
    """A daemon with a node and a balancer, of which the doctor has nothing to say."""
    it = daemon(node, {"mysql": {"extra_port": EXTRA_PORT}})
    it.ini.chmod(0o640)
    it.wait_reason("available")
    ask(it.address, "/rw")
    code, findings = examine(it)
    assert code == 0, findings
    return it


def test_doctor_has_nothing_to_say(healthy):
    _, findings = examine(healthy)
    for words in (
        f"configuration {healthy.ini}",
        "MariaDB 1",
        "/ /rw /ro available",
        "may not do more than it needs",
        "connections are taken",
        "answers, probed",
        "127.0.0.1 polls /rw",
        f"127.0.0.1:{healthy.port} is clustercheckd's (process {healthy.pid})",
    ):
        assert find(findings, "ok", words), (words, findings)


def secret_file(it, name, mode, content="pw\n"):
    path = it.directory / name
    path.write_text(content)
    path.chmod(mode)
    return path


def test_doctor_on_the_mode_of_the_configuration(healthy):
    healthy.ini.chmod(0o644)
    assert_found(healthy, "problem", "readable by everyone", f"chmod o-rwx {healthy.ini}")
    healthy.ini.chmod(0o666)
    assert_found(healthy, "problem", "writable by everyone", "chmod")


def test_doctor_on_a_configuration_without_a_secret(configured):
    it = configured(sections={"mysql": {"password": None}})
    it.ini.chmod(0o644)
    _, findings = examine(it)
    assert find(findings, "ok", str(it.ini))


def test_doctor_on_a_configuration_that_is_none(configured):
    it = configured()
    it.ini.write_text("[mysql]\ninterval=5\n")
    code, findings = examine(it)
    assert code == 2 and len(findings) == 1 and f"{it.ini}:2:" in findings[0][1]


@pytest.mark.parametrize(
    "mode, content, level, words",
    [
        (0o640, PASSWORD + "\n", "ok", "{} (mode 0640)"),
        (0o644, PASSWORD + "\n", "problem", "{} holds a secret and is readable by everyone"),
        (0o622, PASSWORD + "\n", "problem", "{} is writable by everyone"),
        (0o600, "", "warning", "{} is empty"),
        (None, None, "problem", "{}: No such file"),
    ],
)
def test_doctor_on_the_password_file(configured, mode, content, level, words):
    it = configured()
    path = it.directory / "password"
    if mode is not None:
        secret_file(it, "password", mode, content)
    it.configure({"mysql": {"password": None, "password_file": path}})
    assert_found(it, level, "password file " + words.format(path))


def test_doctor_on_the_defaults_file(configured):
    it = configured()
    path = secret_file(it, "my.cnf", 0o644, "[client]\nuser=x\n")
    it.configure({"mysql": {"defaults_file": path}})
    assert_found(it, "ok", "defaults file")
    path.write_text("[client]\n password = x\n")
    assert_found(it, "problem", f"defaults file {path} holds a secret")


def test_doctor_on_the_private_key(configured):
    it = configured()
    key = secret_file(it, "key.pem", 0o644)
    cert = secret_file(it, "cert.pem", 0o644)
    it.configure({"http": {"tls_key": key, "tls_cert": cert}})
    assert_found(it, "problem", f"private key {key}")
    assert_found(it, "ok", f"certificate {cert}")


def test_doctor_on_a_password_in_the_process_list(healthy, running, tmp_path):
    script = tmp_path / "clustercheck"
    script.write_text("#!/bin/sh\nsleep 60; :\n")
    script.chmod(0o755)
    shown = running(Process([script, "someone", "s3cret"], tmp_path / "script.log"))
    until(lambda: b"s3cret" in pathlib.Path(f"/proc/{shown.pid}/cmdline").read_bytes(), "arguments")
    found = assert_found(healthy, "problem", f"process {shown.pid} ", "password_file")
    assert "s3cret" not in found


def test_doctor_on_a_password_given_to_the_daemon(daemon):
    it = daemon(options=("-o", "mysql.password=s3cret"))
    assert "s3cret" not in assert_found(it, "problem", f"process {it.pid} (clustercheckd)")


def test_doctor_on_xinetd(configured, running, tmp_path):
    xinetd = running(Xinetd(tmp_path / "xinetd", ["someone", "s3cret"]))
    it = configured(sections={"http": {"listen": f"*:{xinetd.port}"}})
    words = f"*:{xinetd.port} is taken by xinetd (process {xinetd.pid})"
    assert_found(it, "problem", words, "disable --now xinetd")
    found = assert_found(it, "problem", "server_args in", "clustercheckd")
    assert str(tmp_path / "xinetd") in found and "s3cret" not in found


def call_it_xinetd(running, tmp_path, config, **options):
    """A process that claims to be xinetd with this configuration."""
    command = ["xinetd", "-c", "import time; time.sleep(60)", "-f", config]
    python = os.path.realpath(sys.executable)
    it = running(Process(command, tmp_path / "claimed.log", executable=python, **options))
    until(lambda: b"sleep" in pathlib.Path(f"/proc/{it.pid}/cmdline").read_bytes(), "arguments")


def test_doctor_does_not_wait_for_a_fifo(configured, running, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    call_it_xinetd(running, tmp_path, tmp_path / "fifo")
    examine(configured())


def test_doctor_reads_nothing_that_another_user_points_at(configured, running, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("takes root")
    config = tmp_path / "xinetd.conf"
    service = "service a\n{\nserver = /usr/bin/clustercheck\nserver_args = someone s3cret\n}\n"
    config.write_text(service)
    call_it_xinetd(running, tmp_path, config, user="nobody")
    assert not find(examine(configured())[1], "problem", "server_args in")
    call_it_xinetd(running, tmp_path, config)
    assert find(examine(configured())[1], "problem", "server_args in")
    os.chown(config, 65534, 65534)
    assert not find(examine(configured())[1], "problem", "server_args in")


def test_doctor_on_a_server_that_is_not_there(configured):
    assert_found(configured(), "problem", "the probe failed: ", "[mysql] socket")


def test_doctor_on_a_wrong_password(node, configured):
    it = configured(node, {"mysql": {"password": "wrong"}})
    assert_found(it, "problem", "the probe failed: access-denied", "clustercheckctl grants")


def test_doctor_on_a_login_that_only_the_daemon_has(node, daemon):
    env = {"CLUSTERCHECKD_MYSQL_PASSWORD": PASSWORD}
    it = daemon(node, {"mysql": {"password": "wrong", "extra_port": EXTRA_PORT}}, env=env)
    it.ini.chmod(0o640)
    it.wait_reason("available")
    ask(it.address)
    assert_found(it, "note", "the daemon logs in, but this command does not", "the daemon's user")
    assert_found(it, "ok", "/ /rw /ro available")
    assert examine(it)[0] == 0


def test_doctor_on_a_server_that_is_no_galera(standalone, configured):
    it = configured(standalone, {"mysql": {"user": "root", "password": None}})
    assert_found(it, "warning", "/ /rw /ro not available: not-galera", "clustercheckctl explain /")


@pytest.mark.parametrize(
    "grant, level, words",
    [
        ("GRANT USAGE ON *.* TO {}", "ok", "may not do more than it needs"),
        ("GRANT USAGE ON *.* TO {}", "note", "lacks PROCESS: drain --wait cannot tell"),
        ("GRANT ALL ON *.* TO {} WITH GRANT OPTION", "warning", "ALL PRIVILEGES, GRANT OPTION"),
        ("GRANT PROCESS, SUPER, RELOAD ON *.* TO {}", "warning", "needs: RELOAD, SUPER →"),
        ("GRANT SELECT ON mysql.* TO {}", "warning", "SELECT on `mysql`.*"),
        ("ALTER USER {} PASSWORD EXPIRE", "problem", "the probe failed: access-denied"),
        ("ALTER USER {} ACCOUNT LOCK", "problem", "the probe failed: access-denied"),
        ("ALTER USER {} WITH MAX_USER_CONNECTIONS 1", "problem", "MAX_USER_CONNECTIONS 1"),
        ("ALTER USER {} WITH MAX_QUERIES_PER_HOUR 500", "problem", "MAX_QUERIES_PER_HOUR 500"),
    ],
)
def test_doctor_on_privileges(node, configured, grant, level, words):
    account = "examined@localhost"
    with node.session() as session:
        session.sql(f"CREATE USER {account} IDENTIFIED BY 'pw'")
        try:
            session.sql(grant.format(account))
            it = configured(node, {"mysql": {"user": "examined", "password": "pw"}})
            assert_found(it, level, words)
        finally:
            session.sql(f"DROP USER {account}")


def test_doctor_on_an_account_as_grants_makes_it(healthy):
    assert not find(examine(healthy)[1], "note", "lacks PROCESS")


@pytest.mark.parametrize(
    "name, value, level",
    [
        ("wsrep_sync_wait", "1", "warning"),
        ("wsrep_sync_wait", "15", "warning"),
        ("wsrep_reject_queries", "ALL", "problem"),
        ("wsrep_sst_donor_rejects_queries", "ON", "warning"),
    ],
)
def test_doctor_on_wsrep_settings(node, healthy, name, value, level):
    node.sql(f"SET GLOBAL {name}={value}")
    assert_found(healthy, level, f"{name}={value}", f"SET GLOBAL {name}=")


def test_doctor_lets_a_harmless_sync_wait_pass(node, healthy):
    node.sql("SET GLOBAL wsrep_sync_wait=6")
    assert examine(healthy)[0] == 0


def test_doctor_does_not_wait_with_the_others(node, healthy):
    """Behind FLUSH TABLES WITH READ LOCK a session with wsrep_sync_wait waits for the applier."""
    node.sql("SET GLOBAL wsrep_sync_wait=15")
    with node.session() as session:
        session.sql("SET SESSION wsrep_sync_wait=0")
        session.sql("FLUSH TABLES WITH READ LOCK")
        began = time.monotonic()
        _, findings = examine(healthy)
        took = time.monotonic() - began
        session.sql("UNLOCK TABLES")
    assert find(findings, "warning", "wsrep_sync_wait=15") and took < 2


def test_doctor_on_a_blocking_donor(node, healthy):
    healthy.configure({"endpoint /lenient": {"donor": "available"}})
    assert_found(healthy, "warning", "/lenient has donor=available, but wsrep_sst_method=rsync")
    node.sql("SET GLOBAL wsrep_sst_method='mariabackup'")
    try:
        assert not find(examine(healthy)[1], "warning", "donor=available")
    finally:
        node.sql("SET GLOBAL wsrep_sst_method='rsync'")


def test_doctor_on_connections(node, healthy):
    healthy.configure({"mysql": {"socket": None, "host": node.host, "port": node.port}})
    sessions = [node.session() for _ in range(9)]
    try:
        node.sql("SET GLOBAL max_connections=10")
        full = assert_found(healthy, "warning", " of 10 connections are taken", "max_connections")
        assert int(full.split()[0]) >= 9
        while True:  # the daemon's own session is one of them
            try:
                sessions.append(node.session())
            except Exception:
                break
        crowded = assert_found(healthy, "warning", "a fresh login failed: too-many-connections")
        assert "extra_port" in crowded
        healthy.configure({"mysql": {"extra_port": None}})
        # The daemon has its connection and goes on: what this command cannot do is no problem.
        assert_found(healthy, "note", "the daemon logs in, but this command does not: Too many", "raise max_connections")
        healthy.stop()
        assert_found(healthy, "problem", "the probe failed: too-many-connections", "extra_port")
    finally:
        for session in sessions:
            session.close()


LIMIT_OF_THE_ACCOUNT = "User 'it' has exceeded the 'max_user_connections' resource (current value: 1)"


def refuse_after_the_first(server, count):
    """The account may have one session, and the server counts the last one for a while."""

    def deed(talk, payload):
        if 2 <= server.logins < 2 + count:
            talk.put(error_packet(1226, "42000", LIMIT_OF_THE_ACCOUNT))
            talk.flush()
            raise Over
        talk.put(payload)

    return deed


@pytest.mark.parametrize("refused", [0, 1, 5])
def test_doctor_waits_for_the_end_of_its_own_session(configured, refused):
    with ScriptedServer() as server:
        server.fault = ({"login"}, refuse_after_the_first(server, refused))
        _, findings = examine(configured(sections={"mysql": server.settings()}))
        assert server.logins == 2 + refused
        assert not [line for _, line in findings if "login failed" in line]


def test_doctor_on_a_second_login_that_is_refused(configured):
    with ScriptedServer() as server:
        server.fault = ({"login"}, refuse_after_the_first(server, 1_000_000))
        it = configured(sections={"mysql": server.settings()})
        assert_found(it, "warning", f"a second login failed: too-many-connections: {LIMIT_OF_THE_ACCOUNT}",
                     "MAX_USER_CONNECTIONS 0")


def test_doctor_on_a_session_too_few_beside_a_daemon(node, daemon):
    with node.session() as session:
        session.sql("CREATE USER one@localhost IDENTIFIED BY 'pw' WITH MAX_USER_CONNECTIONS 1")
        try:
            it = daemon(node, {"mysql": {"user": "one", "password": "pw"}})
            it.wait_reason("available")
            assert_found(it, "note", "this command does not: User 'one'", "MAX_USER_CONNECTIONS 0")
        finally:
            session.sql("DROP USER one@localhost")


def test_doctor_on_a_daemon_that_cannot_log_in(node, daemon):
    """As root the command may, and must not say that all is well."""
    it = daemon(node)
    it.wait_reason("available")
    it.reload({"mysql": {"password": "wrong"}})
    it.wait_reason("access-denied")
    it.configure({"mysql": {"password": PASSWORD}})
    assert_found(it, "problem", "this command logs in, but the daemon does not", "chgrp")
    assert_found(it, "problem", "the probe failed: access-denied")


def test_doctor_on_a_configuration_that_was_not_reloaded(healthy):
    healthy.configure({"policy": {"min_cluster_size": "9"}})
    assert_found(healthy, "warning", "the daemon judges / otherwise than", "reload")


def test_doctor_on_extra_port(healthy):
    healthy.configure({"mysql": {"extra_port": None}})
    found = assert_found(healthy, "note", f"the server has extra_port={EXTRA_PORT}")
    assert f"[mysql] extra_port={EXTRA_PORT}" in found
    healthy.configure({"mysql": {"extra_port": "1"}})
    assert_found(healthy, "warning", f"extra_port=1, but the server has {EXTRA_PORT}")


def test_doctor_on_the_legacy_file(healthy):
    healthy.legacy_file.touch()
    healthy.wait_reason("disabled")
    assert_found(healthy, "warning", f"disabled while {healthy.legacy_file} exists", "rm ")


def test_doctor_on_a_legacy_file_that_the_daemon_does_not_see(healthy, tmp_path):
    another = tmp_path / "another"
    another.touch()
    healthy.configure({"maintenance": {"legacy_file": another}})
    assert_found(healthy, "problem", f"{another} exists, but the daemon does not see it", "PrivateTmp")


def test_doctor_on_timing(healthy):
    healthy.configure({"mysql": {"timeout": "3s"}})
    assert_found(healthy, "warning", "max_age 2000 ms is less than", "max_age=3100ms")
    healthy.configure({"mysql": {"timeout": "1s", "interval": "500ms", "login_interval": "100ms"}})
    assert_found(healthy, "note", "login_interval is shorter")


def test_doctor_without_a_daemon(node, configured):
    it = configured(node)
    assert_found(it, "warning", f"no daemon answers on {it.control}", "systemctl start")
    assert_found(it, "ok", f"127.0.0.1:{it.port} is free")


def test_doctor_on_a_daemon_that_hangs(healthy):
    with healthy.frozen():
        assert_found(healthy, "warning", "no daemon answers on")


def test_doctor_on_a_port_that_another_holds(configured, running, tmp_path):
    it = configured()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", it.port]
    other = running(Process(command, tmp_path / "other.log"))
    name = pathlib.Path(f"/proc/{other.pid}/comm")
    until(lambda: not find(examine(it)[1], "ok", "is free"), "listening server")
    words = f"[http] listen 127.0.0.1:{it.port} is taken by {name.read_text().strip()}"
    assert f"process {other.pid}" in assert_found(it, "problem", words, "listen elsewhere")


def test_doctor_on_a_port_that_nobody_holds(healthy):
    port = free_port()
    healthy.configure({"agent": {"listen": f"127.0.0.1:{port}"}})
    assert_found(healthy, "warning", f"nothing listens on [agent] listen 127.0.0.1:{port}", "reload")


def test_doctor_on_balancers(node, daemon):
    it = daemon(node)
    it.ini.chmod(0o640)
    it.wait_rounds(1)
    assert_found(it, "warning", "no balancer polls", "clustercheckctl haproxy")
    headers = ["X-Haproxy-Server-State: UP 2/3; name=galera_rw/node1; node=lb1"]
    until(lambda: ask(it.address, "/rw", headers=headers).status == 200, "answer")
    found = assert_found(it, "ok", "127.0.0.1 polls /rw")
    assert "sees galera_rw/node1 as UP 2/3" in found


def test_doctor_as_another_user(healthy):
    """Who may not look says so, and does not take it for an absence."""
    if os.geteuid() != 0:
        pytest.skip("takes root")
    healthy.ini.chmod(0o644)
    command = shutil.copy(program("clustercheckctl"), healthy.directory)
    for path in [healthy.directory, *healthy.directory.parents]:
        if path.stat().st_uid == os.geteuid() and path != pathlib.Path("/tmp") and path != path.parent:
            path.chmod(path.stat().st_mode | 0o055)
    done = subprocess.run(
        [command, "-c", healthy.ini, "doctor"],
        env=clean_environment(),
        user="nobody",
        group="nogroup",
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert "Permission denied → run the doctor as root, or join the [control] group" in done.stdout
    assert f"127.0.0.1:{healthy.port} is taken by a process of user 0 → run the doctor as root" in done.stdout


# ---- haproxy ----


def stanza(it):
    done = ctl("-c", it.ini, "haproxy")
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout


def assert_haproxy_takes(text, path):
    path.write_text(text)
    done = subprocess.run(["haproxy", "-c", "-f", path], capture_output=True, text=True)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"agent": {"listen": "*:9201"}, "endpoint /ro": {"agent": "*:9202"}},
        {"http": {"listen": "[::]:9300,127.0.0.1:9301", "allow": "10.0.0.0/8"}},
        {"http": {"tls_cert": "/etc/hostname", "tls_key": "/etc/hostname"}},
    ],
)
def test_haproxy_takes_the_stanza(configured, sections, tmp_path):
    text = stanza(configured(sections=sections))
    assert text.count("192.0.2.") == 6 and "placeholders" in text
    assert_haproxy_takes(text, tmp_path / "haproxy.cfg")


def test_the_stanza_names_the_members(cluster, configured, daemon, tmp_path):
    it = configured(cluster.node(1))
    text = stanza(it)
    for node in cluster.nodes:
        assert text.count(f" {node.host}:{node.port} check") == 2
    assert text.count(" backup\n") == 2 and "placeholders" not in text
    assert_haproxy_takes(text, tmp_path / "haproxy.cfg")
    running = daemon(cluster.node(1))
    running.wait_reason("available")
    assert [line for line in stanza(running).splitlines() if " server " in line] == [
        line for line in text.splitlines() if " server " in line
    ]


def test_a_real_haproxy_with_the_stanza_reaches_the_node(node, daemon, running, tmp_path):
    port, agent = free_port(node.host), free_port(node.host)
    sections = {
        "http": {"listen": f"{node.host}:{port}"},
        "endpoint /rw": {"agent": f"{node.host}:{agent}"},
    }
    it = daemon(node, sections, address=(node.host, port))
    it.wait_reason("available")
    text = stanza(it)
    rw, ro = free_port(), free_port()
    text = text.replace("bind :3306", f"bind 127.0.0.1:{rw}").replace("bind :3307", f"bind 127.0.0.1:{ro}")
    balancer = running(WithStanza(tmp_path / "haproxy", text))

    def through(port):
        return subprocess.run(
            ["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(port), "-u", USER]
            + [f"-p{PASSWORD}", "-BNe", "SELECT @@wsrep_node_name"],
            capture_output=True,
            text=True,
        ).stdout.strip()

    name = node.sql("SELECT @@wsrep_node_name")
    until(lambda: through(rw) == name and through(ro) == name, "node behind the balancer")
    until(lambda: "127" in str(it.status()["pollers"]) and agents(it), "agent-check")
    until(lambda: codes(balancer) == {"200"}, "a check of both backends that ended in 200")


def codes(balancer):
    return {row["check_code"] for row in balancer.servers().values()}


def agents(it):
    return [poller for poller in it.status()["pollers"] if poller["via"] == "agent"]


# ---- completions ----


def bash_completes(name, *words):
    """What bash offers for these words, the last of which is being typed."""
    script = (
        f'source "{COMPLETIONS}/{name}.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        f"COMPREPLY=(); _{name}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    command = ["bash", "--norc", "-c", script, "bash", program(name), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return sorted(done.stdout.split())


def helped(name):
    return subprocess.run([program(name), "--help"], capture_output=True, text=True).stdout


def helped_options(name):
    return sorted(re.findall(r"^  (?:-\w,|   ) (--[a-z-]+)", helped(name), re.M))


def helped_commands():
    """Name and its own options, from the part before the options."""
    found = re.findall(r"^  ([a-z-]+)((?: \[.*\])?)$", helped("clustercheckctl"), re.M)
    assert len(found) >= 6
    return {name: re.findall(r"--[a-z-]+", arguments) for name, arguments in found}


def helped_keys():
    section, keys = None, []
    for line in helped("clustercheckd").splitlines():
        if line.startswith("["):
            section = line[1:-1] if " " not in line else None
        elif section and (key := re.match(r"  ([a-z_]+)=", line)):
            keys.append(f"{section}.{key[1]}=")
    assert len(keys) > 30
    return sorted(keys)


@pytest.mark.parametrize("name", ["clustercheckctl", "clustercheckd"])
def test_bash_completes_exactly_the_options(name):
    assert bash_completes(name, "--") == helped_options(name)
    assert bash_completes(name, "--c") == [word for word in helped_options(name) if word.startswith("--c")]


def test_bash_completes_exactly_the_commands():
    commands = helped_commands()
    assert bash_completes("clustercheckctl", "") == sorted(commands)
    for command, own in commands.items():
        common = ["--socket"] if command == "notify" else ["--config", "--socket"]
        expected = sorted([*common, *own])
        assert bash_completes("clustercheckctl", command, "--") == expected
        if command != "explain":
            assert bash_completes("clustercheckctl", "-c", "file", command, "") == []


def test_bash_completes_endpoints(configured):
    it = configured(sections={"endpoint /lenient": {"donor": "available"}})
    offered = bash_completes("clustercheckctl", "-c", str(it.ini), "explain", "/")
    assert offered == ["/", "/lenient", "/ro", "/rw"]


def test_bash_completes_keys():
    assert bash_completes("clustercheckd", "-o", "") == helped_keys()
    assert bash_completes("clustercheckd", "--option", "agent.") == ["agent.listen="]


def test_bash_completes_files(tmp_path):
    (tmp_path / "some.ini").touch()
    for name in ("clustercheckctl", "clustercheckd"):
        assert bash_completes(name, "-c", f"{tmp_path}/so") == [f"{tmp_path}/some.ini"]


@pytest.mark.parametrize("name", ["clustercheckctl", "clustercheckd"])
def test_zsh_is_told_the_same(name):
    text = (COMPLETIONS / f"_{name}").read_text()
    assert text.startswith(f"#compdef {name}\n")
    assert sorted(set(re.findall(r"--[a-z][a-z-]*(?=['}\[])", text))) == helped_options(name)
    if name == "clustercheckctl":
        assert sorted(re.findall(r"^\t\t'([a-z-]+):", text, re.M)) == sorted(helped_commands())
