# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own mariadb.service in a booted machine: a real Galera node, alone in its cluster."""

import pathlib
import shutil

from support import booted
from support.cluster import Session
from support.wait import until

UNIT = "mariadb.service"
UNIT_FILE = pathlib.Path("/lib/systemd/system") / UNIT
ALIASES = ("mysql.service", "mysqld.service")  # links in the same directory, as the package has them
PROVIDER = "/usr/lib/libgalera_smm.so"
FILES = ("/usr/sbin/mariadbd", PROVIDER, "/usr/share/mysql/charsets", "/usr/share/mysql/english")
SOCKET = "/run/mysqld/mysqld.sock"
SYSUSERS = 'u mysql - "MariaDB" /var/lib/mysql -\n'
TMPFILES = "d /run/mysqld 0755 mysql mysql -\n"
MY_CNF = f"""\
[mariadbd]
datadir=/var/lib/mysql
socket={SOCKET}
bind-address=127.0.0.1
skip-name-resolve
performance_schema=OFF
innodb_buffer_pool_size=32M
innodb_log_file_size=16M
innodb_flush_log_at_trx_commit=0
innodb_autoinc_lock_mode=2
binlog_format=ROW
wsrep_on=ON
wsrep_provider={PROVIDER}
wsrep_cluster_name=booted
wsrep_cluster_address=gcomm://
wsrep_node_name=booted1
wsrep_node_address=127.0.0.1
wsrep_provider_options="gmcast.listen_addr=tcp://127.0.0.1:4567;gcache.size=16M;pc.recovery=FALSE"
"""
# The only member may always begin anew; and the machine cannot give CAP_IPC_LOCK away.
DROPIN = """\
[Service]
AmbientCapabilities=
ExecStartPre=-/bin/sed -i "s/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/" /var/lib/mysql/grastate.dat
RestartSec=1s
"""


def require_host():
    for path in (*FILES, UNIT_FILE):
        if not pathlib.Path(path).exists():
            raise booted.Unavailable(f"{path} is not there")


def staging_prepare(staging, root, template):
    """The host's server and unit; `template` is a data directory with the accounts in it."""
    booted.staging_add(staging, root, *FILES, UNIT_FILE)
    for alias in ALIASES:
        (staging / UNIT_FILE.relative_to("/")).with_name(alias).symlink_to(UNIT)
    texts = {
        "etc/my.cnf": MY_CNF,
        "etc/mysql/debian-start": "#!/bin/sh\n",
        "etc/systemd/system/mariadb.service.d/booted.conf": DROPIN,
        "usr/lib/sysusers.d/mysql.conf": SYSUSERS,
        "usr/lib/tmpfiles.d/mysql.conf": TMPFILES,
    }
    for name, text in texts.items():
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if name.endswith("debian-start") else 0o644)
    shutil.copytree(template, staging / "var/lib/mysql")


def install(machine):
    """After machine.install(): the owner of the data, and the aliases of the unit."""
    machine.run("chown", "-R", "mysql:mysql", "/var/lib/mysql")
    machine.run("systemctl", "enable", UNIT)


def session(machine):
    """As root over the server's socket, from the host."""
    return Session(machine.path(SOCKET))


def main_pid(machine):
    return int(machine.show(UNIT, "MainPID")["MainPID"])


def start(machine):
    machine.run("systemctl", "start", UNIT, timeout=120)
    until(lambda: main_pid(machine), "process of the server")
