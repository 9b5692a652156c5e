# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP as callers speak it: methods, versions, headers, connections, addresses."""

import re
import shutil
import socket
import subprocess
import time

import pytest

from support import http
from support.answers import BODIES, STAMP, assert_verdict
from support.daemon import Daemon
from support.process import free_port
from support.wait import until

METHODS = ["GET", "HEAD", "OPTIONS"]


@pytest.fixture(scope="module")
def answering(tmp_path_factory, cluster_of_one):
    """One daemon for all that only asks; its node is available."""
    cluster_of_one.heal()
    checker = Daemon(tmp_path_factory.mktemp("answering"), cluster_of_one.node(1)).start()
    checker.wait_reason("available")
    yield checker
    checker.stop()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("method", METHODS)
def test_methods_are_alike(answering, method, version):
    answer = answering.ask(method=method, version=version)
    assert answer.status == 200
    assert answer.version == "HTTP/1.1"
    assert answer.reason == "available"
    assert answer.headers["content-length"] == "40"
    assert answer.body == (b"" if method == "HEAD" else BODIES["percona"]["synced"])
    assert answer.headers["connection"].lower() == "close"
    assert answer.ended == "fin"


def test_head_has_the_headers_of_get(answering):
    head, get = (answering.ask(method=method).headers for method in ("HEAD", "GET"))
    del head["x-clustercheck-probed"], get["x-clustercheck-probed"]
    assert head == get


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(answering, method):
    answer = answering.ask(method=method)
    assert answer.status == 405
    assert {word.strip() for word in answer.headers["allow"].split(",")} == set(METHODS)
    assert answer.ended == "fin"


def test_a_posted_body_is_no_obstacle(answering):
    head = b"POST / HTTP/1.1\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n"
    answer = http.exchange(answering.address, head + b"x" * 5000)
    assert answer.status == 405


def test_verdict_headers(answering):
    answer = answering.ask()
    assert_verdict(answer, "available", state="Synced")
    assert STAMP.fullmatch(answer.headers["x-clustercheck-probed"])
    assert "date" not in answer.headers and "server" not in answer.headers


@pytest.mark.parametrize("path", ["/nope", "/rw/", "/RW", "//", "/index.html"])
def test_unknown_paths(answering, path):
    answer = answering.ask(path)
    assert (answer.status, answer.reason) == (404, "no-such-endpoint")
    assert "x-clustercheck-state" not in answer.headers
    assert b"synced" not in answer.body


def test_a_query_is_passed_over(answering):
    assert answering.ask("/?from=lb1").reason == "available"


@pytest.mark.parametrize("path", ["/", "/rw", "/ro"])
def test_built_in_endpoints(answering, path):
    assert_verdict(answering.ask(path), "available", state="Synced")


def test_live(answering):
    assert answering.ask("/live").status == 200


def test_status_is_json(answering):
    answer = answering.ask("/status")
    assert answer.headers["content-type"].startswith("application/json")
    status = answering.status()
    assert status["endpoints"]["/"]["reason"] == "available"
    assert status["facts"]["wsrep_cluster_status"]["value"] == "Primary"


def test_kept_connection_of_an_http_1_1_caller(answering):
    with http.Connection(answering.address) as connection:
        answers = [connection.ask(method=method) for method in METHODS * 20]
    assert {answer.status for answer in answers} == {200}
    assert all("close" not in answer.headers.get("connection", "").lower() for answer in answers)


def test_kept_connection_survives_a_404_and_a_405(answering):
    with http.Connection(answering.address) as connection:
        statuses = [
            connection.ask("/nope").status,
            connection.ask(method="DELETE").status,
            connection.ask().status,
        ]
    assert statuses == [404, 405, 200]


def test_kept_connection_sees_changes(cluster_of_one, daemon):
    checker = daemon(cluster_of_one.node(1))
    checker.wait_reason("available")
    with http.Connection(checker.address) as connection:
        assert connection.ask().reason == "available"
        checker.legacy_file.touch()
        until(lambda: connection.ask().reason == "disabled", "disabled on a kept connection")


def test_asked_to_close(answering):
    with http.Connection(answering.address) as connection:
        answer = connection.ask(headers=["Connection: close"])
        assert answer.status == 200 and answer.headers["connection"].lower() == "close"
        assert connection.is_closed_by_peer()


def test_pipelined_requests(answering):
    with http.Connection(answering.address) as connection:
        connection.socket.sendall(http.request_bytes(version="1.1") * 50)
        answers = [connection.read_answer() for _ in range(50)]
    assert all(answer.startswith(b"HTTP/1.1 200 OK\r\n") for answer in answers)


def test_request_in_small_pieces(answering):
    request = http.request_bytes()
    with http.connect(answering.address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(request)):
            connection.sendall(request[i : i + 1])
        assert connection.recv(64).startswith(b"HTTP/1.1 200 OK\r\n")


JUNK = {"tls": b"\x16\x03\x01\x02\x00\x01\x00", "nul": b"\0" * 64, "no path": b"GET\r\n\r\n"}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_junk_harms_nobody(answering, junk):
    """Refused at once, or, where MHD 0.9.75 waits for more, at the end of http.timeout."""
    with http.connect(answering.address, timeout=15) as connection:
        connection.sendall(junk)
        connection.shutdown(socket.SHUT_WR)
        try:
            reply = connection.recv(4096)
        except (ConnectionResetError, TimeoutError):
            reply = b""  # MHD 0.9.75 leaves some of it to [http] timeout
    assert not reply.startswith(b"HTTP/1.1 200")
    assert answering.reason() == "available"


