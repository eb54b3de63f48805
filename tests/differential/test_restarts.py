"""The kernel is the judge: what ``restart`` says of a call is what a stop or a signal makes of it.

Every blocking call of tests/targets/blocking_call.c, with every answer of a filter to
restart_syscall, through every event. Times are told apart as "kept the deadline", "started over"
and "returned at once", with a second between them.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections import Counter

import pytest

from sigscope.analysis.restart.table import ROWS
from sigscope.model.restart import Event
from tests.differential.freezer import mounted
from tests.differential.interrupting import Trial, Tried, run
from tests.harness.build import build, compiler

ANSWERS = ("none", "errno:1", "errno:0", "kill", "trap", "log")
TRIES = 5
LEAST = 40
"""Calls that every kernel offers."""

needs_machine = pytest.mark.skipif(
    platform.machine() != "x86_64" or compiler() is None,
    reason="the numbers of the calls are those of x86-64, and the targets need a C compiler",
)


def calls() -> list[str]:
    """All that the target knows, but for the one that does not wait."""
    program = str(build("blocking_call"))
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split() if name != "busy"]


def _again(tried: Tried) -> bool:
    """Does it disagree once more in several tries? What a busy machine spoilt once does not."""
    more = [one for one in run([tried.trial] * TRIES, freezes=True) if one.seen is not None]
    return any(not one.late and not one.agrees for one in more)


@needs_machine
def test_every_call_becomes_what_was_predicted() -> None:
    trials = [
        Trial(call, answer, event) for event in Event for answer in ANSWERS for call in calls()
    ]
    tried = list(run(trials, freezes=mounted("v2") is not None and os.geteuid() == 0))
    made = [one for one in tried if one.seen is not None]
    unmade = Counter(one.why for one in tried if one.seen is None)
    late = [one for one in tried if one.late]
    print(f"{len(made)} trials; not made: {dict(unmade)}; too late to tell: {len(late)}")
    suspected = [one for one in made if not one.late and not one.agrees]
    wrong = [str(one) for one in suspected if _again(one)]
    assert not wrong, f"{len(wrong)} of {len(made)}\n" + "\n".join(sorted(wrong))
    assert len({one.trial.call for one in made if not one.late}) >= LEAST, unmade
    assert not any("ended with" in why for why in unmade), unmade
    assert len(late) < len(tried) / 5, unmade


@needs_machine
def test_every_row_of_the_table_was_tried() -> None:
    """By its first call that this machine has; what only 32-bit programs call is left out."""
    names = {name for call in calls() for name in _names(call)}
    rest = [row for row in ROWS if not names & set(row.calls)]
    assert [row.calls[0] for row in rest] == ["restart_syscall", "ipc", "getrandom", "ioctl", "ipc"]


def _names(call: str) -> set[str]:
    """blocking_call's own names begin with the system call's."""
    words = call.split("_")
    starts = {"_".join(words[:count]) for count in range(1, len(words) + 1)}
    return starts | {"futex_wait"} if call.startswith("futex_wait2") else starts
