# SPDX-License-Identifier: GPL-2.0-or-later
"""Header, JSON, metrics, agent-check, log, screen: one reason, the same everywhere."""

import contextlib
import json
import pathlib
import re
import statistics
import subprocess
import time

import jsonschema
import pytest

from support import http
from support.process import free_port
from support.programs import program
from support.wait import until

SCHEMA = json.loads((pathlib.Path(__file__).parent / "status.schema.json").read_text())

# What makes each reason a server can make, and what an agent-check then says.
STATES = {
    "available": ({}, {}, "up ready 100%"),
    "not-galera": ({}, {"wsrep_on": "OFF"}, None),
    "non-primary": ({"wsrep_cluster_status": "non-Primary"}, {}, None),
    "not-ready": ({"wsrep_ready": "OFF"}, {}, None),
    "maintenance": ({}, {"pxc_maint_mode": "MAINTENANCE"}, "up drain"),
    "rejecting": ({}, {"wsrep_reject_queries": "ALL"}, None),
    "joining": ({"wsrep_local_state": "1"}, {}, None),
    "joined": ({"wsrep_local_state": "3"}, {}, None),
    "donor": ({"wsrep_local_state": "2"}, {}, None),
    "initialized": ({"wsrep_local_state": "0"}, {}, None),
    "error": ({"wsrep_local_state": "5"}, {}, None),
    "read-only": ({}, {"read_only": "ON"}, None),
    "small-cluster": ({"wsrep_cluster_size": "1"}, {}, None),
    "recv-queue": ({"wsrep_local_recv_queue": "1001"}, {}, None),
}
ERRORS = {
    "access-denied": (1045, "28000", "Access denied for user 'x'@'y'"),
    "too-many-connections": (1040, "08004", "Too many connections"),
    "refused": (1053, "08S01", "Server shutdown in progress"),
    "protocol-error": (1064, "42000", "You have an error"),
    "not-ready": (1047, "08S01", "WSREP has not yet prepared node for application use"),
}
POLICY = {
    "read_only": "unavailable",
    "min_cluster_size": "2",
    "max_recv_queue": "1000",
    "saturated": "unavailable",
}


@pytest.fixture
def checker(server, daemon):
    agent = free_port()
    it = daemon(None, {
        "mysql": {**server.settings(), "interval": "50ms", "login_interval": "200ms"},
        "policy": POLICY,
        "agent": {"listen": f"127.0.0.1:{agent}"},
    })
    it.agent = ("127.0.0.1", agent)
    it.wait_reason("available")
    return it


def agent_word(checker):
    return http.exchange(checker.agent, b"agent\n").raw.decode()


def metric(checker, name, **labels):
    """The value of one series of /metrics, or None."""
    wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
    series = f"clustercheck_{name}{{{wanted}}}" if labels else f"clustercheck_{name}"
    for line in checker.ask("/metrics").body.decode().splitlines():
        if line.startswith(series + " "):
            return float(line.split(" ")[-1])
    return None


def assert_views_agree(checker, reason, agent=None, changed=True):
    answer = checker.wait_reason(reason)
    status = checker.status()
    jsonschema.validate(status, SCHEMA)
    judged = status["endpoints"]["/"]
    assert judged["reason"] == reason
    assert judged["http_status"] == answer.status
    assert judged["available"] == (reason == "available")
    assert metric(checker, "reason_info", endpoint="/", reason=reason) == 1
    assert metric(checker, "available", endpoint="/") == (reason == "available")
    assert agent_word(checker) == (agent or f"down #{reason}") + "\n"
    screen = ctl(checker, "status").stdout
    assert re.search(rf"^ +/ +{answer.status} {reason} ", screen, re.MULTILINE), screen
    if changed:
        assert status["history"][0]["new"] == status["history"][0]["reason"]
        assert re.search(rf" /: \S+ → {reason}[ ,]", checker.log())


def ctl(checker, *arguments):
    command = [program("clustercheckctl"), "-s", checker.control, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)


def test_every_state_of_a_server(server, checker):
    for reason, (status, variables, agent) in STATES.items():
        server.status.update(status)
        server.variables.update(variables)
        assert_views_agree(checker, reason, agent)
        server.heal()
        checker.wait_reason("available")


