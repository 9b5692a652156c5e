# SPDX-License-Identifier: GPL-2.0-or-later
"""A real HAProxy, and what it thinks of its servers."""

import csv
import re
import socket

from support.process import Process
from support.wait import until

CONFIG = """\
global
    stats socket {socket} mode 600 level admin
    log stderr format raw local0 debug
defaults
    mode tcp
    timeout connect 2s
    timeout client 5s
    timeout server 5s
    timeout check 1s
    log global
backend galera
{checks}
    default-server {server_options}
{servers}
"""
FRONTEND = """frontend application
    bind {address[0]}:{address[1]}
    timeout client 1m
    option tcplog
    default_backend galera
"""
HASTY = "inter {inter}ms fastinter 50ms downinter 100ms fall 1 rise 1"


class HAProxy(Process):
    """`servers` maps a name to (database address, check address); `address`: where it lets in. The
    checks' `inter` also bounds connecting, with TLS the handshake too."""

    def __init__(self, directory, checks, servers, server_options=HASTY, address=None, inter=100):
        directory.mkdir(parents=True, exist_ok=True)
        self.socket = directory / "haproxy.sock"
        config = directory / "haproxy.cfg"
        lines = (
            f"    server {name} {database[0]}:{database[1]} check addr {check[0]} port {check[1]}"
            for name, (database, check) in servers.items()
        )
        config.write_text(
            CONFIG.format(
                socket=self.socket,
                checks="\n".join(f"    {line}" for line in checks),
                server_options=server_options.format(inter=inter),
                servers="\n".join(lines),
            )
            + (FRONTEND.format(address=address) if address else "")
        )
        super().__init__(["haproxy", "-db", "-f", config], directory / "haproxy.log")

    def start(self):
        super().start()
        until(self.answers, "answer on HAProxy's stats socket")
        return self

    def answers(self):
        try:
            return self.say("show info")
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    def say(self, line):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(line.encode() + b"\n")
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def cut(self):
        """The log's lines on sessions that neither side ended in order, with server and durations."""
        return [line for line in self.log().splitlines() if re.search(r" (?!--|CD)[-A-Z]{2} \d+/\d+/", line)]

    def servers(self):
        """By name, the fields of `show stat`: status, check_status, check_code, last_chk, …"""
        table = self.say("show stat").lstrip("# ")
        rows = csv.DictReader(table.splitlines())
        return {row["svname"]: row for row in rows if row["svname"] not in ("BACKEND", "FRONTEND")}

    def checked(self, name):
        """How the last check of a server went. While one runs, HAProxy puts a star before it."""
        server = self.servers()[name]
        return server["status"], server["check_status"].lstrip("* "), server["check_code"]

    def wait(self, name, status, code=None, seconds=5.0):
        def as_wanted():
            now = self.checked(name)
            return now if now[0] == status and code in (None, now[2]) else None

        try:
            return until(as_wanted, f"{name} {status} {code}", seconds, 0.02)
        except AssertionError as late:
            raise AssertionError(f"{late}; HAProxy has {self.checked(name)}") from None

    def stop(self, **options):
        return super().stop(seconds=5, **options)


class WithStanza(HAProxy):
    """A balancer with what `clustercheckctl haproxy` prints, and a stats socket."""

    def __init__(self, directory, text):
        super().__init__(directory, [], {})
        (directory / "haproxy.cfg").write_text(
            f"global\n    stats socket {self.socket} mode 600 level admin\n" + text
        )

    def cut(self):
        """The log's lines on sessions that neither side ended in order, with server and durations."""
        return [line for line in self.log().splitlines() if re.search(r" (?!--|CD)[-A-Z]{2} \d+/\d+/", line)]

    def servers(self):
        """By backend and name: galera_rw/node1."""
        rows = csv.DictReader(self.say("show stat").lstrip("# ").splitlines())
        named = {f"{row['pxname']}/{row['svname']}": row for row in rows}
        return {name: row for name, row in named.items() if not name.endswith("END")}
