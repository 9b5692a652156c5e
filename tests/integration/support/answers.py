# SPDX-License-Identifier: GPL-2.0-or-later
"""The words of the contract, written down once more, independently of the source."""

import re

BODIES = {
    "percona": {
        "synced": b"Percona XtraDB Cluster Node is synced.\r\n",
        "not synced": b"Percona XtraDB Cluster Node is not synced.\r\n",
        "read-only": b"Percona XtraDB Cluster Node is read-only.\r\n",
        "disabled": b"Percona XtraDB Cluster Node is manually disabled.\r\n",
    },
    "pxc": {
        "synced": b"Percona XtraDB Cluster Node is synced.\r\n",
        "not synced": b"Percona XtraDB Cluster Node is not synced or non-PRIM. \r\n",
        "read-only": b"Percona XtraDB Cluster Node is read-only.\r\n",
        "disabled": b"Percona XtraDB Cluster Node is manually disabled.\r\n",
    },
    "galera": {
        "synced": b"Galera cluster node is synced.\r\n",
        "not synced": b"Galera cluster node is not synced.\r\n",
        "read-only": b"Galera cluster node is read-only.\r\n",
        "disabled": b"Galera cluster node is manually disabled.\r\n",
    },
}
LENGTHS = {
    "percona": {"synced": 40, "not synced": 44, "read-only": 43, "disabled": 51},
    "pxc": {"synced": 40, "not synced": 57, "read-only": 43, "disabled": 51},
    "galera": {"synced": 32, "not synced": 36, "read-only": 35, "disabled": 43},
}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def script_bytes(dialect, sentence, head=False):
    """What the script that clustercheck replaces prints, byte for byte."""
    status = b"200 OK" if sentence == "synced" else b"503 Service Unavailable"
    return (
        b"HTTP/1.1 " + status + b"\r\n"
        b"Content-Type: text/plain\r\n"
        b"Connection: close\r\n"
        b"Content-Length: " + str(LENGTHS[dialect][sentence]).encode() + b"\r\n"
        b"\r\n" + (b"" if head else BODIES[dialect][sentence])
    )


def sentence_of(reason):
    return {"available": "synced", "disabled": "disabled", "read-only": "read-only"}.get(
        reason, "not synced"
    )


def assert_verdict(answer, reason, dialect="percona", state=None):
    """Status, reason, body and headers of one verdict agree with each other and the contract."""
    body = BODIES[dialect][sentence_of(reason)]
    assert answer.reason == reason, answer
    assert answer.status == (200 if reason == "available" else 503), answer
    assert answer.body == body, answer
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.ended == "fin", answer
    if state:
        assert answer.headers["x-clustercheck-state"] == state
        assert STAMP.fullmatch(answer.headers["x-clustercheck-probed"])
