# SPDX-License-Identifier: GPL-2.0-or-later
"""Random faults on a real cluster of three, from a seed, while an oracle watches each daemon."""

import argparse
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from oracle import Lateness, Oracle  # noqa: E402
from support import process  # noqa: E402
from support.cluster import PASSWORD, USER, Cluster  # noqa: E402
from support.daemon import Daemon  # noqa: E402
from support.process import clean_environment  # noqa: E402
from support.programs import program  # noqa: E402
from support.wait import until  # noqa: E402

INTERVAL, TIMEOUT, MAX_AGE = 0.2, 0.3, 1.0
HEAL_SECONDS = 60
LOOSELY_MOST = 0.1  # of the answers
GROWTH_KIB = 512  # what an arena and a history that fills may take


class Soak:
    def __init__(self, seed, minutes, blind=False):
        self.blind = blind  # daemons that look away: the oracle must catch them
        self.seed, self.random = seed, random.Random()
        self.deadline = time.monotonic() + minutes * 60
        self.began = time.monotonic()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="clustercheck-soak-", dir="/tmp"))
        self.cluster = Cluster(3, 2)
        self.daemons, self.oracles = [], []
        self.password = PASSWORD
        self.faults = 0

    def say(self, text):
        print(f"{time.monotonic() - self.began:8.1f}  {text}", flush=True)

    # ---- building and unbuilding ----

    def start(self):
        self.cluster.up()
        lateness = Lateness()
        for node in self.cluster.nodes:
            directory = self.directory / node.name
            directory.mkdir()
            (directory / "password").write_text(self.password + "\n")
            (directory / "password").chmod(0o600)
            daemon = Daemon(
                directory,
                node,
                {
                    "mysql": {
                        "password": None,
                        "password_file": directory / "password",
                        "interval": "20s" if self.blind else f"{INTERVAL * 1000:.0f}ms",
                        "timeout": f"{TIMEOUT * 1000:.0f}ms",
                        "max_age": "60s" if self.blind else f"{MAX_AGE * 1000:.0f}ms",
                    }
                },
            ).start()
            daemon.wait_reason("available", seconds=20)
            oracle = Oracle(node, daemon, INTERVAL + 0.05, MAX_AGE + 0.05, lateness)
            oracle.start()
            self.daemons.append(daemon)
            self.oracles.append(oracle)
        self.use_everything_once()
        self.pids = [daemon.pid for daemon in self.daemons]

    def use_everything_once(self):
        """What each part takes for good when it is first used is no growth."""
        for daemon in self.daemons:
            assert "configuration reloaded" in daemon.reload()
            for path in ("/status", "/metrics"):
                assert daemon.ask(path).status == 200
            for command in ("drain", "enable"):
                self.order(daemon, command)
            if not self.blind:
                daemon.wait_reason("available", "/rw")

    def end(self):
        for oracle in self.oracles:
            oracle.stop()
        for daemon in self.daemons:
            if daemon.runs():
                daemon.stop()
        self.cluster.down()
        process.end_all()
        shutil.rmtree(self.directory)

    # ---- faults; each leaves the cluster as it found it ----

    def pick(self):
        k = self.random.randrange(3)
        return self.cluster.nodes[k], self.daemons[k], self.oracles[k]

    def hold(self, low=0.3, high=2.0):
        """Faults last as long as the seed says, whatever the machine's speed."""
        end = time.monotonic() + self.random.uniform(low, high)
        until(lambda: time.monotonic() >= end, "the fault's end", high + 5)

    def start_again(self, node):
        """A server that does not come up is no fault of the daemon's: healing tries again."""
        try:
            node.start()
        except RuntimeError as refused:
            self.say(f"{node.name} does not start yet: {str(refused).splitlines()[0][:100]}")

    def fault_kill(self):
        node, _, _ = self.pick()
        self.say(f"{node.name} is killed")
        node.kill()
        self.hold()
        self.start_again(node)

    def fault_stop(self):
        node, _, oracle = self.pick()
        self.say(f"{node.name} is stopped")
        # A server that is going down sometimes leaves a question unanswered: up to the timeout.
        oracle.grace, oracle.grace_until = TIMEOUT, time.monotonic() + 10
        node.stop()
        self.hold()
        self.start_again(node)

    def fault_freeze(self):
        node, _, _ = self.pick()
        self.say(f"{node.name} is frozen")
        node.freeze()
        self.hold(1.5, 4.0)
        node.thaw()

    def fault_partition(self):
        node, _, _ = self.pick()
        self.say(f"{node.name} is left alone: the others are frozen")
        others = [other for other in self.cluster.nodes if other is not node]
        for other in others:
            other.freeze()
        self.hold(2.0, 5.0)
        for other in others:
            other.thaw()

    def fault_desync(self):
        node, _, _ = self.pick()
        self.say(f"{node.name} is desynchronised")
        node.sql("SET GLOBAL wsrep_desync=ON")
        self.hold()
        node.sql("SET GLOBAL wsrep_desync=OFF")

    def fault_read_only(self):
        node, _, _ = self.pick()
        self.say(f"{node.name} becomes read-only")
        node.sql("SET GLOBAL read_only=ON")
        self.hold()
        node.sql("SET GLOBAL read_only=OFF")

    def fault_reject(self):
        node, _, _ = self.pick()
        self.say(f"{node.name} rejects queries")
        with node.session() as session:
            session.sql("SET GLOBAL wsrep_reject_queries='ALL'")
            self.hold()
            session.sql("SET GLOBAL wsrep_reject_queries='NONE'")

    def fault_state_transfer(self):
        node, _, _ = self.pick()
        self.say(f"{node.name} loses its data: a state transfer")
        node.kill()
        self.cluster.tool("wipe", node.k)
        self.start_again(node)

    def fault_rotation(self):
        self.password = f"password {self.random.randrange(10**6)}"
        self.say("the password is rotated")
        self.cluster.nodes[0].sql(
            f"SET PASSWORD FOR '{USER}'@'localhost' = PASSWORD('{self.password}')"
        )
        self.hold()
        for daemon in self.daemons:
            (daemon.directory / "password").write_text(self.password + "\n")

    def fault_reload(self):
        for daemon in self.daemons:
            daemon.send_signal(signal.SIGHUP)
        self.say("the daemons reload")
        self.hold(0.0, 0.5)

    def fault_drain(self):
        node, daemon, oracle = self.pick()
        command = self.random.choice(["drain", "disable"])
        self.say(f"{node.name}: {command}")
        self.order(daemon, command)
        oracle.ordered_out = True
        self.hold()
        oracle.ordered_out = False
        self.order(daemon, "enable")

    def order(self, daemon, command):
        done = subprocess.run(
            [program("clustercheckctl"), "-c", daemon.ini, command],
            env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=20,
        )
        assert done.returncode == 0, done.stderr

    # ---- the walk ----

    def run(self):
        faults = sorted(name for name in dir(self) if name.startswith("fault_"))
        for daemon in self.daemons:
            daemon.growth_from = None
        while time.monotonic() < self.deadline:
            # Each its own: one that is refused half-way must not shift those that follow.
            self.random.seed(f"{self.seed} {self.faults}")
            try:
                getattr(self, self.random.choice(faults))()
            except RuntimeError as refused:
                # A server in trouble refuses another one: no fault of the daemon's.
                self.say(f"refused: {str(refused).splitlines()[-1][:100]}")
            self.faults += 1
            self.heal()
            self.look()

    def heal(self):
        self.cluster.heal()
        for daemon in self.daemons:
            if not self.blind:
                daemon.wait_reason("available", "/rw", HEAL_SECONDS)

    def look(self):
        """Nothing wrong so far, and the daemons are the same processes, no larger than they were."""
        for node, daemon, oracle, pid in zip(
            self.cluster.nodes, self.daemons, self.oracles, self.pids
        ):
            assert not oracle.wrong, f"{node.name}: {oracle.wrong[0]}"
            assert oracle.watches(), f"{node.name}: the oracle has ended"
            assert daemon.runs() and daemon.pid == pid, f"{node.name}: the daemon ended"
            if daemon.growth_from is None and self.faults >= 10:
                daemon.growth_from = daemon.anonymous_kib()
            grown = self.growth(daemon)
            assert grown <= GROWTH_KIB, f"{node.name}: grown by {grown} KiB"

    def judge_whole(self):
        answers = sum(sum(oracle.answers.values()) for oracle in self.oracles)
        loosely = sum(oracle.loosely_judged for oracle in self.oracles)
        assert loosely <= LOOSELY_MOST * answers, f"the machine is too busy: {self.summary()}"

    @staticmethod
    def growth(daemon):
        return daemon.anonymous_kib() - daemon.growth_from if daemon.growth_from else 0

    def show_logs(self):
        print(self.summary())
        for daemon in self.daemons:
            print(f"---- {daemon.log_path}\n" + "\n".join(daemon.log().splitlines()[-60:]))

    def summary(self):
        answers = sum(sum(oracle.answers.values()) for oracle in self.oracles)
        asked = sum(oracle.word.asked for oracle in self.oracles)
        reasons = {reason for oracle in self.oracles for _, _, reason in oracle.answers}
        excused = sum(oracle.excused for oracle in self.oracles)
        most = max(oracle.most_excused for oracle in self.oracles)
        loosely = sum(oracle.loosely_judged for oracle in self.oracles)
        grown = max(self.growth(daemon) for daemon in self.daemons if daemon.runs())
        return (f"{self.faults} faults, {answers} answers, {asked} questions to the servers; "
                f"{loosely} answers judged loosely while the machine was late, {excused} excused by up "
                f"to {most * 1000:.0f} ms; grown by {grown} KiB at most; "
                f"{len(reasons)} reasons seen ({', '.join(sorted(filter(None, reasons)))})")


def main():
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--blind", action="store_true",
                        help="with daemons that hardly look: succeeds when the oracle catches one")
    options = parser.parse_args()
    soak = Soak(options.seed, options.minutes, options.blind)
    print(f"seed {options.seed}: scripts/soak --seed {options.seed} --minutes {options.minutes:g} "
          "walks the same faults", flush=True)
    try:
        soak.start()
        soak.run()
        soak.say(soak.summary())
        soak.judge_whole()
        if options.blind:
            sys.exit("daemons that hardly look were not caught: the oracle is blind, too")
    except AssertionError as found:
        if not options.blind or "although the server" not in str(found):
            soak.show_logs()
            raise
        print(f"caught, as it should be: {found}")
        return
    finally:
        soak.end()
    print("not one wrong 200")


if __name__ == "__main__":
    main()
