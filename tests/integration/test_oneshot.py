# SPDX-License-Identifier: GPL-2.0-or-later
"""clustercheck, byte for byte what the script of that name prints."""

import json
import os
import socket
import subprocess
import time

import pytest

from support.answers import script_bytes
from support.backlog import full_backlog
from support.cluster import PASSWORD, USER
from support.process import clean_environment
from support.programs import is_sanitized, program

SYNCED = script_bytes("percona", "synced")
NOT_SYNCED = script_bytes("percona", "not synced")
DISABLED = script_bytes("percona", "disabled")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace needs root")


@pytest.fixture
def option_file(node, tmp_path):
    """Leads to the server, as /etc/my.cnf would: the sixth argument."""
    path = tmp_path / "my.cnf"
    path.write_text(f"[client]\nsocket={node.socket}\n")
    return path


@pytest.fixture
def account_file(node, tmp_path):
    """Has the account, too."""
    path = tmp_path / "account.cnf"
    path.write_text(f"[client]\nsocket={node.socket}\nuser={USER}\npassword={PASSWORD}\n")
    return path


@pytest.fixture
def config(node, tmp_path):
    """An ini file for --config, with more keys as wanted."""

    def write(**policy):
        path = tmp_path / "oneshot.ini"
        lines = [f"{key}={value}\n" for key, value in policy.items()]
        path.write_text(
            f"[mysql]\nsocket={node.socket}\npassword={PASSWORD}\n"
            + f"[maintenance]\nlegacy_file={tmp_path / 'disabled'}\n"
            + "[policy]\n" + "".join(lines)
        )
        return path

    return write


def run(*arguments, env=None, prefix=(), **options):
    return subprocess.run(
        [*prefix, program("clustercheck"), *map(str, arguments)],
        env=clean_environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        **options,
    )


def assert_prints(done, printed, code=None):
    expected = code if code is not None else 0 if b"200 OK" in printed else 1
    assert done.stdout == printed, done
    assert done.returncode == expected, done


# ---- the answer ----


@pytest.mark.parametrize("dialect", ["percona", "pxc", "galera"])
def test_every_sentence_of_every_dialect(node, config, tmp_path, dialect):
    path = config(dialect=dialect, read_only="unavailable")
    assert_prints(run("--config", path), script_bytes(dialect, "synced"))
    node.sql("SET GLOBAL read_only=ON")
    assert_prints(run("--config", path), script_bytes(dialect, "read-only"))
    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    assert_prints(run("--config", path), script_bytes(dialect, "not synced"))
    (tmp_path / "disabled").touch()
    assert_prints(run("--config", path), script_bytes(dialect, "disabled"))


def test_no_server(tmp_path):
    options = tmp_path / "my.cnf"
    options.write_text(f"[client]\nsocket={tmp_path}/absent.sock\n")
    assert_prints(run(USER, PASSWORD, "0", "/dev/null", "1", options), NOT_SYNCED)


def test_frozen_server_takes_no_longer_than_the_timeout(node, option_file):
    node.freeze()
    began = time.monotonic()
    assert_prints(run(USER, PASSWORD, "0", "/dev/null", "1", option_file), NOT_SYNCED)
    assert time.monotonic() - began < 1.5


@pytest.mark.alone
@pytest.mark.skipif(is_sanitized("clustercheck"), reason="a sanitizer takes its time")
def test_is_quick(option_file):
    command = (USER, PASSWORD, "0", "/dev/null", "1", option_file)
    took = []
    for _ in range(15):
        began = time.monotonic()
        assert run(*command).returncode == 0
        took.append(time.monotonic() - began)
    print(f"median {sorted(took)[7] * 1000:.1f} ms, best {min(took) * 1000:.1f} ms")
    assert min(took) < 0.015


# ---- positional arguments ----


def test_positional(option_file):
    assert_prints(run(USER, PASSWORD, "0", "/dev/null", "1", option_file), SYNCED)


def test_built_in_account(option_file):
    env = {"DEFAULTS_EXTRA_FILE": str(option_file)}
    assert_prints(run(env=env), SYNCED)
    assert_prints(run(env=env | {"MYSQL_PASSWORD": ""}), NOT_SYNCED)


def test_wrong_password(option_file):
    done = run(USER, "t0ps3cret", "0", "/dev/null", "1", option_file)
    assert_prints(done, NOT_SYNCED)
    assert b"t0ps3cret" not in done.stderr


def test_empty_user_and_password_are_the_option_files(account_file):
    assert_prints(run("", "", "0", "/dev/null", "1", account_file), SYNCED)


