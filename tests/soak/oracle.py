# SPDX-License-Identifier: GPL-2.0-or-later
"""An oracle beside each node: it asks the server itself, judges by code of its own, and looks for
an answer 200 that the server's own word forbids."""

import collections
import threading
import time

import pymysql

from support import http

STATUS = ("wsrep_cluster_status", "wsrep_ready", "wsrep_connected", "wsrep_local_state")
VARIABLES = ("wsrep_on", "wsrep_reject_queries", "read_only")
PAUSE = 0.01
LATEST = 0.1  # seconds: while the machine wakes threads later than that, little is shown
AWAKE = 0.5  # seconds for a server that was frozen to answer everybody

YES, NO, UNKNOWN = "yes", "no", "unknown"


def says_no(told, path):
    """Why the server may take no traffic, from its own words; None: it may."""
    if told["wsrep_on"] not in ("ON", "1"):
        return "wsrep_on"
    if told["wsrep_cluster_status"] != "Primary":
        return "wsrep_cluster_status"
    if told["wsrep_ready"] != "ON" or told["wsrep_connected"] != "ON":
        return "wsrep_ready"
    if told["wsrep_local_state"] != "4":
        return f"wsrep_local_state={told['wsrep_local_state']}"
    if told["wsrep_reject_queries"] != "NONE":
        return "wsrep_reject_queries"
    if path == "/rw" and told["read_only"] not in ("OFF", "0"):
        return "read_only"
    return None


class Lateness:
    """How late this machine wakes a thread that sleeps for 10 ms: the worst of the last seconds."""

    def __init__(self):
        self.worst = collections.deque(maxlen=400)
        self.over = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while not self.over.is_set():
            began = time.monotonic()
            time.sleep(PAUSE)
            self.worst.append(max(0.0, time.monotonic() - began - PAUSE))

    def now(self):
        return max(self.worst, default=0.0)


class Word:
    """What the server said last, and since when it has been saying no without a break."""

    def __init__(self):
        self.lock = threading.Lock()
        self.asked = 0  # questions answered so far
        self.pending_since = None
        self.no_since = {}  # path: (time of the first no, why)

    def begin(self):
        with self.lock:
            self.pending_since = time.monotonic()

    def end(self, verdicts):
        """`verdicts`: per path, why not, or None, or UNKNOWN."""
        now = time.monotonic()
        with self.lock:
            self.asked += 1
            self.pending_since = None
            for path, why in verdicts.items():
                if why is None or why is UNKNOWN:
                    self.no_since.pop(path, None)
                else:
                    self.no_since.setdefault(path, (now, why))

    def read(self, path):
        with self.lock:
            return self.asked, self.no_since.get(path), self.pending_since


class Oracle:
    """Two threads a node: one asks the server, one asks the daemon and compares."""

    paths = ("/", "/rw")

    def __init__(self, node, daemon, bound, hung_bound, lateness):
        self.node, self.daemon, self.lateness = node, daemon, lateness
        self.bound, self.hung_bound = bound, hung_bound
        self.grace_until = 0.0  # a longer bound, for what the walk names
        self.grace = 0.0
        self.word = Word()
        self.answers = collections.Counter()
        self.suspects = collections.deque()
        self.loosely_judged = 0  # answers 200 while the machine was late
        self.excused, self.most_excused = 0, 0.0  # by how late it was, or by a server's going down
        self.hung = collections.deque()
        self.wrong = []
        self.over = threading.Event()
        self.ordered_out = False  # an order stands: no 200 at all may come
        self.threads = [
            threading.Thread(target=self._ask_server, daemon=True),
            threading.Thread(target=self._ask_daemon, daemon=True),
        ]

    def start(self):
        for thread in self.threads:
            thread.start()

    def watches(self):
        return all(thread.is_alive() for thread in self.threads)

    def stop(self):
        self.over.set()
        self.threads[1].join(10)

    # ---- the server ----

    def _connect(self):
        connection = pymysql.connect(
            unix_socket=str(self.node.socket), user="root", connect_timeout=10, read_timeout=30
        )
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION wsrep_sync_wait=0")
        return connection

    def _question(self, connection):
        names = ",".join(f"'{name}'" for name in STATUS)
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({names})")
            told = dict(cursor.fetchall())
            cursor.execute("SELECT " + ",".join(f"@@global.{name}" for name in VARIABLES))
            values = cursor.fetchone()
        told |= {name: str(value) for name, value in zip(VARIABLES, values)}
        return {path: says_no(told, path) for path in self.paths}

    def _ask_server(self):
        connection = None
        while not self.over.is_set():
            self.word.begin()
            try:
                connection = connection or self._connect()
                self.word.end(self._question(connection))
            except pymysql.err.OperationalError as error:
                # 2002, 2003: nothing accepts connections. Others, such as a connection that was
                # cut, tell nothing about the next moment.
                refused = error.args[0] in (2002, 2003)
                self.word.end(dict.fromkeys(self.paths, "refused" if refused else UNKNOWN))
                connection = None
            except (pymysql.err.Error, OSError):
                self.word.end(dict.fromkeys(self.paths, UNKNOWN))
                connection = None
            time.sleep(PAUSE)

    # ---- the daemon ----

    def _ask_daemon(self):
        turn = 0
        while not self.over.is_set():
            path = self.paths[turn % len(self.paths)]
            turn += 1
            sent, ordered = time.monotonic(), self.ordered_out
            try:
                answer = http.ask(self.daemon.address, path)
            except OSError as error:
                self.wrong.append(f"{path}: no answer: {error}")
                answer = None
            if answer and not answer.raw:
                self.wrong.append(f"{path}: an empty answer")
            elif answer:
                self.answers[path, answer.status, answer.reason] += 1
                self._judge(path, sent, ordered, answer)
            self._settle()
            time.sleep(PAUSE)

    def _judge(self, path, sent, ordered, answer):
        if answer.status != 200:
            return
        if ordered and self.ordered_out:
            self.wrong.append(f"{path}: 200 although an order stands")
        late = self.lateness.now()
        self.loosely_judged += late > LATEST
        slack = late + (self.grace if sent < self.grace_until else 0.0)
        asked, no_since, pending = self.word.read(path)
        if no_since and self._exceeds(sent - no_since[0] - self.bound, slack):
            self.suspects.append((path, asked, sent, *no_since))
        if pending and self._exceeds(sent - pending - self.hung_bound, slack):
            self.hung.append((path, asked, sent, pending))

    def _exceeds(self, excess, slack):
        if 0 < excess <= slack:
            self.excused += 1
            self.most_excused = max(self.most_excused, excess)
        return excess > slack

    def _settle(self):
        self._settle_hung()
        self._settle_no()

    def _settle_hung(self):
        """A server that has just woken up may answer the daemon before it answers us."""
        while self.hung:
            path, asked, sent, pending = self.hung[0]
            answered = self.word.read(path)[0] != asked
            if not answered and time.monotonic() - sent < AWAKE:
                return
            self.hung.popleft()
            if not answered:
                self.wrong.append(f"{path}: 200 while the server has not answered for "
                                  f"{sent - pending:.3f} s, nor for {AWAKE} s after that")

    def _settle_no(self):
        """Wrong for certain once a question that came after the answer got a no as well."""
        while self.suspects:
            path, asked, sent, since, why = self.suspects[0]
            now, no_since, _ = self.word.read(path)
            if now < asked + 2:
                return
            self.suspects.popleft()
            if no_since and no_since[0] == since:
                self.wrong.append(f"{path}: 200 although the server had been saying no for "
                                  f"{sent - since:.3f} s ({why})")
