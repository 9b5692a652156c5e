# SPDX-License-Identifier: GPL-2.0-or-later
"""A login that the server refuses fails for the server's reason, however soon it hangs up."""

import pytest

from support import faults
from support.cluster import PASSWORD, USER
from support.programs import uses_libmysqlclient
from support.refusals import reasons_of_many_logins
from support.scripted import ScriptedServer
from support.wire import Over, error_packet
from test_logins import all_connections_taken


@pytest.fixture
def on_a_socket(tmp_path):
    with ScriptedServer(path=tmp_path / "s") as it:
        yield it


@pytest.fixture
def locked(node):
    node.sql(f"CREATE OR REPLACE USER locked@localhost IDENTIFIED BY '{PASSWORD}' ACCOUNT LOCK")
    yield
    node.sql("DROP USER locked@localhost")


def account(server, user=USER, password=PASSWORD):
    return {"socket": server.socket, "user": user, "password": password}


@pytest.mark.parametrize("user, password", [
    (USER, "another"),
    (USER, ""),
    ("nobody", PASSWORD),
    ("locked", PASSWORD),
])
def test_an_account_that_may_not(node, locked, tmp_path, user, password):
    heard = reasons_of_many_logins(tmp_path, account(node, user, password))
    assert heard == {"access-denied"}


def test_no_connection_left(node, tmp_path):
    with all_connections_taken(node):
        assert reasons_of_many_logins(tmp_path, account(node)) == {"too-many-connections"}


def refuse_unheard(talk, payload):
    """Answers the account before it is named, and is gone: nobody is faster."""
    talk.put(payload)
    talk.sequence += 1
    talk.put(error_packet(1040, "08004", "Too many connections"))
    talk.flush()
    raise Over


def test_a_server_that_hangs_up_before_the_account_is_named(on_a_socket, tmp_path):
    on_a_socket.fault = ({"greeting"}, refuse_unheard)
    heard = reasons_of_many_logins(tmp_path, {**on_a_socket.settings(), "user": USER, "password": PASSWORD})
    # Connector/C reads no further where it cannot write.
    assert heard <= {"too-many-connections"} | (set() if uses_libmysqlclient() else {"refused"})


def test_a_server_that_hangs_up_without_a_word(on_a_socket, tmp_path):
    on_a_socket.fault = ({"login"}, faults.close)
    heard = reasons_of_many_logins(tmp_path, {**on_a_socket.settings(), "user": USER, "password": PASSWORD})
    assert heard == {"refused"}
