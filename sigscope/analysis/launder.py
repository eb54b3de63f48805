"""What programs do to the mask of what they start, as data.

fork(2) and execve(2) pass a mask on, and most programs let them. Those listed here open some
or all of it, or (tini) give the child the mask that they were given while their own is open.
An inheritance that cannot be is not claimed. Every row was tried on a real kernel with real
programs: tests/analysis/test_launderers_real.py.

dash needs no row: it opens its *own* mask with the first command that it waits for, and
what it starts before that (jobs with &, pipelines) has the mask that it still shows.
"""

from __future__ import annotations

import re

from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, EVERYTHING, LIBC_OWN, SignalSet
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Habit:
    """``program`` matches a whole comm; ``opens`` is never blocked in what it starts."""

    program: str
    opens: SignalSet = EMPTY
    restores: bool = False
    """It gives its child the mask that it was itself started with, whatever its own is now."""

    @property
    def clears(self) -> bool:
        return self.opens == EVERYTHING


CHLD = SignalSet.of("SIGCHLD")
TERM = SignalSet.of("SIGTERM")
JAVA = SignalSet.of("SIGINT", "SIGILL", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGUSR2", "SIGTERM")
GO = SignalSet.of(
    *"SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGSEGV SIGTERM SIGSTKFLT".split(),
    *"SIGCHLD SIGURG SIGPROF SIGSYS SIGRTMIN".split(),
)
"""What the Go runtime opens at its start (runtime/signal_unix.go, blockableSig)."""

HABITS = (
    Habit(r"mksh|ksh93|fish", EVERYTHING),
    Habit(r"g?make", EVERYTHING),
    Habit(r"ruby[\d.]*", EVERYTHING),
    Habit(r"node(js)?|MainThread", EVERYTHING),
    Habit(r"sudo", EVERYTHING),
    Habit(r"dumb-init", EVERYTHING),
    Habit(r"s6-svscan|s6-supervise", EVERYTHING),
    Habit(r"systemd", EVERYTHING),
    Habit(r"bash|timeout|parallel|run-parts|supervise|svscan|ssh", CHLD),
    Habit(r"zsh", CHLD | SignalSet.of("SIGWINCH")),
    Habit(r"runsv|runsvdir", CHLD | TERM),
    Habit(r"php[\d.]*", SignalSet.of("SIGPROF")),
    Habit(r"guile[\d.]*", SignalSet.of("SIGXCPU", "SIGPWR")),
    Habit(r"java", JAVA),
    Habit(r"gosu|runc.*|dockerd|containerd.*", GO),
    Habit(r"tini", restores=True),
)
PASSES_ALL = Habit(r".*")


def habit(program: str) -> Habit:
    """What a program of this name does; most pass everything on.

    >>> habit("make").clears, habit("python3").clears
    (True, False)
    """
    return next((one for one in HABITS if re.fullmatch(one.program, program)), PASSES_ALL)


BACKGROUND_JOB = SignalSet.of("SIGINT", "SIGQUIT")
"""What a shell without job control has ignored in a job started with & (POSIX, 2.9.3.1)."""


ALSO_IGNORED = BACKGROUND_JOB | LIBC_OWN | SignalSet.of("SIGHUP", "SIGPIPE", "SIGXFSZ", "SIGCHLD")
"""nohup ignores HUP, interpreters PIPE and XFSZ. What ignores more than that (strace -o: TERM,
TTIN, TTOU) has set its dispositions itself, and INT and QUIT may be of that, too."""


def in_background(child: Process, shell: Process) -> bool:
    """Does it look like a job that a script started with &?"""
    ignored = child.ignored or EMPTY
    return not BACKGROUND_JOB - ignored and not ignored - ALSO_IGNORED - (shell.ignored or EMPTY)