def test_dash_form(account_file, node):
    assert_prints(run("-", "0", "/dev/null", "1", account_file), SYNCED)
    node.sql("SET GLOBAL wsrep_desync=ON")
    assert_prints(run("-", "0", "/dev/null", "1", account_file), NOT_SYNCED)
    assert_prints(run("-", "1", "/dev/null", "1", account_file), SYNCED)


@pytest.mark.parametrize(
    "flag, printed", [("1", SYNCED), ("0", NOT_SYNCED), ("", NOT_SYNCED), ("yes", NOT_SYNCED)]
)
def test_donor_flag(node, option_file, flag, printed):
    node.sql("SET GLOBAL wsrep_desync=ON")
    assert_prints(run(USER, PASSWORD, flag, "/dev/null", "1", option_file), printed)


@pytest.mark.parametrize(
    "flag, sentence",
    [
        ("1", "synced"),
        ("0", "read-only"),
        ("00", "read-only"),
        ("", "synced"),
        ("-1", "synced"),  # puppet-galera's
    ],
)
def test_read_only_flag(node, option_file, flag, sentence):
    node.sql("SET GLOBAL read_only=ON")
    done = run(USER, PASSWORD, "0", "/dev/null", flag, option_file)
    assert_prints(done, script_bytes("percona", sentence))


def test_unreadable_option_file_is_not_used(tmp_path, node):
    missing = tmp_path / "missing.cnf"
    env = {"MYSQL_HOST": node.host, "MYSQL_PORT": str(node.port)}
    assert_prints(run(USER, PASSWORD, "0", "/dev/null", "1", missing, env=env), SYNCED)


def test_log_file_gets_the_reason(node, option_file, tmp_path):
    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    log = tmp_path / "errors.log"
    assert_prints(run(USER, PASSWORD, "0", log, "1", option_file), NOT_SYNCED)
    assert "rejecting" in log.read_text()


def test_unwritable_log_file_changes_nothing(node, option_file):
    assert_prints(run(USER, PASSWORD, "0", "/proc/no/such/place", "1", option_file), SYNCED)
    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    assert_prints(run(USER, PASSWORD, "0", "/proc/no/such/place", "1", option_file), NOT_SYNCED)


# ---- environment and files ----


def test_environment(node):
    env = {"MYSQL_HOST": node.host, "MYSQL_PORT": str(node.port)}
    assert_prints(run(env=env), SYNCED)
    assert_prints(run(env=env | {"MYSQL_PASSWORD": "wrong"}), NOT_SYNCED)
    node.sql("SET GLOBAL read_only=ON")
    done = run(env=env | {"AVAILABLE_WHEN_READONLY": "0"})
    assert_prints(done, script_bytes("percona", "read-only"))
    node.sql("SET GLOBAL wsrep_desync=ON")
    assert_prints(run(env=env), NOT_SYNCED)
    assert_prints(run(env=env | {"AVAILABLE_WHEN_DONOR": "1"}), SYNCED)


def test_localhost_is_the_socket(option_file):
    env = {"MYSQL_HOST": "localhost", "MYSQL_PORT": "1", "DEFAULTS_EXTRA_FILE": str(option_file)}
    assert_prints(run(env=env), SYNCED)


def test_arguments_win_over_environment(option_file):
    env = {"MYSQL_USERNAME": "nobody", "MYSQL_PASSWORD": "wrong", "DEFAULTS_EXTRA_FILE": "/nowhere"}
    assert_prints(run(USER, PASSWORD, "0", "/dev/null", "1", option_file, env=env), SYNCED)


IN_ROOM = """\
mount -t tmpfs tmpfs /var/tmp
mkdir /var/tmp/upper /var/tmp/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/var/tmp/upper,workdir=/var/tmp/work /etc
%s
exec "$0" "$@"
"""


def run_in_room(preparation, *arguments, **options):
    """With /etc and /var/tmp of its own, in which the shell has made its preparations."""
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", IN_ROOM % preparation]
    return run(*arguments, prefix=prefix, **options)


@needs_root
@pytest.mark.parametrize("place", ["/etc/sysconfig", "/etc/default"])
def test_sysconfig(node, tmp_path, place):
    marker = tmp_path / "executed"
    text = f"""mkdir -p {place}; cat >{place}/clustercheck <<'END'
# comment
MYSQL_HOST="{node.host}"
MYSQL_PORT={node.port}
MYSQL_PASSWORD='{PASSWORD}'
AVAILABLE_WHEN_DONOR=1
touch {marker}
MYSQL_USERNAME=`touch {marker}; echo {USER}`
MYSQL_USERNAME={USER}
END
"""
    assert_prints(run_in_room(text), SYNCED)
    assert not marker.exists(), "the file was executed"
    node.sql("SET GLOBAL wsrep_desync=ON")
    assert_prints(run_in_room(text), SYNCED)
    assert_prints(run_in_room(text, env={"AVAILABLE_WHEN_DONOR": "0"}), NOT_SYNCED)
    assert_prints(run_in_room(text, USER, PASSWORD, "0"), NOT_SYNCED)