def test_too_long_a_request_is_refused(answering):
    answer = answering.ask("/" + "x" * 20000)
    assert 400 <= answer.status < 500
    assert answering.reason() == "available"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("how", [[], ["--head"], ["--request", "OPTIONS"], ["--http1.0"]])
def test_curl(answering, how):
    url = f"http://127.0.0.1:{answering.port}/"
    command = ["curl", "--silent", "--show-error", "--include", "--max-time", "5", *how, url]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nX-Clustercheck-Reason: available\r\n" in done.stdout
    assert done.stdout.endswith(b"synced.\r\n") == ("--head" not in how)


# ---- addresses and limits ----


def test_several_addresses(cluster_of_one, daemon):
    ports = [free_port() for _ in range(3)]
    listen = ", ".join(f"127.0.0.{k}:{port}" for k, port in enumerate(ports, 1))
    checker = daemon_on(daemon, cluster_of_one.node(1), listen, ("127.0.0.1", ports[0]))
    checker.wait_reason("available")
    for k, port in enumerate(ports, 1):
        assert http.ask((f"127.0.0.{k}", port)).reason == "available"
    with pytest.raises(ConnectionRefusedError):
        http.ask(("127.0.0.2", ports[0]))
    assert checker.log().count("listening on 127.0.0.") == 3


def test_dual_stack(cluster_of_one, daemon):
    if not has_ipv6():
        pytest.skip("no IPv6 on this host")
    port = free_port()
    checker = daemon_on(daemon, cluster_of_one.node(1), f"[::]:{port}", ("127.0.0.1", port))
    checker.wait_reason("available")
    assert http.ask(("::1", port)).reason == "available"


def test_star_takes_both(cluster_of_one, daemon):
    port = free_port()
    checker = daemon_on(daemon, cluster_of_one.node(1), f"*:{port}", ("127.0.0.1", port))
    checker.wait_reason("available")
    if has_ipv6():
        assert http.ask(("::1", port)).reason == "available"


def test_refused_networks_get_no_answer(cluster_of_one, daemon):
    """allow= is decided before a byte is read. The control socket is not concerned."""
    checker = daemon(cluster_of_one.node(1))
    assert "reloaded" in checker.reload({"http": {"allow": "192.0.2.0/24, 127.0.0.0/30"}})
    assert checker.ask().raw
    assert "reloaded" in checker.reload({"http": {"allow": "192.0.2.0/24"}})
    until(lambda: not refused_is_answered(checker), "refusal")
    assert http.ask(checker.control).reason == "available"


def refused_is_answered(checker):
    try:
        return checker.ask().raw != b""
    except ConnectionResetError:
        return False


def test_connection_limit(cluster_of_one, daemon):
    """Who comes last is answered; who has rested longest goes."""
    checker = daemon(cluster_of_one.node(1), {"http": {"max_connections": "4"}})
    checker.wait_reason("available")
    held = [http.Connection(checker.address) for _ in range(4)]
    assert [connection.ask().status for connection in held] == [200] * 4
    assert held[0].ask().status == 200  # so it is no longer the oldest
    late = http.Connection(checker.address)
    assert late.ask().status == 200
    assert held[1].is_closed_by_peer()
    for connection in (held[0], held[2], held[3], late):
        assert connection.ask().status == 200
    assert len(re.findall(r"all 4 connections are taken", checker.log())) == 1
    for connection in (*held, late):
        connection.socket.close()


def test_idle_connections_are_closed(cluster_of_one, daemon):
    checker = daemon(cluster_of_one.node(1), {"http": {"timeout": "1s"}})
    with http.Connection(checker.address, timeout=5) as idle:
        began = time.monotonic()
        assert idle.is_closed_by_peer()
        assert 0.9 <= time.monotonic() - began < 3.5


def test_as_many_at_once_as_epoll_hands_over(daemon):
    """libmicrohttpd 0.9.75 takes up to 128 ready connections at a time, and then looks again."""
    checker = daemon(None, {"http": {"timeout": "1m"}})
    held = [http.Connection(checker.address) for _ in range(128)]
    assert {connection.ask().status for connection in held} == {503}
    with checker.frozen():
        for connection in held:
            connection.socket.sendall(http.request_bytes(version="1.1"))
    for connection in held:
        assert connection.read_answer().startswith(b"HTTP/1.1 503 ")
        connection.socket.close()


def test_a_port_that_is_taken_is_named(daemon, tmp_path):
    taken = daemon().address
    code, said = Daemon(tmp_path / "late", address=taken).run_to_end()
    assert code == 1
    assert f"127.0.0.1:{taken[1]}" in said.splitlines()[-1]


def test_requests_are_logged_only_when_asked(cluster_of_one, daemon):
    checker = daemon(cluster_of_one.node(1), {"log": {"requests": "yes"}})
    checker.ask("/rw")
    assert re.search(r"127\.0\.0\.1.*GET /rw.*\b\d{3}$", checker.log(), re.M)
    checker.reload({"log": {"requests": "no"}})
    size = checker.log().count("/rw")
    checker.ask("/rw")
    assert checker.log().count("/rw") == size


def daemon_on(daemon, node, listen, address):
    return daemon(node, {"http": {"listen": listen}}, address=address)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return False
