# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: a cluster of three and one of one for the whole session, and daemons per test."""

import os
import shutil

import pytest

pytest.register_assert_rewrite("support")  # a failed one shows what it compared

from support import process
from support.cluster import Cluster, Standalone
from support.daemon import Daemon
from support.programs import program
from support.scripted import ScriptedServer

EVIDENCE_LINES = 60

# A server that `scripts/test --mysql` brings.
collect_ignore = [] if "CLUSTERCHECKD_SID" in os.environ else ["test_mysql9.py"]

evidence = pytest.StashKey()


@pytest.fixture(scope="session", autouse=True)
def programs_exist():
    for name in ("clustercheckd", "clustercheck", "clustercheckctl"):
        program(name)
    yield
    process.end_all()


def running_cluster(size, index):
    if not shutil.which("mariadbd"):
        pytest.skip("mariadbd is not installed")
    cluster = Cluster(size, index)
    try:
        yield cluster.up()
    finally:
        cluster.down()


@pytest.fixture(scope="session")
def cluster_of_three():
    yield from running_cluster(3, 0)


@pytest.fixture(scope="session")
def cluster_of_one():
    yield from running_cluster(1, 1)


@pytest.fixture
def cluster(cluster_of_three, request):
    """Three Synced nodes."""
    show_on_failure(request, *(node.error_log for node in cluster_of_three.nodes))
    cluster_of_three.heal()
    yield cluster_of_three
    cluster_of_three.heal()


@pytest.fixture
def node(cluster_of_one, request):
    """The only node of a cluster of one, Synced: restarts in a second."""
    node = cluster_of_one.node(1)
    show_on_failure(request, node.error_log)
    cluster_of_one.heal()
    yield node
    cluster_of_one.heal()


@pytest.fixture(scope="session")
def standalone(cluster_of_one):
    server = Standalone(cluster_of_one).start()
    yield server
    server.stop()


@pytest.fixture
def daemon(tmp_path, request):
    """Starts daemons: daemon(server, {section: {key: value}}); stops and judges them after."""
    started = []

    def start(server=None, sections=None, **options):
        it = Daemon(tmp_path / f"daemon{len(started)}", server, sections, **options)
        show_on_failure(request, it.log_path)
        started.append(it)
        return it.start()

    yield start
    for it in started:
        if it.popen.returncode is None:
            it.stop()


@pytest.fixture
def server():
    """A server that says what the test wants, a healthy node's answers to begin with."""
    with ScriptedServer() as it:
        yield it


@pytest.fixture
def running(request):
    """Starts any other process, and stops it afterwards."""
    started = []

    def start(it):
        show_on_failure(request, it.log_path)
        started.append(it)
        return it.start()

    yield start
    for it in reversed(started):
        if it.popen.returncode is None:
            it.stop()


# ---- evidence on failure ----


def show_on_failure(request, *paths):
    """The window of each of these logs that the test saw is shown when it fails."""
    windows = request.node.stash.setdefault(evidence, [])
    for path in paths:
        windows.append((path, path.stat().st_size if path.exists() else 0))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for path, begin in item.stash.get(evidence, []):
        if path.exists():
            report.sections.append((f"{path.parent.name}/{path.name}", window(path, begin)))


def window(path, begin):
    with open(path, errors="replace") as log:
        log.seek(begin if begin <= os.path.getsize(path) else 0)
        return "\n".join(log.read().splitlines()[-EVIDENCE_LINES:])
