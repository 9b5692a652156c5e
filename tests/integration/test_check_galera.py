# SPDX-License-Identifier: GPL-2.0-or-later
"""check_galera as monitoring hosts run it: states, the line, performance data, and real Nagios."""

import dataclasses
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from support.cluster import PASSWORD, USER
from support.process import Process, clean_environment, free_port
from support.programs import REPO, program, sanitizer_lines
from support.wait import until

OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
VALUE = re.compile(r"^(\w+)=(-?[0-9.]+)(|s|ms|%|B|c);([^; ]*);([^; ]*);([-0-9.]*);([-0-9.]*)$")
BUSY_MACHINE = 0.5


@dataclasses.dataclass
class Result:
    state: int
    output: str
    seconds: float

    @property
    def line(self):
        return self.output.split("\n")[0]

    @property
    def text(self):
        return self.line.partition(" | ")[0]

    @property
    def long_output(self):
        return self.output.split("\n")[1:-1]

    @property
    def performance(self):
        """By label: (value, unit, warning, critical, min, max), each as the guidelines want it."""
        words = self.line.partition(" | ")[2].split()
        matches = [VALUE.match(word) for word in words]
        assert all(matches), self.line
        return {match[1]: match.groups()[1:] for match in matches}


def check(*arguments, timeout=15):
    began = time.monotonic()
    done = subprocess.run(
        [program("check_galera"), *map(str, arguments)],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert sanitizer_lines(done.stderr) == [] and done.stderr == "", done.stderr
    result = Result(done.returncode, done.stdout, time.monotonic() - began)
    if "-h" not in arguments and "-V" not in arguments:
        assert result.line.startswith(f"GALERA {WORDS[result.state]} - "), done
        assert done.stdout.endswith("\n") and done.stdout.count("|") <= 1, done
    return result


@pytest.fixture(scope="module")
def password_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("account") / "password"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def account(password_file):
    return ["-u", USER, "--password-file", password_file]


@pytest.fixture
def database(node, account):
    """check_galera against the node's socket."""
    return lambda *arguments: check("-s", node.socket, *account, *arguments)


def url(daemon, path="/"):
    return f"http://127.0.0.1:{daemon.port}{path}"


# ---- who is asked ----


def test_the_database(database):
    result = database()
    assert (result.state, result.text) == (
        OK,
        "GALERA OK - node1 is Synced, 1 member, receive queue 0, flow control 0%",
    )
    assert result.performance["size"] == ("1", "", "", "", "0", "")
    assert result.performance["flow_control"] == ("0", "%", "", "", "0", "100")
    assert result.performance["last_committed"][1] == "c"
    assert result.performance["probe_time"][1] == "s"


def test_the_database_over_tcp(node, account):
    assert check("-H", node.host, "-P", node.port, *account).state == OK


def test_localhost_is_the_socket(node, account, tmp_path):
    config = tmp_path / "check.ini"
    config.write_text(f"[mysql]\nsocket={node.socket}\n[maintenance]\nlegacy_file={tmp_path}/no\n")
    arguments = ["--config", config, "-H", "localhost", "-P", "1", *account]
    assert check(*arguments).state == OK
    (tmp_path / "no").touch()
    assert "disabled" in check(*arguments).text


def test_the_account_of_an_option_file(node, tmp_path):
    option_file = tmp_path / "my.cnf"
    option_file.write_text(f"[client]\nuser={USER}\npassword={PASSWORD}\nsocket={node.socket}\n")
    option_file.chmod(0o600)
    assert check("-d", option_file, "-s", node.socket).state == OK
    assert check("--defaults-file", option_file).state == OK
    assert check(f"--defaults-file={option_file}", "-u", "nobody").text.startswith(
        "GALERA CRITICAL - access-denied: "
    )


def test_the_daemon(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    checker.wait_rounds(3)
    over_tcp = check("--url", url(checker))
    over_socket = check("--control", checker.control)
    expected = "GALERA OK - node1 is Synced, 1 member, receive queue 0, flow control 0%"
    assert (over_tcp.state, over_tcp.text) == (OK, expected)
    assert (over_socket.state, over_socket.text) == (OK, expected)
    assert over_tcp.performance.keys() == over_socket.performance.keys()
    assert check(f"--control={checker.control}").text == expected
    configured = check("--config", checker.ini, "--control")
    assert configured.text == expected


def test_the_daemon_is_asked_without_a_login(node, daemon):
    checker = daemon(node, {"mysql": {"login_interval": "1h"}})
    checker.wait_reason("available")
    before = int(node.status("Connections"))
    for _ in range(5):
        check("--url", url(checker))
        check("--control", checker.control)
    # each look at the status is a connection, too
    assert int(node.status("Connections")) - before == 1


def test_endpoints(node, daemon):
    checker = daemon(node, {"endpoint /three": {"min_cluster_size": "3"}})
    checker.wait_reason("available")
    assert check("--url", url(checker, "")).state == OK
    assert check("--url", f"http://localhost:{checker.port}").state == OK
    assert check("--url", url(checker, "/status")).state == OK
    for arguments in (
        ["--url", url(checker, "/three")],
        ["--url", url(checker), "--endpoint", "/three"],
        ["--control", checker.control, "--endpoint", "/three"],
        ["--config", checker.ini, "--endpoint", "/three"],  # the daemon's policy and account
    ):
        result = check(*arguments)
        assert result.state == CRITICAL
        assert result.text.startswith("GALERA CRITICAL - small-cluster: "), result
    result = check("--url", url(checker, "/four"))
    assert result.state == UNKNOWN and "has no endpoint /four" in result.text


# ---- states: the same word from everyone who is asked ----


def test_reasons_are_those_of_the_verdict(node, daemon, database):
    checker = daemon(node, {"policy": {"read_only": "unavailable"}})
    ini = ["--config", checker.ini]

    def assert_all(reason, state):
        checker.wait_reason(reason)
        for result in (
            check("--url", url(checker)),
            check("--control", checker.control),
            check(*ini),
        ):
            assert result.state == state, result
            if reason != "available":
                assert result.text.startswith(f"GALERA {WORDS[state]} - {reason}: "), result

    assert_all("available", OK)
    node.sql("SET GLOBAL read_only=ON")
    assert_all("read-only", WARNING)
    node.sql("SET GLOBAL wsrep_desync=ON")
    assert_all("donor", WARNING)
    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    assert_all("rejecting", CRITICAL)
    checker.legacy_file.touch()
    assert_all("disabled", WARNING)


def test_donor(node, daemon, database):
    checker = daemon(node, {"policy": {"donor": "available"}})
    node.sql("SET GLOBAL wsrep_desync=ON")
    until(lambda: "Donor" in check("--url", url(checker)).text, "donor")
    assert database().state == WARNING
    assert check("--url", url(checker)).state == OK  # the policy lets it pass
    for word, state in [("ok", OK), ("warning", WARNING), ("critical", CRITICAL)]:
        for result in (database("--donor", word), check("--url", url(checker), f"--donor={word}")):
            assert result.state == state
            assert "node1 is Donor/Desynced" in result.text


def test_read_only(node, database):
    node.sql("SET GLOBAL read_only=ON")
    assert database().state == OK
    for word, state in [("ok", OK), ("warning", WARNING), ("CRITICAL", CRITICAL)]:
        result = database("--read-only", word)
        assert result.state == state
        assert ("read-only: " in result.text) == (state != OK)


def test_a_server_that_is_no_galera_node(standalone, account):
    result = check("-s", standalone.socket, "-u", "root")
    assert result.state == CRITICAL
    assert result.line == (
        "GALERA CRITICAL - not-galera: the server has no wsrep, or wsrep_on is OFF"
    )


# ---- thresholds ----


@pytest.mark.parametrize(
    "options, state",
    [
        (["-w", "2:"], WARNING),
        (["-w", "1:"], OK),
        (["-c", "2:"], CRITICAL),
        (["-w", "3:", "-c", "1:"], WARNING),
        (["-w", "3:", "-c", "2:"], CRITICAL),
        (["-w", "@1:1"], WARNING),
        (["-c", "@2:5"], OK),
        (["-c", "0"], CRITICAL),
        (["-c", "~:5"], OK),
        (["-w", "1:1", "-c", "1"], OK),
        (["--expected-size", "1"], OK),
        (["--expected-size", "3"], WARNING),
        (["--recv-queue-warning", "100", "--recv-queue-critical", "1000"], OK),
        (["--recv-queue-warning", "@0"], WARNING),
        (["--recv-queue-critical", "1:"], CRITICAL),
        (["--flow-control-warning", "5", "--flow-control-critical", "20"], OK),
        (["--flow-control-critical", "@0:0"], CRITICAL),
    ],
)
def test_thresholds(database, options, state):
    assert database(*options).state == state


def test_thresholds_stand_in_the_performance_data(database):
    result = database("-w", "2:", "-c", "1:", "--flow-control-warning", "~:10", "--expected-size=3")
    assert result.performance["size"] == ("1", "", "2:", "1:", "0", "")
    assert result.performance["flow_control"][2:4] == ("~:10", "")
    assert "small-cluster: cluster size 1 (warning: 2:); small-cluster: 1 of 3 members" in result.text
    assert "node1 is Synced, 1 of 3 members" in result.text


def test_missing_peers(node, database, daemon, tmp_path):
    checker = daemon(node)
    checker.wait_reason("available")
    peers = tmp_path / "peers"
    peers.write_text(f"# the cluster\n{node.host}\n\n{node.host}:{node.port}  node1 # itself\n")
    assert database("--missing-peers", peers).state == OK
    peers.write_text(f"{node.host}\n192.0.2.77\nnode2.invalid\n{node.host}:1\n")
    for result in (
        database("--missing-peers", peers),
        check("--url", url(checker), "--missing-peers", peers),
    ):
        assert result.state == WARNING
        assert f"missing 192.0.2.77, node2.invalid, {node.host}:1; " in result.text


def test_a_member_leaves(cluster, account, tmp_path):
    first, third = cluster.node(1), cluster.node(3)
    peers = tmp_path / "peers"
    peers.write_text("".join(f"{node.host}\n" for node in cluster.nodes))
    arguments = ["-s", first.socket, *account, "-w", "3:", "--expected-size", "3"]
    arguments += ["--missing-peers", peers]
    result = check(*arguments)
    assert result.state == OK and "3 of 3 members" in result.text
    third.stop()
    result = check(*arguments)
    assert result.state == WARNING
    assert "2 of 3 members" in result.text and f"missing {third.host}; " in result.text
    result = check("-s", third.socket, *account)
    assert (result.state, result.performance) == (CRITICAL, {})


# ---- time, and those who do not answer ----


def test_a_frozen_server(node, daemon, database):
    checker = daemon(node)
    checker.wait_reason("available")
    node.freeze()
    result = database("-t", "1")
    assert result.text.startswith("GALERA CRITICAL - timeout: ")
    assert 0.8 < result.seconds < 1 + BUSY_MACHINE
    checker.wait_reason("timeout")
    result = check("--url", url(checker), "-t", "1")
    assert result.text.startswith("GALERA CRITICAL - timeout: ")
    assert result.seconds < BUSY_MACHINE
    node.thaw()


def test_a_frozen_daemon(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    with checker.frozen():
        for target in (["--url", url(checker)], ["--control", checker.control]):
            result = check(*target, "-t", "1")
            assert result.text.startswith("GALERA CRITICAL - timeout: ")
            assert 0.8 < result.seconds < 1 + BUSY_MACHINE


def test_what_cannot_be_bounded_otherwise(database, tmp_path):
    """The alarm ends even a blocking open."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    result = database("-t", "1", "--missing-peers", fifo)
    assert result.line == "GALERA CRITICAL - timeout: no result within the time of -t"
    assert 0.9 < result.seconds < 1 + BUSY_MACHINE


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["-s", "/nonexistent/mysqld.sock"], "unreachable"),
        (["-H", "127.0.0.1", "-P", "1"], "refused"),
        (["--url", "http://127.0.0.1:1/"], "refused"),
        (["--control", "/nonexistent/control.sock"], "unreachable"),
        (["--url", "http://node1.invalid:9200/"], "unreachable"),
    ],
)
def test_nobody_is_there(arguments, reason):
    result = check(*arguments)
    assert result.text.startswith(f"GALERA CRITICAL - {reason}: "), result
    assert result.performance == {}


def test_a_wrong_password(node, tmp_path):
    wrong = tmp_path / "password"
    wrong.write_text("a-wrong-one\n")
    wrong.chmod(0o600)
    result = check("-s", node.socket, "-u", USER, "--password-file", wrong, "-vvv")
    assert result.text.startswith("GALERA CRITICAL - access-denied: ")
    assert "a-wrong-one" not in result.output


class Liar:
    """Answers each connection with the same bytes, and may keep it open after that."""

    def __init__(self, answer, hold=False):
        self.answer, self.hold = answer, hold
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.held = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
                connection.recv(4096)
                connection.sendall(self.answer)
            except OSError:
                return
            self.held.append(connection)
            if not self.hold:
                connection.close()


STATUS = json.dumps(
    {
        "schema": 1,
        "node": {"flavour": "MariaDB", "server_version": "10.11"},
        "endpoints": {"/": {"available": True, "http_status": 200, "reason": "available"}},
        "maintenance": {"mode": "none"},
        "probe": {"outcome": "ok", "duration_ms": 1.0, "login": {"outcome": "ok"}},
        "facts": {
            "wsrep_node_name": {"value": "evil|\nname\u001b[2J"},
            "wsrep_local_state_comment": {"value": "Synced"},
            "wsrep_cluster_size": {"value": 3},
        },
        "age_ms": 100,
    }
).encode()


def reply(body, status=b"200 OK", length=None):
    length = len(body) if length is None else length
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, length, body)


@pytest.mark.parametrize("hold", [False, True])
def test_a_hostile_name_stays_one_line(hold):
    """With Content-Length the answer is complete, whether or not the connection ends."""
    result = check("--url", Liar(reply(STATUS), hold).url, "-t", "2", "-vvv")
    assert result.state == OK
    assert result.text == "GALERA OK - evil\\x7c\\nname\\x1b[2J is Synced, 3 members"
    assert result.seconds < 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        reply(b"It works!"),
        reply(b"{}"),
        reply(b"[1, 2]"),
        reply(STATUS, status=b"404 Not Found"),
        reply(STATUS[:-20]),
        reply(STATUS[:-20], length=len(STATUS)),
        reply(b"x" * (2 << 20)),
        b"HTTP/1.1 200 OK\r\n" + b"x" * (2 << 20),
    ],
)
def test_something_else_answers(answer):
    result = check("--url", Liar(answer).url, "-t", "3")
    assert result.state == CRITICAL
    assert re.match(r"GALERA CRITICAL - (protocol-error|unreachable): ", result.text), result
    assert result.seconds < 1


def test_an_answer_without_an_end():
    """Bytes that keep coming are no reason to wait longer."""
    listener = socket.create_server(("127.0.0.1", free_port()))

    def drip():
        connection, _ = listener.accept()
        with connection:
            try:
                while True:
                    connection.sendall(b"x")
            except OSError:
                pass

    threading.Thread(target=drip, daemon=True).start()
    result = check("--url", f"http://127.0.0.1:{listener.getsockname()[1]}/", "-t", "1")
    assert result.state == CRITICAL
    assert re.match("GALERA CRITICAL - (timeout|protocol-error): clustercheckd at ", result.text)
    assert result.seconds < 1 + BUSY_MACHINE


# ---- the command line ----


@pytest.mark.parametrize("option", ["-h", "--help", "-V", "--version"])
def test_help_and_version_are_unknown(option):
    """Monitoring Plugins Development Guidelines, plugin return codes."""
    done = subprocess.run([program("check_galera"), option], capture_output=True, text=True)
    assert done.returncode == UNKNOWN and done.stderr == ""
    assert "check_galera" in done.stdout.split("\n")[0]
    assert all(len(line) < 100 for line in done.stdout.split("\n"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["-w", "5:1"],
        ["-w", "a"],
        ["-w"],
        ["-c", ""],
        ["--recv-queue-warning", "1:2:3"],
        ["--donor", "maybe"],
        ["--expected-size", "-3"],
        ["-t", "0"],
        ["-t", "soon"],
        ["-P", "65536"],
        ["--nonsense"],
        ["-x"],
        ["extra"],
        ["-s", "/a", "-H", "b"],
        ["--url", "http://a/", "--control"],
        ["--url", "http://a/", "-u", "b"],
        ["--control", "-s", "/a"],
        ["--url", "https://127.0.0.1:9200/"],
        ["--url", "127.0.0.1:9200"],
        ["--url", "http://127.0.0.1:99999/"],
        ["--url", "http://user@127.0.0.1/"],
        ["--url", "http://[::1/"],
        ["--endpoint", "/none"],
        ["--config", "/nonexistent.ini"],
        ["-d", "/nonexistent.cnf"],
        ["--password-file", "/nonexistent"],
        ["-s", "/" + "x" * 200],
    ],
)
def test_wrong_usage_is_unknown(arguments):
    result = check(*arguments)
    assert result.state == UNKNOWN
    assert result.output.count("\n") == 1


def test_a_password_is_no_argument():
    for arguments in (["-p", "secret"], ["-psecret"]):
        result = check(*arguments)
        assert result.state == UNKNOWN
        assert "--password-file" in result.text and "secret" not in result.output
    assert check("--password", "secret").state == UNKNOWN


def test_a_missing_peers_file_that_is_missing(database):
    result = database("--missing-peers", "/nonexistent")
    assert result.text == "GALERA UNKNOWN - /nonexistent: No such file or directory"


def test_long_output(database):
    assert database().long_output == []
    facts = database("-v").long_output
    assert "wsrep_local_state: 4" in facts and "wsrep_cluster_status: Primary" in facts
    more = database("-vv").long_output
    assert "probe: ok" in more and any(line.startswith("asked: the database at /") for line in more)
    most = database("-v", "-v", "--verbose").long_output
    document = next(line for line in most if line.startswith("document: "))
    assert json.loads(document.partition(" ")[2])["reason"] == "available"
    assert PASSWORD not in "".join(most)


# ---- real Nagios ----

NAGIOS = """\
log_file={here}/nagios.log
cfg_file={commands}
cfg_file={here}/objects.cfg
object_cache_file={here}/objects.cache
precached_object_file={here}/objects.precache
resource_file={here}/resource.cfg
status_file={here}/status.dat
status_update_interval=1
nagios_user={user}
nagios_group={group}
lock_file={here}/nagios.lock
temp_file={here}/nagios.tmp
temp_path={here}
check_result_path={here}/results
command_file={here}/nagios.cmd
query_socket={here}/nagios.qh
retain_state_information=0
use_syslog=0
interval_length=1
check_workers=1
max_concurrent_checks=2
enable_notifications=0
"""

OBJECTS = """\
define timeperiod {{
    timeperiod_name  24x7
    alias            always
    sunday     00:00-24:00
    monday     00:00-24:00
    tuesday    00:00-24:00
    wednesday  00:00-24:00
    thursday   00:00-24:00
    friday     00:00-24:00
    saturday   00:00-24:00
}}
define contact {{
    contact_name                   nobody
    host_notification_commands     nothing
    service_notification_commands  nothing
    host_notification_period       24x7
    service_notification_period    24x7
    host_notification_options      n
    service_notification_options   n
}}
define command {{
    command_name  nothing
    command_line  /bin/true
}}
define host {{
    host_name           node1
    address             127.0.0.1
    max_check_attempts  1
    check_period        24x7
    contacts            nobody
    check_command       nothing
}}
define service {{
    use            galera-node
    host_name      node1
    contacts       nobody
    check_command  check_galera_daemon!{port}!/!-w 1: --expected-size 1 -v
}}
define service {{
    use                  galera-node
    host_name            node1
    service_description  Galera on the host
    contacts             nobody
    check_command        check_galera_control!{control}!--recv-queue-warning ~:100
}}
"""


class Nagios(Process):
    def __init__(self, directory, daemon):
        (directory / "results").mkdir(parents=True)
        self.status_file = directory / "status.dat"
        self.config = directory / "nagios.cfg"
        self.config.write_text(
            NAGIOS.format(
                here=directory,
                commands=REPO / "scripts/monitoring/nagios.cfg",
                user="root",
                group="root",
            )
        )
        (directory / "resource.cfg").write_text(f"$USER1$={program('check_galera').parent}\n")
        (directory / "objects.cfg").write_text(
            OBJECTS.format(port=daemon.port, control=daemon.control)
        )
        super().__init__(["nagios4", self.config], directory / "nagios.out")

    def service(self, description="Galera"):
        """What status.dat has of a service, as a dict."""
        if not self.status_file.exists():
            return {}
        for block in re.findall(r"servicestatus \{\n(.*?)\n\t\}", self.status_file.read_text(), re.S):
            fields = dict(line.strip().split("=", 1) for line in block.split("\n") if "=" in line)
            if fields["service_description"] == description:
                return fields
        return {}

    def wait_state(self, state, description="Galera"):
        def as_wanted():
            fields = self.service(description)
            known = fields.get("has_been_checked") == "1"
            return fields if known and fields["current_state"] == str(state) else None

        return until(as_wanted, f"state {WORDS[state]} in status.dat", 20, 0.1)


@pytest.mark.skipif(not shutil.which("nagios4"), reason="nagios4-core is not installed")
@pytest.mark.skipif(os.geteuid() != 0, reason="nagios4 changes its user, which takes root")
def test_real_nagios(node, daemon, running, tmp_path):
    checker = daemon(node)
    checker.wait_reason("available")
    checker.wait_rounds(3)
    nagios = Nagios(tmp_path / "nagios", checker)
    verified = subprocess.run(["nagios4", "-v", nagios.config], capture_output=True, text=True)
    assert verified.returncode == 0 and "Total Errors:   0" in verified.stdout, verified.stdout
    running(nagios)

    fields = nagios.wait_state(OK)
    assert fields["plugin_output"] == (
        "GALERA OK - node1 is Synced, 1 of 1 members, receive queue 0, flow control 0%"
    )
    assert fields["performance_data"].startswith("size=1;1:;;0; recv_queue=0;;;0; ")
    assert "wsrep_local_state: 4\\n" in fields["long_plugin_output"]
    fields = nagios.wait_state(OK, "Galera on the host")
    assert "recv_queue=0;~:100;;0; " in fields["performance_data"]

    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    for description in ("Galera", "Galera on the host"):
        fields = nagios.wait_state(CRITICAL, description)
        assert fields["plugin_output"].startswith("GALERA CRITICAL - rejecting: ")
    node.sql("SET GLOBAL wsrep_reject_queries=NONE")
    nagios.wait_state(OK)


# ---- Icinga 2 ----


@pytest.mark.skipif(not shutil.which("icinga2"), reason="icinga2 is not installed")
@pytest.mark.skipif(os.geteuid() != 0, reason="icinga2 changes its user, which takes root")
def test_icinga_takes_the_command_definition(tmp_path):
    config = tmp_path / "icinga2.conf"
    config.write_text(
        'const PluginDir = "/usr/lib/nagios/plugins"\nconst NodeName = "test"\n'
        "include <itl>\ninclude <plugins>\n"
        f'include "{REPO}/scripts/monitoring/icinga2.conf"\n'
        'object Host "h" { check_command = "dummy"; address = "127.0.0.1" }\n'
        'object Service "s" { host_name = "h"; check_command = "check_galera" }\n'
    )
    command = ["icinga2", "daemon", "-C", "-c", config, "-D", f"CacheDir={tmp_path}"]
    user = clean_environment(ICINGA2_USER="root", ICINGA2_GROUP="root")
    done = subprocess.run(command, env=user, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
