# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that says what a test wants: the MySQL protocol, as far as a probe speaks it.

For states that no server of Debian's can be brought into (Percona XtraDB Cluster's maintenance mode,
an unknown state), for walking through all of them in seconds, and for what only a broken or lying
server does (support.faults).
"""

import contextlib
import re
import socket
import threading
import time

from support.process import free_port
from support.wire import OK, VAR_STRING, Conversation, Over, error_packet, greeting, plugin_switch

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

UNKNOWN_VARIABLE = (1193, "HY000", "Unknown system variable")


class ScriptedServer:
    """`status`, `variables` and the errors may be changed at any time."""

    def __init__(self, tls=None, path=None):
        self.status = dict(HEALTHY_STATUS)
        self.variables = dict(HEALTHY_VARIABLES)
        self.login_error = None  # (code, SQL state, message)
        self.query_error = None
        self.switch_to = None  # an authentication plugin to ask the client for
        self.wants_file = None  # one of the client's, asked for in place of an answer
        self.asks_for_password = None  # the public key (PEM) to send it under
        self.heard = []  # what it answered to either
        self.repeated = None  # (name, value) of a status row to send once more
        self.declared = VAR_STRING  # the type of all columns
        self.fault = None  # (places, deed): the deed is done where a packet is due (support.wire)
        self.faults = 0  # how often it has been done
        self.stop_after = None  # bytes of each conversation, and what is done then
        self.stopped = None
        self.ends = []  # bytes of the last conversation, up to the end of each answer
        self.tls = self._healthy_tls = tls  # an ssl.SSLContext
        self.plugin = "mysql_native_password"  # the greeting's
        self.silent = threading.Event()  # set: takes connections and says nothing
        self.path = path  # of a Unix socket, in place of the address
        self.address = ("127.0.0.1", free_port())
        self.logins = 0
        self.questions = 0  # answered
        self._conversations = set()
        self._listener = self._listen()
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def settings(self):
        """The [mysql] section that leads here."""
        if self.path:
            return {"socket": self.path}
        return {"socket": None, "host": self.address[0], "port": self.address[1]}

    def heal(self):
        self.silent.clear()
        self.switch_to = self.wants_file = None
        self.fault = self.stop_after = self.repeated = None
        self.declared = VAR_STRING
        self.tls = self._healthy_tls
        self.status = dict(HEALTHY_STATUS)
        self.variables = dict(HEALTHY_VARIABLES)
        self.login_error = self.query_error = None

    def hang_up(self):
        for talk in list(self._conversations):
            with contextlib.suppress(OSError):
                talk.connection.shutdown(socket.SHUT_RDWR)

    def stop(self):
        self._stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def _listen(self):
        if self.path:
            return socket.create_server(str(self.path), family=socket.AF_UNIX)
        return socket.create_server(self.address)

    # ---- its threads ----

    def _accept(self):
        while not self._stopped:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        if not self.path:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        talk = Conversation(connection, self._fault_at, self.stop_after, self.stopped)
        self._conversations.add(talk)
        try:
            with contextlib.suppress(OSError, Over):
                self._converse(talk)
                talk.flush()
        finally:
            self._conversations.discard(talk)
            talk.connection.close()

    def _fault_at(self, place):
        fault = self.fault
        if not fault or place not in fault[0]:
            return None
        self.faults += 1
        return fault[1]

    def _converse(self, talk):
        self._keep_silent()
        self._log_in(talk)
        if self.login_error:
            talk.put(error_packet(*self.login_error))
            return
        talk.send(OK, "login")
        self.ends = ends = []
        while True:
            command = talk.receive()
            if command[:1] == b"\x01":
                return
            self._answer(talk, command[1:].decode("utf-8", "replace"))
            ends.append(talk.sent)
            self.questions += 1

    def _log_in(self, talk):
        version = self.variables.get("version") or "8.0"
        talk.send(greeting(version, self.plugin, self.tls is not None), "greeting")
        response = talk.receive()
        if self.tls and len(response) == 32:
            deed = self._fault_at("tls")
            if deed:
                deed(talk, b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")  # as a ServerHello begins
            talk.start_tls(self.tls)
            talk.receive()
        self.logins += 1
        if self.asks_for_password:  # "full authentication" of caching_sha2_password
            talk.send(b"\x01\x04", "login")
            self.heard.append(talk.receive())
            if self.heard[-1] == b"\x02":
                talk.put(b"\x01" + self.asks_for_password)
                self.heard.append(talk.receive())
        if self.switch_to:
            talk.send(plugin_switch(self.switch_to), "switch")
            self.heard.append(talk.receive())

    def _keep_silent(self):
        while self.silent.is_set() and not self._stopped:
            time.sleep(0.01)

    def _answer(self, talk, sql):
        self._keep_silent()
        if self.wants_file:
            talk.put(b"\xfb" + self.wants_file.encode())
            self.heard.append(talk.receive())
            talk.put(error_packet(1105, "HY000", "no file"))
        elif self.query_error:
            talk.put(error_packet(*self.query_error))
        elif sql.startswith("SET "):
            known = "wsrep_on" in self.variables
            talk.send(OK if known else error_packet(*UNKNOWN_VARIABLE), "set")
        elif sql.startswith("SHOW GLOBAL STATUS"):
            self._send_named(talk, self.status, sql, "status", self.repeated)
        elif sql.startswith("SHOW GLOBAL VARIABLES"):
            self._send_named(talk, self.variables, sql, "variables")
        else:
            self._select(talk, re.findall(r"@@global\.(\w+)", sql))

    def _send_named(self, talk, values, sql, kind, repeated=None):
        asked = re.findall(r"'(\w+)'", sql)
        rows = [(name, values[name]) for name in asked if name in values]
        rows += [repeated] if repeated else []
        talk.send_rows(("Variable_name", "Value"), rows, kind, self.declared)

    def _select(self, talk, names):
        if any(name not in self.variables for name in names):
            talk.put(error_packet(*UNKNOWN_VARIABLE))
        else:
            row = [self.variables[name] for name in names]
            talk.send_rows(names, [row], "select", self.declared)
