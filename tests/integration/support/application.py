#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An application behind a balancer: workers that write and read, and count what failed.

Half of them open a connection for each transaction. The other half keep one, as a pool does, and
open it anew after a transaction when it is older than a lifetime. Each writes rows of its own, so
they never conflict with one another on the way through several nodes.

Run as a program until SIGTERM or SIGINT, or until who started it is gone; `--report FILE` is replaced
twice a second.
"""

import argparse
import collections
import json
import os
import pathlib
import signal
import threading
import time

import pymysql

USER, PASSWORD = "shop", "shop"
SCHEMA = """
CREATE DATABASE IF NOT EXISTS shop;
CREATE OR REPLACE TABLE shop.orders (
    worker INT, number INT, PRIMARY KEY (worker, number)
) ENGINE=InnoDB;
CREATE OR REPLACE USER 'shop'@'127.%' IDENTIFIED BY 'shop';
GRANT SELECT, INSERT ON shop.* TO 'shop'@'127.%';
"""
INSERT = "INSERT INTO orders (worker, number) VALUES (%s, %s)"
SELECT = "SELECT number, @@wsrep_node_name FROM orders WHERE worker = %s AND number = %s"
PAUSE_AFTER_FAILURE = 0.05


class Worker(threading.Thread):
    def __init__(self, number, address, lifetime, pause):
        super().__init__(name=f"worker{number}", daemon=True)
        self.number, self.address = number, address
        self.lifetime, self.pause = lifetime, pause  # lifetime 0: a connection per transaction
        self.ending = threading.Event()
        self.connection, self.opened, self.phase = None, 0.0, ""
        self.done, self.failures = collections.Counter(), []
        self.longest = 0.0

    def run(self):
        count = 0
        while not self.ending.wait(self.pause):
            count += 1
            began = time.monotonic()
            try:
                self.done[self.transaction(count)] += 1
                self.retire()
            except (pymysql.Error, OSError) as error:
                self.fail(error, time.monotonic() - began)
            self.longest = max(self.longest, time.monotonic() - began)
        self.close()

    def transaction(self, count):
        """Writes a row and reads it again; returns the name of the node that did both."""
        if self.connection is None:
            self.phase = "connecting"
            self.open()
        self.phase = "in the transaction"
        cursor = self.connection.cursor()
        self.connection.begin()
        cursor.execute(INSERT, (self.number, count))
        cursor.execute(SELECT, (self.number, count))
        row = cursor.fetchone()
        if row is None or row[0] != count:
            raise pymysql.DataError(0, f"wrote {count}, read {row}")
        self.connection.commit()
        return row[1]

    def open(self):
        host, port = self.address
        self.connection = pymysql.connect(
            host=host, port=port, user=USER, password=PASSWORD, database="shop",
            connect_timeout=10, read_timeout=20, write_timeout=20,
        )
        self.opened = time.monotonic()

    def retire(self):
        if time.monotonic() - self.opened >= self.lifetime:
            self.close()

    def close(self):
        connection, self.connection = self.connection, None
        if connection is not None and connection.open:
            connection.close()

    def fail(self, error, seconds):
        kind = "kept" if self.lifetime else "fresh"
        at = time.strftime("%H:%M:%S") + f"{time.time() % 1:.3f}"[1:]
        what = f"{at} {self.name} ({kind} connection), {self.phase}, after {seconds:.3f} s: {error!r}"
        self.failures.append(what)
        print(what, flush=True)
        try:
            self.close()
        except (pymysql.Error, OSError):
            self.connection = None
        self.ending.wait(PAUSE_AFTER_FAILURE)


class Application:
    def __init__(self, address, workers=8, lifetime=1.0, pause=0.0):
        self.workers = [
            Worker(k, address, lifetime if k % 2 else 0.0, pause) for k in range(1, workers + 1)
        ]

    def start(self):
        for worker in self.workers:
            worker.start()

    def stop(self):
        for worker in self.workers:
            worker.ending.set()
        for worker in self.workers:
            worker.join()

    def report(self):
        nodes = collections.Counter()
        for worker in self.workers:
            nodes.update(dict(worker.done))
        failures = [failure for worker in self.workers for failure in list(worker.failures)]
        return {
            "committed": sum(nodes.values()),
            "failed": len(failures),
            "nodes": dict(sorted(nodes.items())),
            "longest_ms": round(1000 * max(worker.longest for worker in self.workers)),
            "failures": sorted(failures)[:50],
        }


def replace(path, report):
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(json.dumps(report))
    unfinished.rename(path)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", help="HOST:PORT of the balancer")
    parser.add_argument("--schema", action="store_true", help="print the SQL it needs, and end")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--lifetime", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--pause", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--report", type=pathlib.Path, metavar="FILE")
    given = parser.parse_args()
    if not given.schema and not given.address:
        parser.error("no address")
    return given


def main():
    given = arguments()
    if given.schema:
        print(SCHEMA.strip())
        return
    host, _, port = given.address.rpartition(":")
    application = Application((host, int(port)), given.workers, given.lifetime, given.pause)
    ending, starter = threading.Event(), os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    application.start()
    while not ending.wait(0.5) and os.getppid() == starter:
        if given.report:
            replace(given.report, application.report())
    application.stop()
    report = application.report()
    if given.report:
        replace(given.report, {**report, "ended": True})
    print(json.dumps(report))


if __name__ == "__main__":
    main()
