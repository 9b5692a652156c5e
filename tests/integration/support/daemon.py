# SPDX-License-Identifier: GPL-2.0-or-later
"""clustercheckd with a configuration of its own, on a free port."""

import json
import signal
import subprocess
import time

from support import http
from support.cluster import PASSWORD, USER
from support.process import Process, free_port
from support.programs import program, sanitizer_lines
from support.wait import until

INTERVAL = 0.1  # of the tests' daemons, unless a test says otherwise


def ini_text(sections):
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items())
        for name, keys in sections.items()
    )


class Daemon(Process):
    """`sections` override the test defaults, key by key; a key set to None is left out. `prefix` is a
    command that becomes the daemon, such as prlimit."""

    def __init__(
        self, directory, server=None, sections=None, options=(), env=None, address=None, prefix=()
    ):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.ini = directory / "clustercheckd.ini"
        self.legacy_file = directory / "disabled"
        self.maintenance_file = directory / "maintenance"
        self.control = directory / "control.sock"
        self.notify_socket = directory / "notify.sock"
        self.address = address or ("127.0.0.1", free_port())
        self.port = self.address[1]
        self.sections = {
            "mysql": {
                "socket": server.socket if server else directory / "absent.sock",
                "user": USER,
                "password": PASSWORD,
                "interval": f"{INTERVAL * 1000:.0f}ms",
                "login_interval": "1s",
            },
            "http": {"listen": f"127.0.0.1:{self.port}"},
            "control": {"socket": self.control},
            "notify": {"socket": directory / "notify.sock"},
            "maintenance": {"file": self.maintenance_file, "legacy_file": self.legacy_file},
        }
        self.configure(sections or {})
        super().__init__(
            [*prefix, program("clustercheckd"), "-c", self.ini, *options],
            directory / "daemon.log",
            env=env,
        )

    def configure(self, sections):
        """Writes the ini file; takes effect at start or reload."""
        for name, keys in sections.items():
            section = self.sections.setdefault(name, {})
            section.update(keys)
            for key in [key for key, value in section.items() if value is None]:
                del section[key]
        self.ini.write_text(ini_text(self.sections))

    def start(self):
        super().start()
        until(self.answers, "answer from clustercheckd", 5)
        return self

    def run_to_end(self, *options):
        """For one that shall not start: its exit status and output."""
        command = [*self.command, *options]
        done = subprocess.run(
            command,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=5,
        )
        return done.returncode, done.stdout + done.stderr

    def answers(self):
        assert self.runs(), f"clustercheckd exited with {self.popen.returncode}: {self.log()}"
        try:
            return self.ask("/live")
        except ConnectionError:
            return None

    def ask(self, path="/", **options):
        return http.ask(self.address, path, **options)

    def reason(self, path="/"):
        return self.ask(path).reason

    def wait_reason(self, reason, path="/", seconds=10.0):
        """The first answer with this reason."""

        def the_answer():
            answer = self.ask(path)
            return answer if answer.reason == reason else None

        try:
            return until(the_answer, f"reason {reason} on {path}", seconds, 0.002)
        except AssertionError as late:
            raise AssertionError(f"{late}; now it is {self.ask(path)!r}") from None

    def seconds_to_reason(self, reason, path="/", seconds=10.0):
        began = time.monotonic()
        self.wait_reason(reason, path, seconds)
        return time.monotonic() - began

    def status(self):
        return json.loads(self.ask("/status").body)

    def probed(self):
        return self.ask().headers.get("x-clustercheck-probed")

    def wait_rounds(self, count=2, seconds=10.0):
        """Waits until `count` more rounds have been made."""
        first = self.status()["probe"]["rounds"]
        until(lambda: self.status()["probe"]["rounds"] >= first + count, "rounds", seconds)

    def reload(self, sections=None):
        """SIGHUP; returns the log's words about it."""
        if sections:
            self.configure(sections)
        before = len(self.log())
        self.send_signal(signal.SIGHUP)

        def verdict():
            lines = [line for line in self.log()[before:].splitlines() if "reload" in line]
            return lines[0] if lines else None

        return until(verdict, "word about the reload in the log", 5)

    def stop(self, number=signal.SIGTERM, seconds=10):
        code, took = super().stop(number, seconds)
        assert sanitizer_lines(self.log()) == []
        assert code == 0, f"clustercheckd exited with {code}: {self.log()[-2000:]}"
        assert took < 2, f"stopping took {took:.2f} s"
        return code, took
