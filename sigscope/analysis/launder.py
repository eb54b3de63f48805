"""Which programs hand a clean mask, or clean dispositions, to what they start.

fork(2) and execve(2) pass both on; these programs do not. An inheritance through them is
not claimed. Each row was tried on a real kernel (tests/analysis/test_launderers_real.py);
programs that pass on what they got (bash, Python, Perl, xargs, timeout, nohup ...) need none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sigscope.model.process import Process
from sigscope.model.signals import SignalSet


@dataclass(frozen=True, slots=True)
class Launderer:
    """``program`` matches the whole comm; ``because`` completes "it cannot be, for ..."."""

    program: str
    because: str
    background_passes: bool = False


LAUNDERERS = (
    Launderer(r"dash|sh", "dash clears the mask of what it starts in the foreground", True),
    Launderer(r"g?make", "make clears the mask of what it starts"),
    Launderer(r"ruby[\d.]*", "ruby clears the mask of what it starts"),
    Launderer(r"node|MainThread", "node (libuv) clears the mask of what it starts"),
    Launderer(r"systemd", "systemd clears the mask of the services it starts"),
)

BACKGROUND_JOB = SignalSet.of("SIGINT", "SIGQUIT")
"""What a shell without job control has ignored in a job started with & (POSIX 2.9.3.1)."""


def launderer(parent: Process, child: Process) -> Launderer | None:
    """The rule by which this child cannot have its parent's mask, if there is one.

    dash lets a background job keep the mask, and marks it: SIGINT and SIGQUIT ignored.
    /bin/sh is dash on Debian and bash elsewhere: the executable decides where it is known.
    """
    program = parent.comm
    if program == "sh" and parent.exe is not None:
        program = parent.exe.rsplit("/", 1)[-1]
    for rule in LAUNDERERS:
        if re.fullmatch(rule.program, program):
            kept = rule.background_passes and in_background(child)
            return None if kept else rule
    return None


def in_background(child: Process) -> bool:
    """Does it look like a job that a script started with &?"""
    return child.ignored is not None and child.ignored >= BACKGROUND_JOB
