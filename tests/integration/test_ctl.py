# SPDX-License-Identifier: GPL-2.0-or-later
"""clustercheckctl against a running daemon."""

import json
import subprocess

from support.process import clean_environment
from support.programs import program


def ctl(*arguments):
    return subprocess.run(
        [program("clustercheckctl"), *map(str, arguments)],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
    )


def test_status_tells_the_reason(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    node.sql("SET GLOBAL wsrep_desync=ON")
    checker.wait_reason("donor")
    for named in (("--socket", checker.control), ("--config", checker.ini)):
        done = ctl(*named, "status")
        assert done.returncode == 0, done
        lines = done.stdout.splitlines()
        assert any(line.split()[:3] == ["/", "503", "donor"] for line in lines), done.stdout
        assert "available → donor" in done.stdout


def test_status_as_json(node, daemon):
    checker = daemon(node)
    checker.wait_reason("available")
    done = ctl("--socket", checker.control, "status", "--json")
    assert json.loads(done.stdout)["endpoints"]["/"]["reason"] == "available"


def test_status_without_a_daemon(tmp_path):
    done = ctl("--socket", tmp_path / "absent.sock", "status")
    assert done.returncode == 3 and "absent.sock" in done.stderr


def test_check_config(daemon):
    checker = daemon()
    assert ctl("--config", checker.ini, "check-config").returncode == 0
    checker.ini.write_text("[policy]\ndonor=perhaps\n")
    done = ctl("--config", checker.ini, "check-config")
    assert done.returncode == 1 and f"{checker.ini}:2:" in done.stderr


def test_grants_are_accepted_by_the_server_and_are_enough(node, daemon):
    sql = ctl("grants", "--user", "granted", "--host", "localhost").stdout
    assert "granted" in sql
    statements = [line for line in sql.splitlines() if not line.startswith("--")]
    with node.session() as session:
        session.sql("\n".join(statements))
        session.sql("ALTER USER granted@localhost IDENTIFIED BY 'pw'")
        try:
            checker = daemon(node, {"mysql": {"user": "granted", "password": "pw"}})
            checker.wait_reason("available")
        finally:
            session.sql("DROP USER granted@localhost")


def test_wrong_usage_is_2():
    for arguments in ((), ("nonsense",), ("--nonsense", "status")):
        done = ctl(*arguments)
        assert done.returncode == 2 and done.stderr, arguments
