# SPDX-License-Identifier: GPL-2.0-or-later
"""A real xinetd that runs clustercheck per connection, from the file this tree installs."""

import re
import shutil

from support.process import Process, free_port
from support.programs import REPO, program
from support.wait import until

DEFAULTS = "defaults\n{{\n\tlog_type = FILE {log}\n}}\n"


def service_text(port, arguments, server):
    """xinetd/mysqlchk with this test's port, program and arguments."""
    text = (REPO / "xinetd/mysqlchk.in").read_text()
    wanted = {
        "disable": "no",
        "port": port,
        "server": server,
        "user": "root",
        "server_args": " ".join(arguments),
    }
    for key, value in wanted.items():
        line = f"\t{key} = {value}"
        text, count = re.subn(rf"^\t#?{key}\s*=.*$", lambda _: line, text, flags=re.M)
        assert count == 1, f"xinetd/mysqlchk.in has {count} lines of {key}"
    return text


class Xinetd(Process):
    def __init__(self, directory, arguments, server=None):
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        self.own_log = directory / "xinetd.own.log"
        config = directory / "xinetd.conf"
        service = service_text(self.port, arguments, server or program("clustercheck"))
        config.write_text(DEFAULTS.format(log=self.own_log) + service)
        command = ["xinetd", "-dontfork", "-f", config, "-pidfile", directory / "xinetd.pid"]
        super().__init__(command, directory / "xinetd.log")

    def start(self):
        super().start()
        listening = f"{self.port:04X}"

        def is_listening():
            tables = [open(f"/proc/net/{name}").read() for name in ("tcp", "tcp6")]
            return any(re.search(rf":{listening} \S+ 0A ", table) for table in tables)

        until(is_listening, "listening xinetd")
        return self


def is_installed():
    return shutil.which("xinetd") is not None
