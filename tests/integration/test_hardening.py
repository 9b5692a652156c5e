# SPDX-License-Identifier: GPL-2.0-or-later
"""What an intruder finds: how the programs are built, whom the daemon runs as, what it keeps."""

import json
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

from support.process import Process, clean_environment
from support.programs import BUILD, is_sanitized, program
from support.wait import until

PROGRAMS = ["clustercheckd", "clustercheck", "clustercheckctl", "check_galera"]
SECRET = "Zq7-oMirLf40wPxu"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
unsanitized = pytest.mark.skipif(is_sanitized(), reason="a sanitizer builds its own way")


def readelf(option, name):
    command = ["readelf", "--wide", option, program(name)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# ---- the files ----


@pytest.mark.parametrize("name", PROGRAMS)
def test_position_independent(name):
    assert "DYN (Position-Independent Executable file)" in readelf("--file-header", name)


@pytest.mark.parametrize("name", PROGRAMS)
def test_relocations_are_read_only(name):
    """Full RELRO: the segment, and everything bound at the start."""
    assert "GNU_RELRO" in readelf("--program-headers", name)
    dynamic = readelf("--dynamic", name)
    assert "BIND_NOW" in dynamic
    assert "TEXTREL" not in dynamic


@pytest.mark.parametrize("name", PROGRAMS)
def test_libraries_come_from_where_the_system_says(name):
    dynamic = readelf("--dynamic", name)
    assert not any(word in dynamic for word in ("RPATH", "RUNPATH"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_is_writable_and_executable(name):
    segments = [line.split() for line in readelf("--program-headers", name).splitlines()]
    flags = {words[0]: "".join(words[6:-1]) for words in segments if words and words[0] == "GNU_STACK"}
    assert flags == {"GNU_STACK": "RW"}
    loads = ["".join(words[6:-1]) for words in segments if words and words[0] == "LOAD"]
    assert loads and not any("W" in load and "E" in load for load in loads)


@unsanitized
@pytest.mark.parametrize("name", PROGRAMS)
def test_stack_protector_and_fortified_calls(name):
    symbols = readelf("--dyn-syms", name)
    assert "__stack_chk_fail" in symbols
    assert "__snprintf_chk" in symbols and "__memcpy_chk" in symbols


@unsanitized
def test_every_function_with_a_buffer_is_protected():
    """-fstack-protector-strong, and no object built without."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    ours = {each["file"]: each["command"] for each in commands if "/src/" in each["file"]}
    assert len(ours) > 50
    assert [file for file, command in ours.items() if "-fstack-protector-strong" not in command] == []


# ---- whom it runs as ----


@pytest.fixture
def anybody():
    """The least of all users, and a directory of theirs."""
    user = pwd.getpwnam("nobody")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="clustercheckd-test-", dir="/tmp"))
    os.chown(directory, user.pw_uid, user.pw_gid)
    directory.chmod(0o755)
    yield user, directory
    shutil.rmtree(directory)


def status_of(path):
    return dict(line.split(":\t", 1) for line in (path / "status").read_text().splitlines() if ":\t" in line)


def as_anybody(directory, **more):
    """Settings for a daemon that becomes nobody: all of its files are in that directory."""
    sections = {"process": {"user": "nobody"}, "control": {"socket": directory / "run" / "control.sock"},
                "notify": {"socket": directory / "run-notify" / "notify.sock"},
                "maintenance": {"file": directory / "state" / "maintenance", "legacy_file": directory / "disabled"}}
    return {**sections, **more}


@as_root
def test_started_as_root_it_becomes_the_user_for_good(server, daemon, anybody):
    user, directory = anybody
    checker = daemon(None, as_anybody(directory, mysql=server.settings()))
    checker.wait_reason("available")
    threads = list(pathlib.Path(f"/proc/{checker.pid}/task").iterdir())
    assert len(threads) >= 3
    for thread in threads:
        status = status_of(thread)
        assert set(status["Uid"].split()) == {str(user.pw_uid)}
        assert set(status["Gid"].split()) == {str(user.pw_gid)}
        assert set(status["Groups"].split()) <= {str(gid) for gid in os.getgrouplist("nobody", user.pw_gid)}
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[kind], 16) == 0
        assert status["NoNewPrivs"] == "1"
    assert "running as nobody" in checker.log()
    assert os.stat(directory / "run" / "control.sock").st_uid == user.pw_uid


@as_root
def test_as_that_user_it_reads_what_it_needs(server, daemon, anybody):
    user, directory = anybody
    password_file = directory / "password"
    password_file.write_text("first\n")
    os.chown(password_file, user.pw_uid, 0)
    password_file.chmod(0o600)
    mysql = {**server.settings(), "password": None, "password_file": password_file, "login_interval": "100ms"}
    checker = daemon(None, as_anybody(directory, mysql=mysql))
    checker.wait_reason("available")
    os.chown(password_file, 0, 0)
    checker.wait_reason("login-failing")
    os.chown(password_file, user.pw_uid, 0)
    checker.wait_reason("available")


@as_root
def test_a_reload_happens_as_that_user(server, daemon, anybody):
    """A configuration that only root may read worked at the start; now it is refused, whole."""
    _, directory = anybody
    checker = daemon(None, as_anybody(directory, mysql=server.settings()))
    checker.ini.chmod(0o600)
    assert "keeping the running configuration" in checker.reload()
    checker.wait_reason("available")


@as_root
@pytest.mark.parametrize("name, word", [("no-such-user", "no such user"), ("root", "root")])
def test_a_user_that_cannot_be_meant(server, daemon, name, word):
    checker = daemon(None, {"mysql": server.settings()})
    code, said = checker.run_to_end("-o", f"process.user={name}")
    assert code == 1
    assert f"user={name}" in said and word in said


@as_root
def test_who_is_not_root_becomes_nobody_else(server, daemon, anybody):
    user, directory = anybody
    checker = daemon(None, {"mysql": server.settings()})
    config = directory / "clustercheckd.ini"
    config.write_text("[process]\nuser=daemon\n[http]\nlisten=\n[control]\nsocket=\n")
    command = ["setpriv", f"--reuid={user.pw_uid}", "--clear-groups", "--"]
    done = subprocess.run([*command, as_visible(directory), "-c", config], env=clean_environment(),
                          capture_output=True, text=True, timeout=5)
    assert done.returncode == 1
    assert "cannot become [process] user=daemon" in done.stderr


def as_visible(directory):
    """The build may be where only its owner goes."""
    return shutil.copy(program("clustercheckd"), directory / "clustercheckd")


@as_root
def test_a_daemon_that_stays_root_says_so(server, daemon):
    checker = daemon(None, {"mysql": server.settings()})
    assert checker.log().count("running as root") == 1


# ---- what it keeps ----


def as_user(user, *command):
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--", *command]


@as_root
@pytest.mark.parametrize("name", ["sleep", *PROGRAMS])
def test_no_core_and_no_look_inside(server, running, anybody, name):
    """Not even for another process of the same user. Started as that user: a change of user alone
    would do it. The sleep shows what it is like otherwise."""
    user, directory = anybody
    server.silent.set()
    ini = directory / "clustercheckd.ini"
    ini.write_text(f"[mysql]\nhost=127.0.0.1\nport={server.settings()['port']}\ntimeout=20s\n"
                   "[http]\nlisten=\n[control]\nsocket=\n[notify]\nsocket=\n[maintenance]\nfile=\n")
    ini.chmod(0o644)
    arguments = {
        "sleep": ["20"],
        "clustercheckd": ["-c", ini],
        "clustercheck": ["--config", ini],
        "clustercheckctl": ["-c", ini, "doctor"],
        "check_galera": ["-H", "127.0.0.1", "-P", server.settings()["port"], "-t", "20"],
    }[name]
    # The build may be where only its owner goes.
    command = name if name == "sleep" else shutil.copy(program(name), directory)
    process = running(Process(as_user(user, command, *arguments), directory / "log"))
    environ = f"/proc/{process.pid}/environ"
    until(lambda: pathlib.Path(f"/proc/{process.pid}/comm").read_text().strip() == name[:15], "program")
    # proc(5): root owns the files of one that is not dumpable.
    if name == "sleep":
        assert os.stat(environ).st_uid == user.pw_uid
    else:
        until(lambda: os.stat(environ).st_uid == 0, "private memory")
        assert process.runs(), process.log()
    look = subprocess.run(as_user(user, "cat", environ), capture_output=True, text=True)
    assert ("Permission denied" in look.stderr) == (name != "sleep")


def places_in_memory(pid, secret):
    places = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            addresses, flags, *_, name = [*line.split(None, 5), ""][:6]
            if not flags.startswith("rw"):
                continue
            begin, end = (int(address, 16) for address in addresses.split("-"))
            try:
                memory.seek(begin)
                found = memory.read(end - begin).count(secret)
            except OSError:
                continue
            places += [line.strip()] * found
    return places


@as_root
@unsanitized
def test_the_password_of_a_file_is_forgotten_once_it_is_used(server, daemon, tmp_path):
    password_file = tmp_path / "password"
    password_file.write_text(SECRET + "\n")
    password_file.chmod(0o600)
    mysql = {**server.settings(), "password": None, "password_file": password_file, "login_interval": "1h"}
    checker = daemon(None, {"mysql": mysql})
    checker.wait_reason("available")
    until(lambda: not places_in_memory(checker.pid, SECRET.encode()), "memory without the password", 3)
    assert places_in_memory(checker.pid, b"clustercheckuser")  # so one would be found


@as_root
@unsanitized
def test_reloads_leave_no_more_copies_of_a_configured_password(server, daemon):
    checker = daemon(None, {"mysql": {**server.settings(), "password": SECRET, "login_interval": "1h"}})
    checker.wait_reason("available")
    kept = places_in_memory(checker.pid, SECRET.encode())
    for _ in range(5):
        checker.reload()
    checker.wait_reason("available")
    until(lambda: len(places_in_memory(checker.pid, SECRET.encode())) <= len(kept), "no more copies than before", 3)
