# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that says what a test wants: the MySQL protocol, as far as a probe speaks it.

For states that no server of Debian's can be brought into (Percona XtraDB Cluster's maintenance mode,
an unknown state), and for walking through all of them in seconds.
"""

import contextlib
import re
import socket
import struct
import threading
import time

from support.process import free_port

HEALTHY_STATUS = {
    "wsrep_cluster_status": "Primary",
    "wsrep_ready": "ON",
    "wsrep_connected": "ON",
    "wsrep_local_state": "4",
    "wsrep_local_state_comment": "Synced",
    "wsrep_cluster_size": "3",
    "wsrep_local_index": "1",
    "wsrep_local_recv_queue": "0",
    "wsrep_flow_control_paused_ns": "0",
    "wsrep_desync_count": "0",
    "wsrep_last_committed": "1234",
    "wsrep_cluster_state_uuid": "6f5ecbd0-0000-11f0-8000-00000000cafe",
    "wsrep_incoming_addresses": "10.0.0.1:3306,10.0.0.2:3306,10.0.0.3:3306",
}
HEALTHY_VARIABLES = {
    "version": "8.0.36-28.1",
    "version_comment": "Percona XtraDB Cluster (GPL), Release rel28",
    "wsrep_on": "ON",
    "wsrep_reject_queries": "NONE",
    "wsrep_sst_method": "xtrabackup-v2",
    "wsrep_sst_donor_rejects_queries": "OFF",
    "read_only": "OFF",
    "super_read_only": "OFF",
    "offline_mode": "OFF",
    "pxc_maint_mode": "DISABLED",
    "wsrep_cluster_name": "scripted",
    "wsrep_node_name": "node2",
    "wsrep_node_address": "10.0.0.2",
}

CAPABILITIES = 0x000FF7FF & ~0x0800  # everything up to plugin authentication, but TLS
UNKNOWN_VARIABLE = (1193, "HY000", "Unknown system variable")


def lenenc(value):
    """A length-encoded string; None is NULL."""
    if value is None:
        return b"\xfb"
    raw = value.encode("utf-8", "surrogateescape")
    if len(raw) < 251:
        return bytes([len(raw)]) + raw
    return b"\xfc" + struct.pack("<H", len(raw)) + raw


def error_packet(code, state, message):
    return b"\xff" + struct.pack("<H", code) + b"#" + state.encode() + message.encode()


OK = b"\x00\x00\x00\x02\x00\x00\x00"
EOF = b"\xfe\x00\x00\x02\x00"


def column(name):
    names = b"".join(map(lenenc, ("def", "", "", "", name, name)))
    return names + b"\x0c" + struct.pack("<HIBHBH", 45, 1024, 0xFD, 0, 0, 0)


class Conversation:
    def __init__(self, connection):
        self.connection = connection
        self.sequence = 0

    def send(self, payload):
        header = struct.pack("<I", len(payload))[:3] + bytes([self.sequence & 0xFF])
        self.sequence += 1
        self.connection.sendall(header + payload)

    def receive(self):
        header = self._exactly(4)
        self.sequence = header[3] + 1
        return self._exactly(int.from_bytes(header[:3], "little"))

    def send_rows(self, names, rows):
        self.send(bytes([len(names)]))
        for name in names:
            self.send(column(name))
        self.send(EOF)
        for row in rows:
            self.send(b"".join(map(lenenc, row)))
        self.send(EOF)

    def _exactly(self, length):
        raw = b""
        while len(raw) < length:
            chunk = self.connection.recv(length - len(raw))
            if not chunk:
                raise ConnectionError("the client has gone")
            raw += chunk
        return raw


class ScriptedServer:
    """`status`, `variables` and the errors may be changed at any time."""

    def __init__(self):
        self.status = dict(HEALTHY_STATUS)
        self.variables = dict(HEALTHY_VARIABLES)
        self.login_error = None  # (code, SQL state, message)
        self.query_error = None
        self.switch_to = None  # an authentication plugin to ask the client for
        self.wants_file = None  # one of the client's, asked for in place of an answer
        self.heard = []  # what it answered to either
        self.repeated = None  # (name, value) of a status row to send once more
        self.silent = threading.Event()  # set: takes connections and says nothing
        self.address = ("127.0.0.1", free_port())
        self.logins = 0
        self.questions = 0  # answered
        self._connections = set()
        self._listener = socket.create_server(self.address)
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def settings(self):
        """The [mysql] section that leads here."""
        return {"socket": None, "host": self.address[0], "port": self.address[1]}

    def heal(self):
        self.silent.clear()
        self.switch_to = self.wants_file = None
        self.status = dict(HEALTHY_STATUS)
        self.variables = dict(HEALTHY_VARIABLES)
        self.login_error = self.query_error = None

    def hang_up(self):
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self):
        self._stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    # ---- its threads ----

    def _accept(self):
        while not self._stopped:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        self._connections.add(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, contextlib.suppress(OSError):
                self._converse(Conversation(connection))
        finally:
            self._connections.discard(connection)

    def _converse(self, talk):
        self._keep_silent()
        talk.send(self._greeting())
        talk.receive()
        self.logins += 1
        if self.switch_to:
            talk.send(b"\xfe" + self.switch_to.encode() + b"\x00" + b"0123456789abcdefghij\x00")
            self.heard.append(talk.receive())
        if self.login_error:
            talk.send(error_packet(*self.login_error))
            return
        talk.send(OK)
        while True:
            command = talk.receive()
            if command[:1] == b"\x01":
                return
            self._answer(talk, command[1:].decode("utf-8", "replace"))
            self.questions += 1

    def _greeting(self):
        scramble = b"0123456789abcdefghij"
        return (
            b"\x0a" + self.variables.get("version", "8.0").encode() + b"\x00"
            + struct.pack("<I", 7) + scramble[:8] + b"\x00"
            + struct.pack("<H", CAPABILITIES & 0xFFFF) + b"\x2d" + struct.pack("<H", 2)
            + struct.pack("<H", CAPABILITIES >> 16) + bytes([21]) + bytes(10)
            + scramble[8:] + b"\x00mysql_native_password\x00"
        )

    def _keep_silent(self):
        while self.silent.is_set() and not self._stopped:
            time.sleep(0.01)

    def _answer(self, talk, sql):
        self._keep_silent()
        if self.wants_file:
            talk.send(b"\xfb" + self.wants_file.encode())
            self.heard.append(talk.receive())
            talk.send(error_packet(1105, "HY000", "no file"))
        elif self.query_error:
            talk.send(error_packet(*self.query_error))
        elif sql.startswith("SET "):
            talk.send(OK if "wsrep_on" in self.variables else error_packet(*UNKNOWN_VARIABLE))
        elif sql.startswith("SHOW GLOBAL STATUS"):
            self._send_named(talk, self.status, sql, self.repeated)
        elif sql.startswith("SHOW GLOBAL VARIABLES"):
            self._send_named(talk, self.variables, sql)
        else:
            self._select(talk, re.findall(r"@@global\.(\w+)", sql))

    @staticmethod
    def _send_named(talk, values, sql, repeated=None):
        asked = re.findall(r"'(\w+)'", sql)
        rows = [(name, values[name]) for name in asked if name in values]
        rows += [repeated] if repeated else []
        talk.send_rows(("Variable_name", "Value"), rows)

    def _select(self, talk, names):
        if any(name not in self.variables for name in names):
            talk.send(error_packet(*UNKNOWN_VARIABLE))
        else:
            talk.send_rows(names, [[self.variables[name] for name in names]])
