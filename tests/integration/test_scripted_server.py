# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that lies, breaks off, floods or says nothing, at every place of the conversation.

Each time the verdict is a 503 with the right reason within max_age, the daemon lives, gives back
descriptors and memory, and the next good server is available again. CLUSTERCHECKD_DENSE=1 leaves
out no byte and tries more noise.
"""

import dataclasses
import os
import ssl

import pytest

from support import faults
from support.authority import Authority
from support.bench import Bench, Scenario, walk
from support.programs import uses_libmysqlclient
from support.scripted import HEALTHY_VARIABLES, ScriptedServer
from support.wait import until
from support.wire import OK, Over, greeting, plugin_switch

DENSE = os.environ.get("CLUSTERCHECKD_DENSE") == "1"
pytestmark = pytest.mark.timeout(300 if DENSE else 120)

RESULT = ("header", "column", "columns-end", "row", "end")
STATEMENTS = ("variables", "status", "select")
PLACES = ("greeting", "login", "set", *(f"{kind}.{part}" for kind in STATEMENTS for part in RESULT))

# The connection is gone as far as the client library can tell, or what came makes no sense to it.
BROKEN = {"refused", "protocol-error", "timeout"}
# Without the rows that say otherwise.
UNKNOWN_STATE = {"non-primary", "not-ready", "initialized", "not-galera"}

REASONS = {
    1040: "too-many-connections",
    1045: "access-denied",
    1047: "not-ready",
    1129: "access-denied",
    1203: "too-many-connections",
    1226: "too-many-connections",
    1862: "access-denied",
}

SIMPLE = {
    "says nothing": (faults.silence, {"timeout"}),
    "drips": (faults.drip(0.05), {"timeout"}),
    "closes": (faults.close, {"refused"}),
    "resets": (faults.reset, {"refused"}),
    **{f"error {code}": (faults.error(code), {reason}) for code, reason in REASONS.items()},
    "half a packet": (faults.half, BROKEN),
    "empty packet": (faults.empty, BROKEN),
    "packet twice": (faults.twice, BROKEN),
    "oversized packet": (faults.padded, BROKEN),
    "16 MiB claimed": (faults.claimed, BROKEN),
    "16 MiB sent": (faults.huge, BROKEN),
    "packet out of order": (faults.out_of_order, BROKEN),
    "packets change places": (faults.delayed, BROKEN),
    "packets without end": (faults.endless, BROKEN),
    "thousands of packets": (faults.repeated(5000), BROKEN),
    "asks for a file": (faults.demand_file("/etc/passwd"), BROKEN),
    "asks for a clear password": (faults.demand_plugin("mysql_clear_password"), BROKEN | {"access-denied"}),
    "asks for an unknown plugin": (faults.demand_plugin("unknown"), BROKEN | {"access-denied"}),
    "OK instead": (faults.ok_instead, BROKEN),
    "EOF instead": (faults.eof_instead, BROKEN),
    **{f"noise {seed}": (faults.noise(seed), BROKEN) for seed in range(20 if DENSE else 2)},
    **{f"garbage {seed}": (faults.garbage(seed), BROKEN) for seed in range(10 if DENSE else 1)},
}


@pytest.fixture(scope="module", autouse=True)
def how_many(request):
    """Says so beside the results, for the README."""
    yield
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{len(Bench.put_through):,} different scenarios")


def may_be_believed(deed, place):
    """What a client library lets pass, where what is asked for is whole all the same."""
    part = place.rpartition(".")[2]
    unread = part in ("columns-end", "end")  # nothing stands in it but that something ends
    return (
        (unread and deed in ("half a packet", "EOF instead", "OK instead", "oversized packet"))
        or (unread and deed.startswith("noise"))
        or (part == "end" and deed in ("packet twice", "packets without end"))  # in time for the next
        or (part == "column" and deed.startswith("noise"))
        or (part in ("login", "set") and deed in ("half a packet", "OK instead", "oversized packet"))
        or (part == "switch" and deed == "OK instead")  # whom it lets in is the server's affair
        or (part == "greeting" and deed == "oversized packet")
        # There is no next one.
        or (part in ("greeting", "switch", "login", "set", "end") and deed == "packets change places")
        # Connector/C 3.3 counts on from whatever number comes; libmysqlclient takes none but the next.
        or (deed == "packet out of order" and not uses_libmysqlclient())
    )


def faulty(deed, place):
    do, expected = SIMPLE[deed]

    def arrange(server):
        places = {place}

        def remembered(talk, payload):
            # A new connection is asked for all variables, without SELECT: it shall fare no better.
            places.add(place.replace("select.", "variables."))
            do(talk, payload)

        server.fault = (places, remembered)

    expected = expected | ({"available"} if may_be_believed(deed, place) else set())
    if place in ("switch", "login") and expected & BROKEN == BROKEN:
        expected = expected | {"access-denied"}
    if place.startswith("status.") and expected & BROKEN == BROKEN:
        expected = expected | UNKNOWN_STATE
    return Scenario(f"{deed} at {place}", arrange, expected)


PLUGIN = "mysql_native_password"


def switching(scenario):
    """The same with a server that has the password sent once more."""

    def arrange(server):
        server.switch_to = PLUGIN
        scenario.arrange(server)

    return dataclasses.replace(scenario, name=f"{scenario.name}, switching", arrange=arrange)


def test_every_fault_at_every_place(daemon):
    scenarios = [faulty(deed, place) for deed in SIMPLE for place in PLACES]
    scenarios += [switching(faulty(deed, place)) for deed in SIMPLE for place in ("switch", "login")]
    assert walk(daemon, scenarios, twice=True) == []


# ---- stopping after any byte ----


def stopping(after, then, expected):
    def arrange(server):
        def stopped(talk):
            server.faults += 1
            then(talk)

        server.stop_after, server.stopped = after, stopped

    return Scenario(f"{then.__name__} after {after} bytes", arrange, expected)


def hold(talk):
    talk.hold()


def close(talk):
    raise Over


def sampled(first, last, step):
    """Every byte, or where that takes too long, fewer of them."""
    return range(first, last, 1 if DENSE else step)


def test_stop_after_any_byte(daemon):
    """Of a first round, with the login, and of a later one, with SELECT."""
    bench = Bench(daemon)
    until(lambda: len(bench.server.ends) >= 5, "later round")
    assert bench.finish() == []
    _set, _variables, first_round, _status, later_round = bench.server.ends[:5]
    scenarios = [stopping(after, close, {"refused"})
                 for after in (*range(120), *sampled(120, first_round, 41))]
    scenarios += [stopping(after, hold, {"timeout"})
                  for after in (*sampled(0, 120, 4), *sampled(120, later_round, 97))]
    assert walk(daemon, scenarios) == []


def test_stop_after_any_byte_of_a_switch(daemon):
    """From the last byte of the greeting to all but the last of the login's OK."""
    first = 4 + len(greeting(HEALTHY_VARIABLES["version"]))
    last = first + 4 + len(plugin_switch(PLUGIN)) + 4 + len(OK)
    scenarios = [stopping(after, close, {"refused"}) for after in range(first, last)]
    scenarios += [stopping(after, hold, {"timeout"}) for after in sampled(first, last, 4)]
    assert walk(daemon, [switching(scenario) for scenario in scenarios]) == []


