# SPDX-License-Identifier: GPL-2.0-or-later
"""Callers nobody wants. Each attack is a process of its own, and gives way to the others (nice):

    python3 -m support.attackers ATTACK HOST PORT SECONDS SHARE

Their rates are bounded: what is tested is whether they get in a balancer's way, not what this
machine's processors can do while everything else runs on them too. SHARE is what one of several
attacks has of its rate.

They come from 127.1.0.1 to .8: one address has 28,000 ports, and those of 127.0.0.0/24 stay free.
"""

import itertools
import os
import random
import resource
import socket
import ssl
import struct
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CONNECTIONS = 1000  # per second
REQUESTS = 5000  # per second
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() resets
IP_BIND_ADDRESS_NO_PORT = 24

MALFORMED = [
    b"GET /\r\n",  # HTTP/0.9
    b"GET / HTTP/0.9\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1" + b"0" * 50 + b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"\r\n" * 500,
    b"\n\n\n\n",
    b" / HTTP/1.1\r\n\r\n",
    b"GET  / HTTP/1.1\r\n\r\n",
    b"GET /\0/status HTTP/1.1\r\n\r\n",
    b"\0" * 4096,
    b"GET / HTTP/1.1\r\n\0: \0\r\n\r\n",
    b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
    b"GET / HTTP/1.1\r\n folded: first\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"x" * 5000 + b"\r\nhello\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: identity, gzip\r\n\r\n",
    b"GET / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    b"GET /%00%ff%zz/..;/../../etc/passwd?%&=&&=%0d%0a HTTP/1.1\r\n\r\n",
    b"GET http://elsewhere/ HTTP/1.1\r\n\r\n",
    b"CONNECT elsewhere:25 HTTP/1.1\r\n\r\n",
    b"\x80" * 1000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 500,  # TLS ClientHello
    b"\x16\x03\x01\xff\xff" + b"\0" * 2000,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2p1\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
    b"X-Haproxy-Server-State: UP\r\n" * 100,
    b"GET / HTTP/1.1\r\nX-Haproxy-Server-State: " + b"\x01\xff" * 1000 + b"\r\n\r\n",
]


class Target:
    def __init__(self, host, port, seconds, share):
        self.address = (host, int(port))
        self.end = time.monotonic() + float(seconds)
        self.share = float(share)

    def goes_on(self):
        return time.monotonic() < self.end

    def at_rate(self, rate, most=None):
        """0, 1, 2, ... until the attack's time or `most` is over."""
        began, rate = time.monotonic(), rate * self.share
        for number in itertools.count() if most is None else range(most):
            time.sleep(max(0, began + number / rate - time.monotonic()))
            if not self.goes_on():
                return
            yield number

    def connect(self, blocking=True, receive_buffer=None):
        """None where it could not be made: an attack goes on with the next."""
        connection = socket.socket()
        try:
            connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            connection.bind((f"127.1.0.{random.randrange(1, 9)}", 0))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connection.settimeout(2 if blocking else 0)
            connection.connect(self.address)
        except BlockingIOError:
            pass
        except OSError:
            connection.close()
            return None
        return connection

    def wait(self):
        time.sleep(max(0, self.end - time.monotonic()))


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


def try_send(connection, payload):
    try:
        return connection.send(payload)
    except OSError:
        return 0


def held_by(target, count, rate=5 * CONNECTIONS, **options):
    made = (target.connect(**options) for _ in target.at_rate(rate, count))
    return [connection for connection in made if connection]


# ---- the attacks ----


def idle(target):
    """Ten thousand connections that say nothing."""
    held = held_by(target, 10_000, rate=10_000)
    print(f"{len(held)} connections")
    target.wait()


def flood(target):
    """Connections that come and stay, three thousand of them at a time."""
    held = []
    for _ in target.at_rate(3 * CONNECTIONS):
        if connection := target.connect(blocking=False):
            held.append(connection)
        if len(held) > 3000:
            reset(held.pop(0))


def flood_of_requests(target):
    """A connection, a request, no interest in the answer."""
    for _ in target.at_rate(CONNECTIONS):
        if connection := target.connect():
            try_send(connection, REQUEST)
            reset(connection)


