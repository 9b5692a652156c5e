# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS: towards a real server in each mode, and HTTPS towards the callers."""

import itertools
import os
import shutil
import socket
import ssl
import subprocess
import threading
from http import client as http_client

import pytest

from support import http
from support.answers import assert_verdict
from support.authority import Authority, openssl
from support.cluster import PASSWORD
from support.haproxy import HAProxy
from support.programs import uses_libmysqlclient
from support.scripted import ScriptedServer
from support.wait import until
from support.wire import SCRAMBLE


@pytest.fixture(scope="module")
def authority(tmp_path_factory, cluster_of_one):
    # Below the cluster's directory: pytest's own may be entered by its owner only.
    return Authority(cluster_of_one.directory / "tls", "the authority")


@pytest.fixture(scope="module")
def other_authority(cluster_of_one):
    return Authority(cluster_of_one.directory / "tls-other", "another authority")


@pytest.fixture(scope="module")
def speaking_tls(cluster_of_one, authority):
    """A node with a certificate for its address, and an account that must use TLS."""
    node = cluster_of_one.node(1)
    cluster_of_one.heal()
    certificate, key = authority.sign("server", node.host)
    extra = node.directory / "extra.cnf"
    before = extra.read_text() if extra.exists() else None
    extra.write_text((before or "[mariadbd]\n") + f"ssl_cert={certificate}\nssl_key={key}\nssl_ca={authority.ca}\n")
    node.stop()
    node.start("--bootstrap")
    node.sql("CREATE OR REPLACE USER tlsonly@'127.%' IDENTIFIED BY 'tlsonly' REQUIRE SSL")
    yield node
    node.sql("DROP USER tlsonly@'127.%'")
    extra.unlink() if before is None else extra.write_text(before)
    node.stop()
    node.start("--bootstrap")


def over_tcp(node, tls, **more):
    return {"socket": None, "host": node.host, "port": node.port, "tls": tls, **more}


def over_tls(node, tls, **more):
    return over_tcp(node, tls, user="tlsonly", password="tlsonly", timeout="2s", max_age="5s", **more)


@pytest.mark.parametrize("mode", ["off", "preferred"])
def test_server_without_tls(node, daemon, mode):
    checker = daemon(node, {"mysql": over_tcp(node, mode)})
    checker.wait_reason("available")


def test_tls_is_required_and_the_server_has_none(node, daemon):
    """Connector/C 3.3 itself would go on in plain text; libmysqlclient says it in its own words."""
    checker = daemon(node, {"mysql": over_tcp(node, "required")})
    assert_verdict(checker.wait_reason("protocol-error"), "protocol-error")
    assert "TLS is required" in checker.log() or "SSL is required" in checker.log()


def test_certificate_is_wanted_and_the_server_has_none(node, daemon, authority):
    checker = daemon(node, {"mysql": over_tcp(node, "verify", tls_ca=authority.ca)})
    checker.wait_reason("protocol-error")


def test_account_that_must_use_tls(speaking_tls, daemon):
    checker = daemon(speaking_tls, {"mysql": over_tls(speaking_tls, "off")})
    checker.wait_reason("access-denied")


@pytest.mark.parametrize("mode", ["preferred", "required"])
def test_encrypted_without_a_look_at_the_certificate(speaking_tls, daemon, mode):
    checker = daemon(speaking_tls, {"mysql": over_tls(speaking_tls, mode)})
    checker.wait_reason("available")


def test_certificate_is_verified(speaking_tls, daemon, authority):
    mysql = over_tls(speaking_tls, "verify", tls_ca=authority.ca)
    daemon(speaking_tls, {"mysql": mysql}).wait_reason("available")


def test_certificate_of_another_authority(speaking_tls, daemon, other_authority):
    mysql = over_tls(speaking_tls, "verify", tls_ca=other_authority.ca)
    checker = daemon(speaking_tls, {"mysql": mysql})
    checker.wait_reason("protocol-error")
    assert "certificate" in checker.log()


@pytest.mark.parametrize("plugin", ["mysql_clear_password", "dialog", "mysql_old_password"])
def test_a_server_that_asks_for_the_password_itself_does_not_get_it(daemon, plugin):
    with ScriptedServer() as server:
        server.switch_to = plugin
        checker = daemon(None, {"mysql": {**server.settings(), "password": PASSWORD}})
        checker.wait_rounds(2)
        assert checker.ask().status == 503
        assert not any(PASSWORD.encode() in packet for packet in server.heard), server.heard


# ---- towards somebody who plays the server, and whose account is one of caching_sha2_password ----


