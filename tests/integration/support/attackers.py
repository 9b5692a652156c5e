# SPDX-License-Identifier: GPL-2.0-or-later
"""Callers nobody wants. Each attack is a process of its own, and gives way to the others (nice):

    python3 -m support.attackers ATTACK HOST PORT SECONDS SHARE

Their rates are bounded: what is tested is whether they get in a balancer's way, not what this
machine's processors can do while everything else runs on them too. SHARE is what one of several
attacks has of its rate.

They come from 127.1.0.1 to .8: one address has 28,000 ports, and those of 127.0.0.0/24 stay free.

Each ends on a line of JSON, what it has done; least_of() is what it must have for an attack.
"""

import collections
import itertools
import json
import math
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
A_FULL_HOUSE = 400  # connections: fewer than the besieged door takes, so none pushes another out
SUFFICES = 1 / 4  # of its rate is still an attack: what a busy machine leaves to it
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() resets
IP_BIND_ADDRESS_NO_PORT = 24
GOING_ON = (1, 2)  # TCP_ESTABLISHED, TCP_SYN_SENT

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
        self.done = collections.Counter()

    def at_rate(self, rate):
        """0, 1, 2, ... until the attack's time is over. Who is late goes at twice the rate at most:
        after a second without a processor, all of that second at once would be beyond any rate.
        """
        began, rate = time.monotonic(), rate * self.share
        last = began
        for number in itertools.count():
            due = max(began + number / rate, last + 0.5 / rate)
            # Not for nothing: sleep(0) takes a tenth of a millisecond.
            if (early := due - time.monotonic()) > 0:
                time.sleep(early)
            last = time.monotonic()
            if last >= self.end:
                return
            yield number

    def connect(self, blocking=True, receive_buffer=None):
        """Where it could not be made, the attack goes on with a connection that is none."""
        connection = socket.socket()
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((f"127.1.0.{random.randrange(1, 9)}", 0))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(2 if blocking else 0)
        try:
            connection.connect(self.address)
        except OSError:
            pass
        self.done["connections"] += is_made(connection)
        return connection

    def send(self, connection, payload, what):
        """Counts what goes out, if only a part."""
        try:
            connection.send(payload)
            self.done[what] += 1
        except OSError:
            pass

    def receive(self, connection, length=1 << 20):
        try:
            self.done["answers"] += connection.recv(length).count(b"HTTP/1.1 ")
        except OSError:
            pass


class Kept:
    """Connections that do not block and have their turns: of a share of the rate there is a share
    of them. Where the other side has ended one, there is a new one."""

    def __init__(self, target, count, **options):
        self.target, self.options = target, options
        self.connections = [self.make() for _ in range(math.ceil(count * target.share))]

    def make(self):
        return self.target.connect(blocking=False, **self.options)

    def send(self, number, payload, what):
        index = number % len(self.connections)
        if is_over(self.connections[index]):
            self.connections[index].close()
            self.connections[index] = self.make()
        self.target.send(self.connections[index], payload, what)
        return self.connections[index]


