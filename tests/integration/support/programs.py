# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the built programs are, and whether they carry a sanitizer."""

import functools
import os
import pathlib
import subprocess

REPO = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("CLUSTERCHECKD_BUILD", REPO / "build"))
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")


@functools.cache
def program(name):
    # Not all of BUILD: a root file system with a live /proc may lie there.
    places = [*BUILD.glob(f"src/**/{name}"), *BUILD.glob(f"tests/**/{name}")]
    found = [path for path in places if path.is_file() and os.access(path, os.X_OK)]
    if len(found) != 1:
        raise FileNotFoundError(f"{BUILD} holds {len(found)} programs named {name}; build it first")
    return found[0].resolve()


@functools.cache
def is_sanitized(name="clustercheckd"):
    code = program(name).read_bytes()
    return b"__asan_init" in code or b"__tsan_init" in code or b"__ubsan_handle" in code


@functools.cache
def uses_libmysqlclient():
    """Built against Oracle's library, rather than Connector/C."""
    command = [program("clustercheckd"), "--version"]
    said = subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout
    return "libmysqlclient" in said


def sanitizer_lines(text):
    return [line for line in text.splitlines() if any(word in line for word in SANITIZER_WORDS)]
