# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for a condition with a deadline: the only way these tests wait."""

import time


class TookTooLong(AssertionError):
    pass


def until(condition, what, seconds=10.0, pause=0.01):
    """Polls until condition() is true and returns that value; `what` says what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TookTooLong(f"no {what} within {seconds} s; last seen: {value!r}")
        time.sleep(pause)


def seconds_until(condition, what, seconds=10.0, pause=0.002):
    began = time.monotonic()
    until(condition, what, seconds, pause)
    return time.monotonic() - began
