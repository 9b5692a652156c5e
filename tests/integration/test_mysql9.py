# SPDX-License-Identifier: GPL-2.0-or-later
"""A real MySQL 9 of Debian sid's, whose accounts use caching_sha2_password; no Galera node.

Run by `scripts/test --mysql`, which names the directory, with each of the two client libraries.
"""

import os
import pathlib
import shutil
import signal
import tempfile

import pytest

from support.answers import assert_verdict
from support.authority import Authority
from support.process import Process, free_port
from support.programs import uses_libmysqlclient
from support.refusals import reasons_of_many_logins
from support.sid import Sid
from support.wait import until

PASSWORD = "a caching password!"
ACCOUNTS = ("socket", "tls", "plain", "cached", "wrong", "frozen", "locked", "unproven")
SQL = "".join(
    f"CREATE USER {name} IDENTIFIED WITH caching_sha2_password BY '{PASSWORD}';\n" for name in ACCOUNTS
) + f"""
CREATE USER tlsonly IDENTIFIED BY '{PASSWORD}' REQUIRE SSL;
CREATE USER switched IDENTIFIED WITH sha256_password BY '{PASSWORD}';
ALTER USER locked ACCOUNT LOCK;
"""


class MySql9:
    def __init__(self, sid):
        self.sid = sid
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mysql9-", dir=sid.root / "tmp"))
        self.inside = pathlib.Path("/tmp") / self.directory.name
        self.socket = self.directory / "s"
        self.port = free_port()
        self.public_key = self.directory / "data" / "public_key.pem"
        self.authority = Authority(self.directory / "tls", "the authority")
        certificate, key = self.authority.sign("server", "127.0.0.1")
        (self.directory / "accounts.sql").write_text(SQL)
        self.options = [
            "--no-defaults", "--user=root", f"--datadir={self.inside}/data", f"--socket={self.inside}/s",
            "--bind-address=127.0.0.1", f"--port={self.port}", "--mysqlx=OFF", "--log-error-verbosity=2",
            f"--ssl-ca={self.inside}/tls/{self.authority.ca.name}", f"--ssl-cert={self.inside}/tls/{certificate.name}",
            f"--ssl-key={self.inside}/tls/{key.name}", "--innodb-buffer-pool-size=32M", "--performance-schema=OFF",
            "--skip-log-bin", "--secure-file-priv=NULL", "--innodb-flush-log-at-trx-commit=0",
        ]
        self.process = self._mysqld()

    def _mysqld(self, *options):
        command = ["chroot", self.sid.root, "/usr/sbin/mysqld", *self.options, *options]
        return Process(command, self.directory / "error.log")

    def start(self):
        initialize = self._mysqld("--initialize-insecure", f"--init-file={self.inside}/accounts.sql").start()
        code = initialize.popen.wait(60)
        assert code == 0, initialize.log()
        self.process.start()
        until(self._answers, "answer from MySQL 9", 60, 0.05)
        return self

    def _answers(self):
        assert self.process.runs(), self.process.log()
        return self.socket.exists() and "ready for connections" in self.process.log()

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stop(seconds=30)
        shutil.rmtree(self.directory)


@pytest.fixture(scope="module")
def mysql9():
    server = MySql9(Sid(os.environ["CLUSTERCHECKD_SID"]))
    try:
        yield server.start()
    finally:
        server.stop()


def over_tcp(server, user, **more):
    return {"socket": None, "host": "127.0.0.1", "port": server.port, "user": user, "password": PASSWORD,
            "timeout": "2s", "max_age": "5s", **more}


def over_socket(server, user, **more):
    return {"socket": server.socket, "user": user, "password": PASSWORD, "timeout": "2s", "max_age": "5s", **more}


def over_tls(server, user, **more):
    return over_tcp(server, user, tls="verify", tls_ca=server.authority.ca, **more)


def assert_not_galera(checker):
    assert_verdict(checker.wait_reason("not-galera"), "not-galera")
    logins = checker.status()["probe"]["logins"]
    until(lambda: checker.status()["probe"]["logins"] >= logins + 2, "two more logins")
    assert checker.reason() == "not-galera"
    warnings = [line for line in checker.log().splitlines() if " warning: " in line]
    assert [line for line in warnings if "running as root" not in line] == []


def test_over_the_socket(mysql9, daemon):
    assert_not_galera(daemon(None, {"mysql": over_socket(mysql9, "socket")}))


def test_the_password_goes_under_the_servers_public_key(mysql9, daemon):
    """Nobody has logged in to this account before, so the server has nothing to compare with."""
    mysql = over_tcp(mysql9, "plain", tls="off")
    assert_verdict(daemon(None, {"mysql": mysql}).wait_reason("access-denied"), "access-denied")
    assert_not_galera(daemon(None, {"mysql": {**mysql, "server_public_key": mysql9.public_key}}))


@pytest.mark.parametrize("user", ["tls", "tlsonly"])
def test_over_tls(mysql9, daemon, user):
    assert_not_galera(daemon(None, {"mysql": over_tls(mysql9, user)}))


@pytest.mark.parametrize("tls", ["preferred", "required"])
def test_over_tls_to_a_server_that_proves_nothing(mysql9, daemon, tls):
    """Connector/C 3.3 would go on without TLS, too: it is not let do that."""
    checker = daemon(None, {"mysql": over_tcp(mysql9, "unproven", tls=tls)})
    if uses_libmysqlclient():
        assert_not_galera(checker)
    else:
        checker.wait_reason("access-denied")
        assert "takes tls=verify, or server_public_key" in checker.log()


def test_an_account_with_another_plugin(mysql9, daemon):
    """The server greets for caching_sha2_password, and has the client switch."""
    assert_not_galera(daemon(None, {"mysql": over_tls(mysql9, "switched")}))
    mysql = over_tcp(mysql9, "switched", tls="off")
    daemon(None, {"mysql": mysql}).wait_reason("access-denied")
    assert_not_galera(daemon(None, {"mysql": {**mysql, "server_public_key": mysql9.public_key}}))


def test_an_account_that_must_use_tls(mysql9, daemon):
    daemon(None, {"mysql": over_tcp(mysql9, "tlsonly", tls="off")}).wait_reason("access-denied")


def test_a_wrong_password(mysql9, daemon):
    for mysql in (over_socket(mysql9, "wrong"), over_tls(mysql9, "wrong"),
                  over_tcp(mysql9, "wrong", server_public_key=mysql9.public_key)):
        daemon(None, {"mysql": {**mysql, "password": "another"}}).wait_reason("access-denied")


def test_a_locked_account(mysql9, daemon):
    daemon(None, {"mysql": over_socket(mysql9, "locked")}).wait_reason("access-denied")


@pytest.mark.parametrize("user, password", [
    ("wrong", "another"),
    ("wrong", ""),
    ("locked", PASSWORD),
    ("nobody", PASSWORD),
])
def test_a_refusal_is_heard_every_time(mysql9, tmp_path, user, password):
    heard = reasons_of_many_logins(tmp_path, over_socket(mysql9, user, password=password))
    assert heard == {"access-denied"}


@pytest.mark.parametrize("tls", ["off", "verify"])
def test_a_frozen_server(mysql9, daemon, tls):
    mysql = {"off": over_tcp(mysql9, "frozen", server_public_key=mysql9.public_key),
             "verify": over_tls(mysql9, "frozen")}[tls]
    mysql.update(timeout="300ms", max_age="1s")
    checker = daemon(None, {"mysql": mysql})
    checker.wait_reason("not-galera")
    with mysql9.process.frozen():
        checker.wait_reason("timeout")
    checker.wait_reason("not-galera")
