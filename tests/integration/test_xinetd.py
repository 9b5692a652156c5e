# SPDX-License-Identifier: GPL-2.0-or-later
"""A real xinetd with the file this tree installs: one clustercheck per connection, no reset."""

import concurrent.futures

import pytest

from support import http
from support.answers import script_bytes
from support.cluster import PASSWORD, USER
from support.xinetd import Xinetd, is_installed

pytestmark = pytest.mark.skipif(not is_installed(), reason="xinetd is not installed")

SYNCED = script_bytes("percona", "synced")
CHECKS = 50


@pytest.fixture
def xinetd(node, tmp_path, running):
    options = tmp_path / "my.cnf"
    options.write_text(f"[client]\nsocket={node.socket}\n")
    arguments = [USER, PASSWORD, "0", "/dev/null", "1", str(options)]
    return running(Xinetd(tmp_path / "xinetd", arguments))


def test_answers_as_the_script_did(xinetd, node):
    assert http.ask(xinetd.address).raw == SYNCED
    node.sql("SET GLOBAL wsrep_reject_queries=ALL")
    assert http.ask(xinetd.address).raw == script_bytes("percona", "not synced")


def test_head_gets_no_body(xinetd):
    answer = http.ask(xinetd.address, method="HEAD")
    assert answer.raw == script_bytes("percona", "synced", head=True)


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_other_methods_get_one(xinetd, method):
    assert http.ask(xinetd.address, method=method).raw == SYNCED


def test_no_check_ends_in_a_reset(xinetd):
    answers = [http.ask(xinetd.address, method="OPTIONS") for _ in range(CHECKS)]
    assert [answer for answer in answers if answer.ended != "fin" or answer.raw != SYNCED] == []


def test_no_check_of_many_at_once_ends_in_a_reset(xinetd):
    with concurrent.futures.ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: http.ask(xinetd.address), range(CHECKS)))
    assert [answer for answer in answers if answer.ended != "fin" or answer.raw != SYNCED] == []


def test_request_with_a_body_is_drained(xinetd):
    request = b"POST / HTTP/1.1\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20000
    answer = http.exchange(xinetd.address, request)
    assert (answer.raw, answer.ended) == (SYNCED, "fin")


def test_silent_caller_gets_an_answer_too(xinetd):
    """Some balancers only connect and read."""
    with http.connect(xinetd.address) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