class Player:
    """Has a certificate and a key of its own, and asks for the password."""

    def __init__(self, authority, offers_tls=False, path=None):
        certificate, self.key = authority.sign("player", "127.0.0.1")
        self.public_key = authority.directory / "public.pem"
        openssl("pkey", "-in", self.key, "-pubout", "-out", self.public_key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, self.key)
        self.server = ScriptedServer(context if offers_tls else None, path)
        self.server.plugin = "caching_sha2_password"
        self.server.asks_for_password = self.public_key.read_bytes()

    def learnt(self):
        """What it was told, and what it can decrypt of it."""
        return [packet if len(packet) != 256 else self.decrypt(packet) for packet in self.server.heard]

    def decrypt(self, packet):
        command = ["openssl", "pkeyutl", "-decrypt", "-inkey", self.key, "-pkeyopt", "rsa_padding_mode:oaep"]
        hidden = subprocess.run(command, input=packet, capture_output=True)
        return bytes(a ^ b for a, b in zip(hidden.stdout, itertools.cycle(SCRAMBLE)))


@pytest.fixture
def player(authority, request):
    it = Player(authority, getattr(request, "param", False))
    yield it
    it.server.stop()


def play(daemon, player, **more):
    """What was learnt, and the daemon, after two tries."""
    mysql = {**player.server.settings(), "password": PASSWORD, "interval": "50ms", **more}
    checker = daemon(None, {"mysql": mysql})
    checker.wait_rounds(2)
    return player.learnt(), checker


@pytest.mark.parametrize("player", [False, True], ids=["no TLS", "TLS"], indirect=True)
@pytest.mark.parametrize("tls", ["off", "preferred", "required", "verify"])
def test_who_plays_the_server_learns_no_password(daemon, other_authority, player, tls):
    if uses_libmysqlclient() and player.server.tls and tls in ("preferred", "required"):
        pytest.skip("told inside TLS to whoever speaks it: clustercheckd.ini(5) says so")
    ca = {"tls_ca": other_authority.ca} if tls == "verify" else {}
    learnt, checker = play(daemon, player, tls=tls, **ca)
    assert not any(PASSWORD.encode() in packet for packet in learnt), learnt
    assert checker.ask().status == 503
    if tls == "off":
        assert checker.reason() == "access-denied"
        assert "takes tls=verify, or server_public_key" in checker.log()


@pytest.mark.parametrize("is_genuine", [True, False])
def test_only_who_has_the_servers_key_learns_it(daemon, other_authority, player, is_genuine):
    """Also shows that a password that is told would be found."""
    other = Player(other_authority)
    other.server.stop()
    key = player.public_key if is_genuine else other.public_key
    learnt, _ = play(daemon, player, server_public_key=key)
    assert learnt
    assert (PASSWORD.encode() + b"\0" in learnt) == is_genuine
    assert b"\x02" not in learnt  # nobody asked for another key


@pytest.mark.parametrize("what", ["plugin", "switch_to"])
def test_no_key_is_asked_for(daemon, player, what):
    """sha256_password asks for it right away, at the greeting as after a switch."""
    player.server.asks_for_password = None
    player.server.plugin = "mysql_native_password"
    setattr(player.server, what, "sha256_password")
    learnt, checker = play(daemon, player)
    assert learnt == []
    # After a switch Connector/C 3.3 has lost the plugin's name.
    named = uses_libmysqlclient() or what == "plugin"
    assert_verdict(checker.ask(), "access-denied" if named else "protocol-error")
    assert "takes tls=verify, or server_public_key" in checker.log()


def test_a_servers_key_that_cannot_be_read(daemon, player, tmp_path):
    (tmp_path / "empty.pem").touch()
    os.mkfifo(tmp_path / "fifo")
    said = {"absent.pem": "No such file", ".": "expected a file with a key",
            "empty.pem": "expected a file with a key", "fifo": "expected a file with a key"}
    for name, why in said.items():
        learnt, checker = play(daemon, player, server_public_key=tmp_path / name)
        assert learnt == []
        assert_verdict(checker.ask(), "access-denied")
        assert why in checker.log()


# ---- HTTPS ----


def ask_securely(checker, authority):
    """Answer and serial number of the certificate, over verified TLS."""
    context = ssl.create_default_context(cafile=authority.ca)
    with socket.create_connection(checker.address, 5) as plain:
        with context.wrap_socket(plain, server_hostname=checker.address[0]) as secure:
            serial = secure.getpeercert()["serialNumber"]
            secure.sendall(http.request_bytes())
            raw = b"".join(iter(lambda: secure.recv(65536), b""))
    return http.Answer(raw, 0, "fin"), serial


class Https:
    def __init__(self, authority, directory):
        self.certificate, self.key = directory / "cert.pem", directory / "key.pem"
        self.renew(authority)

    def renew(self, authority):
        certificate, key = authority.sign("web", "127.0.0.1")
        shutil.copy(certificate, self.certificate)
        shutil.copy(key, self.key)

    def section(self):
        return {"tls_cert": self.certificate, "tls_key": self.key}


