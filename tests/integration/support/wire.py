# SPDX-License-Identifier: GPL-2.0-or-later
"""The MySQL protocol from the server's side, as far as a probe speaks it: packets and their order."""

import contextlib
import socket
import struct

CLIENT_SSL = 0x0800
CAPABILITIES = 0x000FF7FF & ~CLIENT_SSL  # everything up to plugin authentication, but TLS

OK = b"\x00\x00\x00\x02\x00\x00\x00"
EOF = b"\xfe\x00\x00\x02\x00"
VAR_STRING = 0xFD
SCRAMBLE = b"0123456789abcdefghij"


class Over(Exception):
    """The conversation ends here."""


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


def column(name, declared=VAR_STRING):
    """A column definition, with the type that its values are said to have."""
    names = b"".join(map(lenenc, ("def", "", "", "", name, name)))
    return names + b"\x0c" + struct.pack("<HIBHBH", 45, 1024, declared, 0, 0, 0)


def greeting(version, plugin="mysql_native_password", tls=False):
    capabilities = CAPABILITIES | (CLIENT_SSL if tls else 0)
    return (
        b"\x0a" + version.encode() + b"\x00"
        + struct.pack("<I", 7) + SCRAMBLE[:8] + b"\x00"
        + struct.pack("<H", capabilities & 0xFFFF) + b"\x2d" + struct.pack("<H", 2)
        + struct.pack("<H", capabilities >> 16) + bytes([21]) + bytes(10)
        + SCRAMBLE[8:] + b"\x00" + plugin.encode() + b"\x00"
    )


def plugin_switch(plugin):
    return b"\xfe" + plugin.encode() + b"\x00" + SCRAMBLE + b"\x00"


class Conversation:
    """
    Every packet is sent from a named place; `fault_at(place)` gives what is to happen there
    instead, or None. After `stop_after` bytes nothing more is sent, and `stopped(self)` goes on.
    """

    def __init__(self, connection, fault_at=lambda place: None, stop_after=None, stopped=None):
        self.connection = connection
        self.fault_at = fault_at
        self.stop_after, self.stopped = stop_after, stopped
        self.sequence = 0
        self.sent = 0
        self.waiting = bytearray()
        self.late = []  # payloads to be sent after the next packet

    def send(self, payload, place):
        fault = self.fault_at(place)
        if fault:
            fault(self, payload)
        else:
            self.put(payload)
            self._send_late()

    def _send_late(self):
        while self.late:
            self.put(self.late.pop())

    def put(self, payload):
        """One packet in its frame; more than one frame where it has 16 MiB or more."""
        while len(payload) >= 0xFFFFFF:
            self.write(self.header(0xFFFFFF) + payload[:0xFFFFFF])
            payload = payload[0xFFFFFF:]
        self.write(self.header(len(payload)) + payload)

    def header(self, length):
        self.sequence += 1
        return struct.pack("<I", length)[:3] + bytes([(self.sequence - 1) & 0xFF])

    def write(self, raw):
        left = len(raw) if self.stop_after is None else self.stop_after - self.sent
        self.waiting += raw[:left]
        self.sent += min(left, len(raw))
        if left < len(raw):
            self.flush()
            self.stopped(self)
            raise Over
        if len(self.waiting) > 65536:
            self.flush()

    def flush(self):
        self.connection.sendall(self.waiting)
        self.waiting.clear()

    def receive(self):
        self._send_late()
        self.flush()
        header = self._exactly(4)
        self.sequence = header[3] + 1
        return self._exactly(int.from_bytes(header[:3], "little"))

    def hold(self):
        """Says nothing until the client has gone."""
        self.flush()
        with contextlib.suppress(OSError):
            while self.connection.recv(4096):
                pass
        raise Over

    def reset(self):
        self.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Over

    def start_tls(self, context):
        self.flush()
        self.connection = context.wrap_socket(self.connection, server_side=True)

    def send_rows(self, names, rows, kind, declared=VAR_STRING):
        """A result set; `kind` is the first part of its places' names."""
        self.send(bytes([len(names)]), f"{kind}.header")
        for name in names:
            self.send(column(name, declared), f"{kind}.column")
        self.send(EOF, f"{kind}.columns-end")
        for row in rows:
            self.send(b"".join(map(lenenc, row)), f"{kind}.row")
        self.send(EOF, f"{kind}.end")

    def _exactly(self, length):
        raw = b""
        while len(raw) < length:
            chunk = self.connection.recv(length - len(raw))
            if not chunk:
                raise ConnectionError("the client has gone")
            raw += chunk
        return raw
