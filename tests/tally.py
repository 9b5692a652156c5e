# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints "passed failed skipped" of a JUnit file; fails when it holds no case at all."""

import sys
import xml.etree.ElementTree as ElementTree


def tally(path):
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


if __name__ == "__main__":
    counts = tally(sys.argv[1])
    if sum(counts) == 0:
        sys.exit("no test ran")
    print(*counts)
