# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that does not get round to accept(2)."""

import contextlib
import errno
import socket


@contextlib.contextmanager
def full_backlog():
    """An address whose every SYN is dropped, because the queue before it is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as crowded, contextlib.ExitStack() as crowd:
        for _ in range(4):
            waiting = crowd.enter_context(socket.socket())
            waiting.setblocking(False)
            assert waiting.connect_ex(crowded.getsockname()) == errno.EINPROGRESS
        yield crowded.getsockname()