def pipeline(target, path=b"/", count=200, rate=REQUESTS):
    """Many requests at once on kept connections; answers are read now and then."""
    requests = REQUEST.replace(b"/", path, 1) * 10
    held = held_by(target, count)
    for connection in held:
        connection.settimeout(0)
    for number in target.at_rate(rate / 10):
        connection = held[number % len(held)]
        try_send(connection, requests)
        try:
            connection.recv(1 << 20)
        except OSError:
            pass


def expensive(target):
    """What takes longest to answer, on as many connections as there may be."""
    pipeline(target, b"/metrics", 1000)


def drip(target):
    """A byte of a request, and the next a moment later, on two thousand connections."""
    held = [(connection, itertools.cycle(REQUEST[:-4])) for connection in held_by(target, 2000)]
    for number in target.at_rate(REQUESTS):
        connection, request = held[number % len(held)]
        try_send(connection, bytes([next(request)]))


def no_reading(target):
    """Asks for much with the smallest window and reads none of it."""
    held = held_by(target, 1000, receive_buffer=1024)
    requests = REQUEST.replace(b"/", b"/metrics", 1) * 20
    for connection in held:
        connection.settimeout(0)
    for number in target.at_rate(REQUESTS / 20):
        try_send(held[number % len(held)], requests)


def oversize(target):
    """URLs, header names and header values of 1 MiB, and headers without end."""
    huge = b"x" * (1 << 20)
    payloads = itertools.cycle([
        b"GET /" + huge + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + huge + b": y\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + huge + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000,
        b"POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n" + huge,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 100_000,
    ])
    for _ in target.at_rate(50):
        if connection := target.connect():
            try:
                connection.sendall(next(payloads))
            except OSError:
                pass
            reset(connection)


def malformed(target):
    """What is no HTTP, each whole, cut off somewhere, and followed by noise."""
    noise = random.Random(1)
    held = []
    for number in target.at_rate(CONNECTIONS / 4):
        payload = MALFORMED[number % len(MALFORMED)]
        cut = payload[: noise.randrange(len(payload)) + 1]
        for text in (payload, cut, cut + noise.randbytes(100), noise.randbytes(300)):
            if connection := target.connect():
                try_send(connection, text)
                held.append(connection)
        while len(held) > 1500:
            held.pop(0).close()


def half_closed(target):
    """Says a part, or all, or nothing, and that it will say no more; then waits."""
    held = []
    for number in target.at_rate(CONNECTIONS):
        length = number % (len(REQUEST) + 1)
        if connection := target.connect():
            try_send(connection, REQUEST[:length])
            try:
                connection.shutdown(socket.SHUT_WR if length % 3 else socket.SHUT_RD)
            except OSError:
                pass
            held.append(connection)
        while len(held) > 1500:
            held.pop(0).close()


def resets(target):
    """A reset after each byte of the request, and after each byte of the answer."""
    for number in target.at_rate(CONNECTIONS):
        length = number % (len(REQUEST) + 240)
        if connection := target.connect():
            try_send(connection, REQUEST[:length])
            try:
                if length > len(REQUEST):
                    connection.recv(length - len(REQUEST))
            except OSError:
                pass
            reset(connection)


def handshakes(target):
    """TLS begun, in whole or in part, and never used."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    held = []
    for number in target.at_rate(CONNECTIONS / 4):
        if connection := target.connect():
            if number % 40 == 0:
                try:
                    connection = context.wrap_socket(connection)
                except OSError:
                    pass
            else:
                hello = b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + os.urandom(32)
                try_send(connection, hello[: number % len(hello)])
            held.append(connection)
        while len(held) > 1500:
            held.pop(0).close()


ATTACKS = [
    idle,
    flood,
    flood_of_requests,
    pipeline,
    expensive,
    drip,
    no_reading,
    oversize,
    malformed,
    half_closed,
    resets,
]


def main(name, host, port, seconds, share):
    os.nice(19)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 12_000), most))
    globals()[name](Target(host, port, seconds, share))


if __name__ == "__main__":
    main(*sys.argv[1:])