def test_one_byte_a_second(daemon):
    """The timeout is for the whole, however regularly something comes."""
    bench = Bench(daemon, {"timeout": "1500ms"}, max_age=3)
    bench.server.fault = ({"status.header"}, faults.drip(1.0))
    bench.checker.wait_reason("timeout", seconds=3 + 1.5)
    bench.server.heal()
    bench.checker.wait_reason("available")
    assert bench.finish() == []


# ---- what a whole answer says ----


def saying(what, values, name, value, expected):
    def arrange(server):
        target = getattr(server, values)
        if value is MISSING:
            target.pop(name)
        else:
            target[name] = value
        server.faults += 1

    return Scenario(f"{name} {what}", arrange, {expected})


MISSING = object()
LARGE = "x" * 60000
STATES = {
    "wsrep_cluster_status": "non-primary",
    "wsrep_ready": "not-ready",
    "wsrep_connected": "not-ready",
    "wsrep_local_state": "error",
}
SETTINGS = {
    "wsrep_on": "not-galera",
    "wsrep_reject_queries": "rejecting",
    "offline_mode": "rejecting",
    "pxc_maint_mode": "maintenance",
}
WRONG_TYPES = ("", " ", "4.5", "-4", "4x", "99999999999999999999", "NaN", "\x00", "\udcff\udcfe", LARGE)


