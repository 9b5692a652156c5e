# SPDX-License-Identifier: GPL-2.0-or-later
"""What `meson install` puts where, and what the scripts say without root."""

import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

import pytest

from support.programs import BUILD, REPO

INSTALLED = {
    "usr/sbin/clustercheckd": 0o755,
    "usr/bin/clustercheck": 0o755,
    "usr/bin/clustercheckctl": 0o755,
    "usr/lib/nagios/plugins/check_galera": 0o755,
    "etc/clustercheckd/clustercheckd.ini": 0o640,
    "etc/xinetd.d/mysqlchk": 0o644,
    "usr/share/doc/clustercheckd/clustercheckd.ini": 0o644,
    "usr/lib/sysusers.d/clustercheckd.conf": 0o644,
    "usr/lib/tmpfiles.d/clustercheckd.conf": 0o644,
    "usr/share/man/man8/clustercheckd.8": 0o644,
    "usr/share/man/man5/clustercheckd.ini.5": 0o644,
    "usr/share/man/man1/clustercheck.1": 0o644,
    "usr/share/man/man1/clustercheckctl.1": 0o644,
    "usr/share/man/man1/check_galera.1": 0o644,
}
UNITS = (
    "clustercheckd.service",
    "clustercheckd-drain.service",
    "clustercheckd.socket",
    "clustercheck.socket",
    "clustercheck@.service",
)


def install(directory):
    command = ["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", directory]
    subprocess.run(command, check=True, capture_output=True)


def test_every_file_is_where_a_distribution_expects_it(tmp_path):
    install(tmp_path)
    for path, mode in INSTALLED.items():
        assert stat.S_IMODE((tmp_path / path).stat().st_mode) == mode, path
    units = {path.name for path in tmp_path.rglob("lib/systemd/system/*")}
    assert units == set(UNITS)


def test_an_administrators_files_are_left_alone(tmp_path):
    install(tmp_path)
    for path in ("etc/clustercheckd/clustercheckd.ini", "etc/xinetd.d/mysqlchk"):
        (tmp_path / path).write_text("mine\n")
    install(tmp_path)
    for path in ("etc/clustercheckd/clustercheckd.ini", "etc/xinetd.d/mysqlchk"):
        assert (tmp_path / path).read_text() == "mine\n"


@pytest.fixture
def packages():
    """scripts/install-packages where everybody may run it, and a place for commands in front."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        shutil.copy(REPO / "scripts/install-packages", directory)
        yield directory


def as_nobody(directory):
    environment = {"PATH": f"{directory}:{os.environ['PATH']}"}
    command = ["setpriv", "--reuid=nobody", "--clear-groups", directory / "install-packages", "build"]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_root_it_goes_on_when_nothing_is_missing(packages):
    done = as_nobody(packages)
    assert done.returncode == 0, done


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_root_it_names_what_is_missing(packages):
    query = packages / "dpkg-query"
    query.write_text('#!/bin/sh\ncase "$*" in *scdoc*) echo not-installed ;; *) echo installed ;; esac\n')
    query.chmod(0o755)
    done = as_nobody(packages)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "scdoc" in said and "jansson" not in said