@needs_root
def test_default_ini_lies_under_all_others(node):
    text = f"""mkdir -p /etc/clustercheckd; cat >/etc/clustercheckd/clustercheckd.ini <<'END'
[mysql]
socket={node.socket}
[policy]
dialect=galera
donor=available
END
"""
    assert_prints(run_in_room(text), script_bytes("galera", "synced"))
    node.sql("SET GLOBAL wsrep_desync=ON")
    assert_prints(run_in_room(text), script_bytes("galera", "synced"))
    assert_prints(run_in_room(text, USER, PASSWORD, "0"), script_bytes("galera", "not synced"))


@needs_root
def test_disabled_works_with_a_broken_configuration():
    text = "mkdir -p /etc/clustercheckd; echo nonsense >/etc/clustercheckd/clustercheckd.ini"
    broken = run_in_room(text)
    assert broken.returncode == 2 and b"clustercheckd.ini:1" in broken.stderr
    assert len(broken.stderr.splitlines()) == 1
    disabled = run_in_room(text + "; touch /var/tmp/clustercheck.disabled")
    assert_prints(disabled, DISABLED, 1)


# ---- options of its own ----


def test_help():
    for option in ("-h", "--help"):
        done = run(option)
        assert done.returncode == 0 and done.stderr == b""
        assert b"Usage: clustercheck" in done.stdout


def test_bad_option_is_one_line_and_2():
    done = run("--nonsense")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and b"--nonsense" in done.stderr


def test_missing_config_that_was_named(tmp_path):
    done = run("--config", tmp_path / "missing.ini")
    assert done.returncode == 2 and b"missing.ini" in done.stderr


def test_quiet(node, config):
    path = config()
    assert_prints(run("--quiet", "--config", path), b"", 0)
    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    assert_prints(run("--quiet", "--config", path), b"", 1)


def test_json(node, config):
    node.sql("SET GLOBAL wsrep_desync=ON")
    done = run("--json", "--config", config())
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["available"], told["reason"]) == (False, "donor")
    assert told["facts"]["wsrep_local_state_comment"]["value"] == "Donor/Desynced"


def test_endpoint(node, config):
    path = config()
    path.write_text(path.read_text() + "[endpoint /lenient]\ndonor=available\ndialect=galera\n")
    node.sql("SET GLOBAL wsrep_desync=ON")
    assert_prints(run("--config", path), NOT_SYNCED)
    done = run("--config", path, "--endpoint", "/lenient")
    assert_prints(done, script_bytes("galera", "synced"))
    done = run("--config", path, "--endpoint", "/unknown")
    assert done.returncode == 2 and b"/unknown" in done.stderr


def test_a_connect_that_hangs_does_not_cost_the_callers_connection(tmp_path):
    """The caller's is descriptor 0, and that of the server is not known yet to libmysqlclient (9.7)."""
    ini = tmp_path / "hung.ini"
    with full_backlog() as (host, port), socket.create_server(("127.0.0.1", 0)) as inetd:
        ini.write_text(f"[mysql]\nhost={host}\nport={port}\ntimeout=200ms\n")
        with socket.create_connection(inetd.getsockname(), 10) as caller:
            its, _ = inetd.accept()
            with its:
                oneshot = subprocess.Popen(
                    [program("clustercheck"), "--config", ini], env=clean_environment(), stdin=its, stdout=its
                )
            caller.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: caller.recv(4096), b""))
            oneshot.wait(10)
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert answer.endswith(b"Percona XtraDB Cluster Node is not synced.\r\n")


def test_what_a_server_says_steers_no_terminal_and_forges_no_line(server, tmp_path):
    server.login_error = (1045, "28000", "no\x1b]0;title\x07\n2026-11-27 clustercheck: forged\u009b2J")
    ini, err_file = tmp_path / "it.ini", tmp_path / "err"
    ini.write_text("[mysql]\n" + "".join(f"{key}={value}\n" for key, value in server.settings().items() if value))
    run("--config", ini, env={"ERR_FILE": str(err_file)})
    (line,) = err_file.read_text().splitlines()
    assert "no?]0;title??2026-11-27 clustercheck: forged??2J" in line
