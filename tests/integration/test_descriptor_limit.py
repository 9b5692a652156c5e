# SPDX-License-Identifier: GPL-2.0-or-later
"""Fewer descriptors than the configuration wants: fewer connections, never an answer less."""

import socket

import pytest

from support import http

LIMIT = 128


def test_more_idle_connections_than_descriptors(server, daemon):
    checker = daemon(None, {"mysql": server.settings()}, prefix=["prlimit", f"--nofile={LIMIT}", "--"])
    checker.wait_reason("available")
    assert f"max_connections={LIMIT // 2} instead of 1000" in checker.log()
    idle = [socket.create_connection(checker.address, 5) for _ in range(3 * LIMIT)]
    answers = [checker.ask(timeout=2) for _ in range(50)]
    assert {answer.status for answer in answers} == {200}
    assert http.ask(checker.control, "/live").status == 200
    for connection in idle:
        connection.close()
    checker.wait_rounds(3)  # and the prober goes on
    checker.reload()
    checker.wait_reason("available")


@pytest.mark.parametrize("addresses", [1, 8])
def test_the_descriptors_are_shared_among_the_addresses(server, daemon, addresses):
    first = daemon(None, {"mysql": server.settings()}).port
    listen = ", ".join(f"127.0.0.{2 + k}:{first}" for k in range(addresses))
    checker = daemon(None, {"mysql": server.settings(), "http": {"listen": listen}},
                     address=("127.0.0.2", first), prefix=["prlimit", "--nofile=1024", "--"])
    assert f"max_connections={512 // addresses} instead of 1000" in checker.log()


def test_the_soft_limit_is_raised_as_far_as_it_goes(server, daemon):
    checker = daemon(None, {"mysql": server.settings()}, prefix=["prlimit", "--nofile=256:10000", "--"])
    assert "max_connections=" not in checker.log()
    with open(f"/proc/{checker.pid}/limits") as limits:
        line = next(line for line in limits if line.startswith("Max open files"))
    assert int(line.split()[3]) == 8 * 1000 + 1024
