# SPDX-License-Identifier: GPL-2.0-or-later
"""Logging in: one connection is kept, fresh logins are tried, and both may fail."""

import contextlib
import time

import pytest

from support.answers import assert_verdict
from support.cluster import PASSWORD, USER, SqlError
from support.wait import until

OLDEST = f"SELECT MIN(id) FROM information_schema.processlist WHERE user='{USER}'"
ACCOUNT = f"'{USER}'@'localhost'"


@pytest.fixture
def account(node):
    """Whatever a test does to the checker's account is undone."""
    yield ACCOUNT
    node.sql(f"ALTER USER {ACCOUNT} IDENTIFIED BY '{PASSWORD}' ACCOUNT UNLOCK")


@contextlib.contextmanager
def all_connections_taken(node):
    """Every ordinary connection; root's reserved one stays."""
    sessions = []
    node.sql("SET GLOBAL max_connections=10")
    try:
        with pytest.raises(SqlError, match="1040"):
            for _ in range(20):
                sessions.append(node.session(USER, PASSWORD))
        yield sessions
    finally:
        for session in sessions:
            session.close()
        until(lambda: can_log_in(node), "room for root again")


def can_log_in(node):
    try:
        node.sql("SET GLOBAL max_connections=151")
        return True
    except RuntimeError:
        return False


def test_wrong_password(node, daemon):
    checker = daemon(node, {"mysql": {"password": "t0ps3cret"}})
    assert_verdict(checker.wait_reason("access-denied"), "access-denied")
    assert "t0ps3cret" not in checker.log()


def test_no_password_at_all(node, daemon):
    """The daemon has no built-in password."""
    checker = daemon(node, {"mysql": {"password": None}})
    assert_verdict(checker.wait_reason("access-denied"), "access-denied")


def test_password_file(node, daemon, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    checker = daemon(node, {"mysql": {"password": None, "password_file": secret}})
    checker.wait_reason("available")


def test_password_file_for_everyone_is_refused(node, daemon, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o644)
    checker = daemon(node, {"mysql": {"password": None, "password_file": secret}})
    checker.wait_reason("access-denied")
    assert str(secret) in checker.log()


def test_defaults_file(node, daemon, tmp_path):
    options = tmp_path / "my.cnf"
    options.write_text(f"[client]\nsocket={node.socket}\nuser={USER}\npassword={PASSWORD}\n")
    mysql = {"socket": None, "user": "", "password": None, "defaults_file": options}
    checker = daemon(node, {"mysql": mysql})
    checker.wait_reason("available")


def test_password_changes_behind_the_kept_connection(node, daemon, account):
    checker = daemon(node)
    checker.wait_reason("available")
    node.sql(f"ALTER USER {account} IDENTIFIED BY 'another'")
    took = checker.seconds_to_reason("login-failing")
    assert took <= 1 + 0.25  # login_interval
    assert_verdict(checker.ask(), "login-failing", state="Synced")
    assert checker.status()["probe"]["outcome"] == "ok"
    node.sql(f"ALTER USER {account} IDENTIFIED BY '{PASSWORD}'")
    checker.wait_reason("available", seconds=2)


def test_account_is_locked_behind_the_kept_connection(node, daemon, account):
    checker = daemon(node)
    checker.wait_reason("available")
    node.sql(f"ALTER USER {account} ACCOUNT LOCK")
    assert_verdict(checker.wait_reason("login-failing"), "login-failing")


def test_saturated_server_that_still_works(node, daemon):
    """New connections fail, the kept one does not: whether that is "available" is policy."""
    strict = {"saturated": "unavailable"}
    checker = daemon(node, {"endpoint /strict": strict})
    checker.wait_reason("available", "/strict")
    with all_connections_taken(node):
        answer = checker.wait_reason("too-many-connections", "/strict", seconds=3)
        assert_verdict(answer, "too-many-connections", state="Synced")
        assert_verdict(checker.ask("/"), "available", state="Synced")
    checker.wait_reason("available", "/strict", seconds=3)


def test_full_at_start(node, daemon):
    with all_connections_taken(node):
        checker = daemon(node)
        answer = checker.wait_reason("too-many-connections")
        assert_verdict(answer, "too-many-connections")
        checker.wait_rounds(2)
        assert checker.reason() == "too-many-connections"
    checker.wait_reason("available", seconds=3)


def test_extra_port_at_start(node, daemon):
    """The second try goes where room is left, and the fresh logins still say what is wrong."""
    over_tcp = {"socket": None, "host": node.host, "port": node.port}
    with all_connections_taken(node):
        checker = daemon(node, {
            "mysql": {**over_tcp, "extra_port": node.extra_port},
            "endpoint /strict": {"saturated": "unavailable"},
        })
        answer = checker.wait_reason("available")
        assert_verdict(answer, "available", state="Synced")
        checker.wait_reason("too-many-connections", "/strict", seconds=3)
    checker.wait_reason("available", "/strict", seconds=3)


def test_one_connection_and_one_login_per_interval(node, daemon):
    checker = daemon(node, {"mysql": {"interval": "50ms", "login_interval": "1s"}})
    checker.wait_reason("available")
    with node.session() as session:
        connections = lambda: int(session.sql("SHOW GLOBAL STATUS LIKE 'Connections'").split()[1])
        before, logins = connections(), checker.status()["probe"]["logins"]
        kept = session.sql(OLDEST)
        began = time.monotonic()
        checker.wait_rounds(60, seconds=30)
        made = connections() - before
        seconds = time.monotonic() - began
        counted = checker.status()["probe"]["logins"] - logins
        assert session.sql(OLDEST) == kept
    assert 2 <= made <= seconds + 2, f"{made} connections in {seconds:.1f} s"
    assert abs(counted - made) <= 1


def test_the_account_needs_no_privilege(node, daemon):
    node.sql("CREATE OR REPLACE USER bare@localhost IDENTIFIED BY 'bare'")
    try:
        checker = daemon(node, {"mysql": {"user": "bare", "password": "bare"}})
        assert_verdict(checker.wait_reason("available"), "available")
    finally:
        node.sql("DROP USER bare@localhost")