def is_over(connection):
    """Also where only the other side has ended it: a first send(2) would still succeed."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] not in GOING_ON


def is_made(connection):
    """Within a machine one that does not block is made at once too, unless the queue is full."""
    try:
        return bool(connection.getpeername())
    except OSError:
        return False


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


# ---- the attacks ----

LEAST = {}


def at_least(**least):
    """What an attack does in a second of its own, or (that, and when it is enough)."""

    def decorate(attack):
        LEAST[attack.__name__] = least
        return attack

    return decorate


def least_of(name, seconds, share):
    """By the words of its line: below this it was no attack."""
    least = {}
    for what, rate in LEAST[name].items():
        rate, enough = rate if isinstance(rate, tuple) else (rate, math.inf)
        least[what] = min(rate * seconds * share * SUFFICES, enough)
    return least


@at_least(at_once=(10 * CONNECTIONS, 10_000))
def idle(target):
    """Ten thousand connections that say nothing; then each second a thousand go and others come."""
    held = collections.deque()
    for _ in target.at_rate(10 * CONNECTIONS):
        held.append(target.connect(blocking=False))
        target.done["at_once"] = target.done["connections"]
        if target.done["at_once"] == 10_000:
            break
    for _ in target.at_rate(CONNECTIONS):
        held.append(target.connect(blocking=False))
        reset(held.popleft())


@at_least(connections=3 * CONNECTIONS)
def flood(target):
    """Connections that come and stay, three thousand of them at a time."""
    held = collections.deque()
    for _ in target.at_rate(3 * CONNECTIONS):
        held.append(target.connect(blocking=False))
        if len(held) > 3000:
            reset(held.popleft())


@at_least(requests=CONNECTIONS)
def flood_of_requests(target):
    """A connection, a request, no interest in the answer."""
    for _ in target.at_rate(CONNECTIONS):
        connection = target.connect()
        target.send(connection, REQUEST, "requests")
        reset(connection)


def ask_in_bundles(target, path, count):
    bundle = REQUEST.replace(b"/", path, 1) * 10
    kept = Kept(target, count)
    for number in target.at_rate(REQUESTS / 10):
        target.receive(kept.send(number, bundle, "bundles"))


@at_least(bundles=REQUESTS / 10, answers=REQUESTS)
def pipeline(target):
    """Many requests at once on kept connections; answers are read now and then."""
    ask_in_bundles(target, b"/", 50)


@at_least(bundles=REQUESTS / 10)
def expensive(target):
    """What takes longest to answer, on as many connections as there may be."""
    ask_in_bundles(target, b"/metrics", A_FULL_HOUSE)


@at_least(bytes=REQUESTS)
def drip(target):
    """A byte of a request, and the next a moment later, without an end."""
    kept = Kept(target, A_FULL_HOUSE)
    for number in target.at_rate(REQUESTS):
        place = number // len(kept.connections) % len(REQUEST[:-4])
        kept.send(number, REQUEST[place : place + 1], "bytes")


@at_least(bundles=REQUESTS / 20)
def no_reading(target):
    """Asks for much with the smallest window and reads none of it."""
    bundle = REQUEST.replace(b"/", b"/metrics", 1) * 20
    kept = Kept(target, A_FULL_HOUSE, receive_buffer=1024)
    for number in target.at_rate(REQUESTS / 20):
        kept.send(number, bundle, "bundles")


@at_least(payloads=50)
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
        connection, payload = target.connect(), next(payloads)
        if is_made(connection):
            target.done["payloads"] += 1
            try:
                connection.sendall(payload)
                target.done["whole"] += 1
            except OSError:
                pass
        reset(connection)


@at_least(texts=CONNECTIONS)
def malformed(target):
    """What is no HTTP, each whole, cut off somewhere, and followed by noise."""
    noise = random.Random(1)
    held = collections.deque()
    for number in target.at_rate(CONNECTIONS / 4):
        payload = MALFORMED[number % len(MALFORMED)]
        cut = payload[: noise.randrange(len(payload)) + 1]
        for text in (payload, cut, cut + noise.randbytes(100), noise.randbytes(300)):
            held.append(target.connect())
            target.send(held[-1], text, "texts")
        while len(held) > 1500:
            held.popleft().close()


@at_least(ends=CONNECTIONS)
def half_closed(target):
    """Says a part, or all, or nothing, and that it will say no more; then waits."""
    held = collections.deque()
    for number in target.at_rate(CONNECTIONS):
        length = number % (len(REQUEST) + 1)
        held.append(target.connect())
        target.send(held[-1], REQUEST[:length], "parts")
        try:
            held[-1].shutdown(socket.SHUT_WR if length % 3 else socket.SHUT_RD)
            target.done["ends"] += 1
        except OSError:
            pass
        if len(held) > 1500:
            held.popleft().close()


@at_least(parts=CONNECTIONS)
def resets(target):
    """A reset after each byte of the request, and after each byte of the answer."""
    for number in target.at_rate(CONNECTIONS):
        length = number % (len(REQUEST) + 240)
        connection = target.connect()
        target.send(connection, REQUEST[:length], "parts")
        if length > len(REQUEST):
            target.receive(connection, length - len(REQUEST))
        reset(connection)


@at_least(parts=CONNECTIONS / 4, handshakes=CONNECTIONS / 40)
def handshakes(target):
    """TLS begun, in whole or in part, and never used."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    held = collections.deque()
    for number in target.at_rate(CONNECTIONS / 4):
        connection = target.connect()
        if number % 10 == 0:
            try:
                connection = context.wrap_socket(connection)
                # Of what is not connected it makes a TLS socket too.
                target.done["handshakes"] += connection.version() is not None
            except OSError:
                pass
        hello = b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + os.urandom(32)
        target.send(connection, hello[: number % len(hello)], "parts")
        held.append(connection)
        if len(held) > 1500:
            held.popleft().close()


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
    target = Target(host, port, seconds, share)
    globals()[name](target)
    print(json.dumps(target.done))


if __name__ == "__main__":
    main(*sys.argv[1:])