def test_every_failure_of_a_login(server, checker):
    for reason, error in ERRORS.items():
        server.login_error = error
        server.hang_up()
        assert_views_agree(checker, reason)
        server.heal()
        checker.wait_reason("available")


def test_a_fresh_login_that_fails(server, checker):
    server.login_error = ERRORS["access-denied"]
    assert_views_agree(checker, "login-failing")


def test_a_server_that_says_nothing(server, checker):
    checker.reload({"mysql": {"timeout": "100ms"}})
    checker.wait_reason("available")
    server.silent.set()
    assert_views_agree(checker, "timeout")
    server.heal()
    checker.wait_reason("available")


def patient(server, daemon, **policy):
    """A daemon whose timeout is far beyond max_age."""
    agent = free_port()
    it = daemon(None, {
        "mysql": {**server.settings(), "interval": "50ms", "timeout": "20s", "max_age": "300ms"},
        "policy": policy,
        "agent": {"listen": f"127.0.0.1:{agent}"},
    })
    it.agent = ("127.0.0.1", agent)
    return it


def test_nothing_probed_yet(server, daemon):
    server.silent.set()
    assert_views_agree(patient(server, daemon), "starting", changed=False)


def test_stale(server, daemon):
    checker = patient(server, daemon)
    checker.wait_reason("available")
    server.silent.set()
    answer = checker.wait_reason("stale")
    assert answer.status == 503
    until(lambda: " → stale" in checker.log(), "stale in the log")
    assert_views_agree(checker, "stale")
    server.heal()
    checker.wait_reason("available")


def test_no_server_at_all(server, checker):
    server.stop()
    assert_views_agree(checker, "refused")
    absent = checker.directory / "absent.sock"
    checker.reload({"mysql": {"host": None, "port": None, "socket": absent}})
    assert_views_agree(checker, "unreachable")


def test_flow_control_beyond_the_limit(server, daemon):
    class Paused(dict):
        """For all of the time, and on: the share stays at 1."""

        def __getitem__(self, name):
            if name == "wsrep_flow_control_paused_ns":
                return str(time.monotonic_ns())
            return super().__getitem__(name)

    server.status = Paused(server.status)
    checker = patient(server, daemon, max_flow_control="50%")
    assert_views_agree(checker, "flow-control")


