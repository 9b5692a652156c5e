# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that went wrong. Neither a wrong answer nor a missing one shows in any ratio."""

from trials import JUST_STOPPED, KEPT, STOPPED

OK, NOT_OK, ANY = "200", "other than 200", "any"
# With so many ready connections libmicrohttpd's own thread may answer nobody: see tried.md.
STALLS = 128


def groups(trials):
    """(contender, what was tried, which answer is right, its trials)."""
    for (contender, connection, callers), rounds in trials.checks.items():
        if contender is not trials.field.constant or connection != KEPT or callers < STALLS:
            yield contender, f"{connection}, {callers} callers", OK, rounds
    for contender, rounds in trials.whole.items():
        yield contender, "to the end of the connection", OK, rounds
    for (contender, state), rounds in trials.stopped.items():
        if contender in trials.field.fast:
            yield contender, f"mariadbd {state}", answer_while(trials, contender, state), rounds
    for contender, rounds in trials.busy.items():
        yield contender, "mariadbd busy", OK, rounds
    for pollers, rounds in trials.status.items():
        yield trials.field.daemon, f"/status, {pollers} pollers known", OK, rounds


def answer_while(trials, contender, state):
    """A daemon that is asked in time has its last 200 still, on a slow machine not any more."""
    if contender is trials.field.daemon:
        return {JUST_STOPPED: ANY, STOPPED: NOT_OK}.get(state, OK)
    return OK


def right_answers(trial, wanted):
    return {OK: trial.answers - trial.not_ok, NOT_OK: trial.not_ok, ANY: trial.answers}[wanted]


def all_faults(trials):
    """A line each. A process per check may come late on a busy machine, but not never."""
    for contender, what, wanted, rounds in groups(trials):
        right = [right_answers(trial, wanted) for trial in rounds]
        answers = sum(trial.answers for trial in rounds)
        failed, wrong = sum(trial.failed for trial in rounds), answers - sum(right)
        where = f"{contender}, {what}"
        if 0 in right:
            yield f"{where}: no right answer in {right.count(0)} of {len(right)} turns"
        if contender not in trials.field.fast:
            continue
        if failed:
            yield f"{where}: {failed:,} of {answers + failed:,} checks failed"
        if wrong:
            yield f"{where}: {wrong:,} of {answers:,} answers were not {wanted}"