def value_scenarios():
    for name, reason in STATES.items():
        for what, value in (("NULL", None), ("missing", MISSING)):
            yield saying(what, "status", name, value, reason)
        for value in WRONG_TYPES:
            yield saying(f"is {value[:20]!r}", "status", name, value, reason)
    for name in ("version", "read_only"):
        yield saying("missing", "variables", name, MISSING, "protocol-error")
    yield saying("NULL", "variables", "version", None, "protocol-error")
    for name, reason in SETTINGS.items():
        yield saying("NULL", "variables", name, None, reason)


def repeating(name, value):
    def arrange(server):
        server.repeated = (name, value)
        server.faults += 1

    return Scenario(f"{name} repeated as {value!r}", arrange, {"protocol-error"})


def test_what_an_answer_says(daemon):
    scenarios = list(value_scenarios())
    scenarios += [repeating(name, value) for name in STATES for value in ("", "ON", "4")]
    scenarios += [repeating(None, "4"), repeating("wsrep_ready", None)]
    assert walk(daemon, scenarios, benches=4) == []


# Every type there is, and some that there are not: DECIMAL to NULL (6) to BIT, JSON to GEOMETRY.
TYPES = (*range(22), *range(240, 256), 100)
SICK = {
    "status": ("wsrep_cluster_status", "non-Primary", "non-primary"),
    "variables": ("wsrep_reject_queries", "ALL", "rejecting"),
}


def declaring(declared, sick=None):
    """The values are a string's all the same, as in every answer to a statement in text."""
    if sick:
        name, value, reason = SICK[sick]

    def arrange(server):
        server.declared = declared
        if sick:
            getattr(server, sick)[name] = value
        server.faults += 1

    expected = {reason, "protocol-error"} if sick else {"available", "protocol-error"}
    return Scenario(f"{sick or 'healthy'} with columns of type {declared}", arrange, expected, stays=bool(sick))


def test_declared_types(daemon):
    """A type may be refused, but what it is said to be changes no value."""
    scenarios = [declaring(declared, sick) for declared in TYPES for sick in (None, *SICK)]
    assert walk(daemon, scenarios) == []


# ---- TLS ----


def context_for(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "ours", "ours")


@pytest.fixture(scope="module")
def contexts(authority, tmp_path_factory):
    """The good one first."""
    other = Authority(tmp_path_factory.mktemp("tls") / "other", "other")
    pairs = {
        "good": authority.sign("good", "127.0.0.1"),
        "expired": authority.sign("expired", "127.0.0.1", expired=True),
        "of another host": authority.sign("elsewhere", "192.0.2.1"),
        "of another authority": other.sign("foreign", "127.0.0.1"),
        "signed by itself": (other.ca, other.directory / "ca.key"),
    }
    return {name: context_for(pair) for name, pair in pairs.items()}


def remember_password(talk, payload):
    """How caching_sha2_password goes on when the server knows the account: two packets at once."""
    talk.put(b"\x01\x03")
    talk.put(payload)


@pytest.mark.parametrize("tls", [False, True], ids=["socket", "TLS"])
@pytest.mark.parametrize("plugin", [PLUGIN, "caching_sha2_password"])
def test_a_switch_that_goes_well(daemon, authority, contexts, tmp_path, plugin, tls):
    server = ScriptedServer(contexts["good"]) if tls else ScriptedServer(path=tmp_path / "s")
    server.switch_to = plugin
    if plugin != PLUGIN:
        server.fault = ({"login"}, remember_password)
    settings = {"tls": "verify", "tls_ca": authority.ca, "timeout": "500ms"} if tls else {}
    bench = Bench(daemon, settings, server)
    assert server.heard
    assert bench.finish() == []


def presenting(name, context):
    def arrange(server):
        server.tls = context
        server.faults += 1

    return Scenario(f"certificate {name}", arrange, {"protocol-error"})


def test_tls(daemon, authority, contexts):
    """With a handshake more, in which all the same can go wrong."""
    server = ScriptedServer(contexts["good"])
    scenarios = [presenting(name, context) for name, context in contexts.items() if name != "good"]
    scenarios += [presenting("none at all", None)]
    scenarios += [faulty(deed, place) for place in ("tls", "login", "variables.row", "status.row")
                  for deed in ("says nothing", "drips", "packets without end", "garbage 0", "half a packet")]
    scenarios += [Scenario(f"{deed} at {place}", faulty(deed, place).arrange, BROKEN)
                  for place in ("tls", "login", "status.row") for deed in ("closes", "resets")]
    bench = Bench(daemon, {"tls": "verify", "tls_ca": authority.ca, "timeout": "500ms"}, server, 2)
    assert bench.run_all(scenarios) == []
