# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP over a bare socket: every byte, how long it took, and how the connection ended."""

import dataclasses
import socket
import time

TIMEOUT = 5.0


@dataclasses.dataclass
class Answer:
    raw: bytes
    seconds: float
    ended: str  # "fin", "rst", or "open" for a kept connection

    @property
    def head(self):
        return self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self):
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def version(self):
        return self.head.split(" ")[0]

    @property
    def status(self):
        return int(self.head.split(" ")[1])

    @property
    def headers(self):
        pairs = (line.partition(": ") for line in self.head.split("\r\n")[1:])
        return {name.lower(): value for name, _, value in pairs}

    @property
    def reason(self):
        return self.headers.get("x-clustercheck-reason")

    def __repr__(self):
        return f"<{self.raw!r} {self.ended} after {self.seconds * 1000:.1f} ms>"


def request_bytes(method="GET", path="/", version="1.0", headers=()):
    lines = [f"{method} {path} HTTP/{version}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connect(address, timeout=TIMEOUT):
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    connection.connect(str(address))
    return connection


def exchange(address, payload, timeout=TIMEOUT):
    """Sends the payload on a connection of its own and reads until the other side ends it."""
    began = time.monotonic()
    raw, ended = b"", "fin"
    with connect(address, timeout) as connection:
        connection.sendall(payload)
        try:
            while chunk := connection.recv(65536):
                raw += chunk
        except ConnectionResetError:
            ended = "rst"
    return Answer(raw, time.monotonic() - began, ended)


def ask(address, path="/", method="GET", version="1.0", headers=(), timeout=TIMEOUT):
    """`address` is (host, port) or the path of a Unix socket."""
    if version != "1.0":
        headers = (*headers, "Connection: close")
    return exchange(address, request_bytes(method, path, version, headers), timeout)


class Connection:
    """A kept connection of an HTTP/1.1 caller."""

    def __init__(self, address, timeout=TIMEOUT):
        self.socket = connect(address, timeout)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, path="/", method="GET", version="1.1", headers=()):
        began = time.monotonic()
        self.socket.sendall(request_bytes(method, path, version, headers))
        raw = self.read_answer(has_body=method != "HEAD")
        return Answer(raw, time.monotonic() - began, "open")

    def read_answer(self, has_body=True):
        while b"\r\n\r\n" not in self.rest:
            self._receive()
        head_length = self.rest.index(b"\r\n\r\n") + 4
        body_length = int(Answer(self.rest, 0, "open").headers["content-length"]) if has_body else 0
        while len(self.rest) < head_length + body_length:
            self._receive()
        raw = self.rest[: head_length + body_length]
        self.rest = self.rest[head_length + body_length :]
        return raw

    def is_closed_by_peer(self):
        """Waits for the other side's end; raises TimeoutError when it does not come."""
        return self.socket.recv(1) == b""

    def _receive(self):
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError(f"closed after {self.rest!r}")
        self.rest += chunk
