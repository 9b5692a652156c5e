# SPDX-License-Identifier: GPL-2.0-or-later
"""Real Galera nodes, run by scripts/galera-cluster, and sessions on them."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from support.programs import REPO, program
from support.wait import until

TOOL = REPO / "scripts/galera-cluster"
USER = "clustercheckuser"
PASSWORD = "clustercheckpassword!"
PRIMARY_PATIENCE = 20  # seconds for a server to start, and for a primary component to form
PORT = 23806
EXTRA_PORT = 23807

HEALTH = {
    "wsrep_desync": "OFF",
    "wsrep_reject_queries": "NONE",
    "wsrep_sync_wait": "0",
    "read_only": "OFF",
    "max_connections": "151",
    "wsrep_sst_donor_rejects_queries": "OFF",
}


class Cluster:
    """N nodes in a directory of their own, on addresses that another run does not use."""

    def __init__(self, size, index):
        self.size = size
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="clustercheck-", dir="/tmp"))
        self.directory.chmod(0o755)  # the servers run as their own user
        of_this_run = 100 + (30 * index + os.getpid() // 250) % 150
        self.net = f"127.{of_this_run}.{os.getpid() % 250}.1"
        self.environment = {
            **os.environ,
            "GALERA_CLUSTER_NET": self.net,
            "GALERA_CLUSTER_PORT": str(PORT),
            "GALERA_CLUSTER_GMCAST_PORT": "24867",
            "GALERA_CLUSTER_IST_PORT": "24868",
            "GALERA_CLUSTER_SST_PORT": "24844",
            "GALERA_CLUSTER_TIMEOUT": "40",
        }
        (self.directory / "extra.cnf").write_text(
            f"[mariadbd]\nextra_port={EXTRA_PORT}\nextra_max_connections=5\n"
        )
        self.nodes = [Node(self, k) for k in range(1, size + 1)]
        self.let_servers_notify()

    def let_servers_notify(self):
        """Each server tells whatever daemon has its node's notify socket, and keeps a status file.
        The command is a copy: the servers' account may not reach the build directory."""
        command = self.directory / "clustercheckctl"
        shutil.copy(program("clustercheckctl"), command)
        for node in self.nodes:
            node.directory.mkdir(mode=0o755)
            (node.directory / "extra.cnf").write_text(
                "[mariadbd]\nwsrep_status_file=wsrep_status.json\n"
                f"wsrep_notify_cmd={command} notify --socket {node.notify_socket}\n"
            )

    def tool(self, command, *arguments):
        """Standard output of one command of galera-cluster."""
        done = subprocess.run(
            [TOOL, command, self.directory, *map(str, arguments)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"galera-cluster {command} {arguments}: {done.stderr}{done.stdout}")
        return done.stdout

    def up(self):
        self.tool("up", self.size)
        return self

    def down(self):
        self.tool("down")
        shutil.rmtree(self.directory)

    def node(self, k):
        return self.nodes[k - 1]

    def heal(self):
        """All nodes running, thawed, Synced and with the settings they started with."""
        for node in self.nodes:
            node.continue_if_frozen()
        if not any(node.runs() for node in self.nodes):
            self.nodes[0].start("--bootstrap")
        for node in self.nodes:
            if not node.runs():
                node.start("--no-wait")
        lost_since = time.monotonic()
        for node in self.nodes:
            while not self.comes_up_within(node, PRIMARY_PATIENCE):
                assert time.monotonic() - lost_since < 90, f"no answer from {node.name}"
                self.bootstrap_what_is_left()
            node.reset_settings()
        for node in self.nodes:
            node.wait()

    def comes_up_within(self, node, seconds):
        end = time.monotonic() + seconds
        until(lambda: node.comes_up() or time.monotonic() > end, f"answer from {node.name}",
              seconds + 30, 0.05)
        return time.monotonic() <= end

    def bootstrap_what_is_left(self):
        """Of a primary component that fell apart all members must meet again, or it stays lost: so it
        does when one of them has lost its data meanwhile. Then somebody has to decide."""
        left = {}
        for node in self.nodes:
            try:
                left[node] = node.status("wsrep_cluster_status")
            except RuntimeError:
                pass  # it does not answer
        if left and "Primary" not in left.values():
            next(iter(left)).sql("SET GLOBAL wsrep_provider_options='pc.bootstrap=YES'")


class Node:
    def __init__(self, cluster, k):
        self.cluster, self.k = cluster, k
        self.name = f"node{k}"
        self.directory = cluster.directory / self.name
        self.socket = self.directory / "mysqld.sock"
        self.host, self.port = f"{cluster.net}{k}", PORT
        self.extra_port = EXTRA_PORT
        self.error_log = self.directory / "error.log"
        self.notify_socket = self.directory / "notify.sock"
        self.status_file = self.directory / "data" / "wsrep_status.json"

    def tool(self, command, *arguments):
        return self.cluster.tool(command, self.k, *arguments)

    def start(self, *options):
        self.tool("start", *options)

    def stop(self):
        self.tool("stop")

    def kill(self):
        self.tool("kill")

    def freeze(self):
        self.tool("freeze")

    def thaw(self):
        self.tool("thaw")

    def wait(self, state=4):
        self.tool("wait", state)

    def pid(self):
        return int(self.tool("pid"))

    def runs(self):
        try:
            return self.pid() > 0
        except RuntimeError:
            return False

    def comes_up(self):
        """True when it does; one that a failed test left in the middle of its exit is started."""
        if not self.runs():
            self.start("--bootstrap" if self.cluster.size == 1 else "--no-wait")
        try:
            return self.sql("SELECT 1") == "1"
        except RuntimeError:
            return False

    def continue_if_frozen(self):
        if self.runs():
            os.kill(self.pid(), signal.SIGCONT)

    def sql(self, statement):
        return self.tool("sql", statement).rstrip("\n")

    def status(self, name):
        return self.sql(f"SHOW GLOBAL STATUS LIKE '{name}'").partition("\t")[2]

    def session(self, user="root", password=""):
        return Session(self.socket, user, password)

    def reset_settings(self):
        with self.session() as session:
            session.sql("SET SESSION wsrep_sync_wait=0")
            while int(session.sql("SHOW STATUS LIKE 'wsrep_desync_count'").split()[1]):
                session.sql("SET GLOBAL wsrep_desync=OFF")
            for name, value in HEALTH.items():
                now = session.sql(f"SHOW GLOBAL VARIABLES LIKE '{name}'").partition("\t")[2]
                if now != value:
                    session.sql(f"SET GLOBAL {name}={value}")

    def connection_ids(self):
        """The checker's sessions on this node."""
        where = f"user='{USER}' AND command<>'Killed'"
        ids = self.sql(f"SELECT id FROM information_schema.processlist WHERE {where}")
        return sorted(int(word) for word in ids.split())


class SqlError(Exception):
    pass


class Session:
    """One kept connection: a mariadb client that is fed a statement at a time. An error ends it."""

    END = "--end of the answer--"

    def __init__(self, socket, user="root", password=""):
        self.client = subprocess.Popen(
            ["mariadb", "--no-defaults", f"--socket={socket}", f"--user={user}"]
            + [f"--password={password}", "--batch", "--unbuffered", "--skip-column-names"]
            + ["--skip-reconnect"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        try:
            self.id = int(self.sql("SELECT CONNECTION_ID()"))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, statement):
        """Sends without waiting for the answer; the next sql() returns that too."""
        self.client.stdin.write(statement + ";\n")
        self.client.stdin.flush()

    def sql(self, statement):
        lines = []
        try:
            self.send(statement)
            self.client.stdin.write(f"SELECT '{self.END}';\n")
            self.client.stdin.flush()
        except BrokenPipeError:
            pass  # what the client said before it ended tells more
        for line in self.client.stdout:
            if line.rstrip("\n") == self.END:
                break
            lines.append(line.rstrip("\n"))
        else:
            raise SqlError("\n".join(lines) or "the client ended")
        if any(line.startswith("ERROR ") for line in lines):
            raise SqlError("\n".join(lines))
        return "\n".join(lines)

    def close(self):
        try:
            self.client.communicate(timeout=0.2)
        except subprocess.TimeoutExpired:  # in the middle of a statement
            self.client.kill()
            self.client.communicate()
        except BrokenPipeError:
            self.client.wait()


class Standalone:
    """A MariaDB that is no Galera node, from the same template data directory."""

    def __init__(self, cluster):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="standalone-", dir=cluster.directory))
        self.directory.chmod(0o755)
        shutil.copytree(cluster.directory / "template", self.directory / "data")
        (self.directory / "tmp").mkdir()
        self.socket = self.directory / "mysqld.sock"
        self.error_log = self.directory / "error.log"
        if os.geteuid() == 0:
            for path in (self.directory, *self.directory.rglob("*")):
                shutil.chown(path, "mysql", "mysql")
        self.process = None

    def start(self):
        from support.process import Process

        user = ["--user=mysql"] if os.geteuid() == 0 else []
        self.process = Process(
            ["mariadbd", "--no-defaults", *user, f"--datadir={self.directory / 'data'}"]
            + [f"--tmpdir={self.directory / 'tmp'}"]
            + [f"--socket={self.socket}", "--skip-networking", "--innodb-log-file-size=16M"]
            + ["--innodb-buffer-pool-size=32M", "--performance-schema=OFF"],
            self.error_log,
        ).start()
        until(self.answers, "answer from the standalone server", 30)
        return self

    def answers(self):
        try:
            with Session(self.socket):
                return True
        except SqlError:
            assert self.process.runs(), self.process.log()[-2000:]
            return False

    def stop(self):
        self.process.stop(seconds=20)