@pytest.fixture
def https(node, daemon, authority, tmp_path):
    """A daemon that turned to HTTPS by a reload."""
    files = Https(authority, tmp_path)
    checker = daemon(node)
    checker.wait_reason("available")
    assert "configuration reloaded" in checker.reload({"http": files.section()})
    assert http.ask(checker.control, "/live").status == 200  # that door stays plain
    return checker, files


def test_https(https, authority):
    checker, _ = https
    answer, _ = ask_securely(checker, authority)
    assert answer.status == 200 and answer.reason == "available"


def test_plain_http_at_the_https_port_gets_no_verdict(https):
    checker, _ = https
    try:
        assert not checker.ask().raw.startswith(b"HTTP/1.1 200")
    except ConnectionError:
        pass


def test_part_of_a_handshake_keeps_no_processor_busy(https):
    checker, _ = https
    with socket.create_connection(checker.address, timeout=1) as caller:
        before = checker.cpu_seconds()
        caller.sendall(b"\x16")
        with pytest.raises(TimeoutError):
            caller.recv(1)
        assert checker.cpu_seconds() - before < 0.1


def test_renewed_certificate_is_served_after_a_reload(https, authority):
    checker, files = https
    _, before = ask_securely(checker, authority)
    files.renew(authority)
    assert "configuration reloaded" in checker.reload()
    answer, after = ask_securely(checker, authority)
    assert answer.status == 200 and after != before


def verifying(checker, authority, node, directory):
    """A balancer that checks over HTTPS, and whom it trusts."""
    verify = f"default-server check-ssl verify required ca-file {authority.ca}"
    servers = {"web": ((node.host, node.port), checker.address)}
    checks = ["option httpchk", verify, "timeout check 5s"]
    return HAProxy(directory / "haproxy", checks, servers, inter=1000)


@pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")
def test_kept_connections_go_on_over_renewals(https, authority):
    """The answer after a renewal says that the connection ends, rather than that it is cut."""
    checker, files = https
    context = ssl.create_default_context(cafile=authority.ca)
    caller = http_client.HTTPSConnection(*checker.address, timeout=5, context=context)
    ends = []
    for renewal in range(4):
        for _ in range(5):
            caller.request("GET", "/")
            answer = caller.getresponse()
            assert answer.status == 200 and answer.read()
            ends.append(answer.will_close)
        files.renew(authority)
        assert "configuration reloaded" in checker.reload()
    caller.close()
    assert ends == [False] * 5 + ([True] + [False] * 4) * 3


def test_renewals_lose_no_connection(https, authority, node, running, tmp_path):
    """Neither a check of HAProxy's nor a caller that connects at any moment of a reload."""
    checker, files = https
    balancer = running(verifying(checker, authority, node, tmp_path))
    balancer.wait("web", "UP", "200")
    serials, lost, done = set(), [], threading.Event()

    def call():
        while not done.is_set():
            try:
                answer, serial = ask_securely(checker, authority)
                assert answer.status == 200
                serials.add(serial)
            except Exception as error:
                lost.append(error)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    try:
        for _ in range(5):
            known = len(serials)
            files.renew(authority)
            assert "configuration reloaded" in checker.reload()
            until(lambda: len(serials) > known, "the renewed certificate", 5)
    finally:
        done.set()
        for caller in callers:
            caller.join()
    assert lost == []
    assert balancer.servers()["web"]["chkfail"] == "0"


def test_https_is_verified_by_haproxy(https, other_authority, node, running, tmp_path):
    """A certificate of somebody else's: the check fails, whatever the verdict."""
    checker, _ = https
    balancer = running(verifying(checker, other_authority, node, tmp_path))
    balancer.wait("web", "DOWN")
    assert balancer.checked("web")[1] == "L6RSP"


@pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")
def test_haproxy_waits_for_no_delayed_ack(https, authority, node, running, tmp_path):
    """Linux delays one by 40 ms at least, so the quickest of several checks tells."""
    checker, _ = https
    balancer = running(verifying(checker, authority, node, tmp_path))
    balancer.wait("web", "UP", "200")
    until(lambda: int(balancer.servers()["web"]["check_duration"] or 1000) < 35, "a quick check", 10)


def test_bad_certificate_keeps_the_running_one(https, authority):
    checker, files = https
    _, before = ask_securely(checker, authority)
    files.certificate.write_text("no certificate\n")
    assert "keeping the running configuration" in checker.reload()
    answer, after = ask_securely(checker, authority)
    assert answer.status == 200 and after == before
