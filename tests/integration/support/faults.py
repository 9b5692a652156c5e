# SPDX-License-Identifier: GPL-2.0-or-later
"""What a lying, broken or slow server does in place of sending a packet."""

import random
import time

from support.wire import EOF, OK, Over, error_packet, plugin_switch

ERRORS = {
    1040: "Too many connections",
    1045: "Access denied for user 'x'@'localhost' (using password: YES)",
    1047: "WSREP has not yet prepared node for application use",
    1129: "Host 'x' is blocked because of many connection errors",
    1203: "User x already has more than 'max_user_connections' active connections",
    1226: "User 'x' has exceeded the 'max_user_connections' resource (current value: 1)",
    1862: "Your password has expired. To log in you must change it",
}
SIXTEEN_MIB = 0xFFFFFF


def silence(talk, _):
    talk.hold()


def close(talk, _):
    talk.flush()
    raise Over


def reset(talk, _):
    talk.reset()


def error(code):
    def deed(talk, _):
        talk.put(error_packet(code, "HY000", ERRORS[code]))
        talk.hold()

    return deed


def half(talk, payload):
    """A packet of half the length, whole as a frame; then all goes on as if nothing were."""
    talk.put(payload[: len(payload) // 2])


def empty(talk, _):
    talk.put(b"")


def twice(talk, payload):
    talk.put(payload)
    talk.put(payload)


def padded(talk, payload):
    """Larger than anything that is asked for."""
    talk.put(payload + bytes(300_000))


def claimed(talk, payload):
    """16 MiB are announced, and the packet is all that comes."""
    talk.write(talk.header(SIXTEEN_MIB) + payload)
    talk.hold()


def huge(talk, payload):
    """16 MiB are announced, and come."""
    talk.put(payload + bytes(SIXTEEN_MIB))


def out_of_order(talk, payload):
    talk.sequence += 7
    talk.put(payload)


def delayed(talk, payload):
    """The packet comes after the next one, or alone when there is none."""
    talk.late.append(payload)


def noise(seed):
    """A packet of the right length and no sense."""

    def deed(talk, payload):
        talk.put(random.Random(seed).randbytes(len(payload)))

    return deed


def garbage(seed):
    """Not even packets."""

    def deed(talk, _):
        talk.write(random.Random(seed).randbytes(3000))
        talk.hold()

    return deed


def drip(pause):
    def deed(talk, payload):
        for byte in talk.header(len(payload)) + payload:
            talk.write(bytes([byte]))
            talk.flush()
            time.sleep(pause)

    return deed


def repeated(times):
    def deed(talk, payload):
        for _ in range(times):
            talk.put(payload)

    return deed


def endless(talk, payload):
    """Until the client has gone; in large pieces, so that it is never waited for."""
    while True:
        for _ in range(256):
            talk.put(payload)


def demand_file(path):
    def deed(talk, _):
        talk.put(b"\xfb" + path.encode())
        talk.receive()
        talk.put(error_packet(1105, "HY000", "no file"))

    return deed


def demand_plugin(name):
    def deed(talk, _):
        talk.put(plugin_switch(name))
        talk.receive()
        talk.hold()

    return deed


def ok_instead(talk, _):
    talk.put(OK)


def eof_instead(talk, _):
    talk.put(EOF)