def test_a_server_that_asks_for_a_file_does_not_get_it(server, checker, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the contents of a file of ours\n")
    server.wants_file = str(secret)
    server.hang_up()
    # Connector/C answers with nothing of the file's; libmysqlclient does not answer.
    assert checker.wait_reason("protocol-error").status == 503
    assert not any(b"contents" in packet for packet in server.heard)


def test_maintenance_is_a_404(server, checker):
    server.variables["pxc_maint_mode"] = "SHUTDOWN"
    answer = checker.wait_reason("maintenance")
    assert answer.status == 404
    assert checker.ask("/rw").status == 404


def test_disabled_by_the_legacy_file(checker):
    checker.legacy_file.write_text("")
    assert_views_agree(checker, "disabled")
    assert metric(checker, "maintenance", mode="disabled") == 1


def test_hostile_names(server, checker):
    """What a server calls itself is shown, and breaks nothing."""
    names = ['quo"te\\', "new\nline", "tab\t\x1b[31m", "smørrebrød 中文", "x" * 255, b"\xff\xfe".decode("utf-8", "surrogateescape")]
    for name in names:
        server.variables["wsrep_node_name"] = server.status["wsrep_local_state_comment"] = name
        checker.wait_rounds(2)
        assert checker.reason() == "available"
        status = checker.status()
        jsonschema.validate(status, SCHEMA)
        shown = status["node"]["name"]
        assert shown == name or "\udcff" in name
        screen = ctl(checker, "status").stdout
        assert "\x1b" not in screen and f"{name[:3]}" in screen or "\udcff" in name


def test_flow_control_is_a_share_of_the_time_between_two_readings(server, checker):
    readings = {"paused": 0}

    class Rising(dict):
        def __getitem__(self, name):
            if name == "wsrep_flow_control_paused_ns":
                return str(readings["paused"])
            return super().__getitem__(name)

    server.status = Rising(server.status)
    checker.wait_rounds(5)
    assert metric(checker, "galera_flow_control_paused_ratio") == 0
    readings["paused"] = 10**12
    checker.wait_rounds(3)
    facts = checker.status()["facts"]
    assert facts["flow_control_paused_10s"]["value"] == 1
    assert facts["flow_control_paused_10s"]["unit"] == "share"


def test_pollers_are_known_with_what_haproxy_thinks(checker):
    header = "X-Haproxy-Server-State: UP 2/3; name=bck/srv2; node=lb1; weight=1/2; scur=1/2; qcur=0"
    for _ in range(3):
        checker.ask("/rw", headers=(header,))
    poller = next(p for p in checker.status()["pollers"] if p["endpoint"] == "/rw")
    assert poller["address"] == "127.0.0.1" and poller["via"] == "http"
    assert poller["answers"] == 3 and poller["last_status"] == 200
    assert poller["haproxy"]["state"] == "UP 2/3"
    assert poller["haproxy"]["name"] == "bck/srv2"
    assert "sees bck/srv2 as UP 2/3" in ctl(checker, "status").stdout


def test_answers_are_counted(checker):
    before = metric(checker, "http_answers_total", endpoint="/ro", code="200") or 0
    for _ in range(5):
        checker.ask("/ro")
    assert metric(checker, "http_answers_total", endpoint="/ro", code="200") == before + 5
    checker.ask("/nonsense")
    assert metric(checker, "http_answers_total", endpoint="other", code="404") == 1


def test_history_keeps_256_changes(server, checker):
    for number in range(300):
        server.status["wsrep_local_state"] = "2" if number % 2 == 0 else "4"
        checker.wait_reason("donor" if number % 2 == 0 else "available")
        if checker.status()["history_total"] > 260:
            break
    whole = json.loads(checker.ask("/status?history=all").body)
    jsonschema.validate(whole, SCHEMA)
    assert len(whole["history"]) == 256
    bounded = checker.ask("/status").body
    assert len(bounded) < 16 * 1024
    assert 0 < len(json.loads(bounded)["history"]) < 256


def test_secrets_and_sql_never_appear(server, checker):
    server.login_error = ERRORS["protocol-error"]
    server.hang_up()
    checker.wait_reason("protocol-error")
    everything = checker.ask("/status").body + checker.ask("/metrics").body + checker.log().encode()
    for secret in (b"clustercheckpassword", b"SELECT", b"SHOW GLOBAL", b"@@"):
        assert secret not in everything


def test_status_and_metrics_are_quick_and_small(checker):
    """Under 1 ms and 16 KiB; the fastest of many, because the machine is shared."""
    for path in ("/status", "/metrics"):
        with http.Connection(checker.address) as connection:
            answers = [connection.ask(path) for _ in range(200)]
        assert max(len(answer.body) for answer in answers) < 16 * 1024
        assert min(answer.seconds for answer in answers) < 0.001


def readings(checker):
    """How often the status was asked for over TCP."""
    pollers = json.loads(http.ask(checker.control, "/status").body)["pollers"]
    return sum(each["answers"] for each in pollers if each["address"] != "unix" and each["endpoint"] == "/status")


@contextlib.contextmanager
def a_monitor(checker):
    """Reads the status over and over, from a process of its own."""
    url = "http://%s:%d/status#[1-10000000]" % checker.address
    before = readings(checker)
    with subprocess.Popen(["curl", "--silent", "--output", "/dev/null", url], stdin=subprocess.DEVNULL) as curl:
        try:
            until(lambda: readings(checker) > before, "readings")
            yield
        finally:
            curl.kill()


@pytest.mark.alone
def test_reading_the_status_does_not_slow_the_verdict(checker):
    """The verdict waits for a rendering or two at most, each of which takes less than 1 ms."""
    accompanied, alone = [], []
    with http.Connection(checker.address) as connection:
        for _ in range(5):
            with a_monitor(checker):
                before = readings(checker)
                accompanied += [connection.ask("/").seconds for _ in range(500)]
                assert readings(checker) > before + 50
            alone += [connection.ask("/").seconds for _ in range(500)]
    print(f"{statistics.median(accompanied) * 1e6:.0f} us, alone {statistics.median(alone) * 1e6:.0f} us")
    assert statistics.median(accompanied) < statistics.median(alone) + 0.002
