# SPDX-License-Identifier: GPL-2.0-or-later
"""Why logins are refused, time and again: what depends on who is faster shows in many of them."""

import re
import subprocess

from support.process import clean_environment
from support.programs import program

MANY = 40


def reasons_of_many_logins(directory, mysql, times=MANY):
    """The reasons that check_galera gives for this [mysql] section, which names a Unix socket."""
    secret = directory / "secret"
    secret.write_text(mysql["password"] + "\n")
    secret.chmod(0o600)
    command = [program("check_galera"), "-s", mysql["socket"], "-u", mysql["user"], "--password-file", secret]
    return {reason_of_a_login(command) for _ in range(times)}


def reason_of_a_login(command):
    done = subprocess.run(command, env=clean_environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=15)
    said = re.match(r"GALERA CRITICAL - ([a-z-]+): ", done.stdout)
    assert said and done.stderr == "", done
    return said[1]
