"""Blocking calls that somebody looks at: how they end, and how they end when nobody does."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from typing import NamedTuple, TypeAlias

from tests.harness import proc
from tests.harness.build import build
from tests.harness.targets import Target, start

ANSWERS = ("none", "errno:1", "kill")
"""What a seccomp filter of the target answers to restart_syscall."""
HANDLERS = ("none", "plain", "restart")
ENDLESS = ("clock_nanosleep_cpu", "recvmmsg_timed")
"""Their time does not pass: that of a process that sleeps, and one that recvmmsg(2) looks at only
when a message has come (its BUGS).
"""
NEARLY = 0.9
"""An absolute deadline was set before the time is taken: a filter is loaded in between."""
PATIENCE = 60.0


class Case(NamedTuple):
    """One call, under one filter, with one handler for SIGUSR1 (and then with that signal)."""

    name: str
    answer: str = "none"
    handler: str = "none"

    @property
    def timed(self) -> bool:
        """It ends by itself."""
        return (
            not self.name.endswith("_endless")
            and self.name not in ENDLESS
            and any(
                word in self.name for word in ("timed", "timeo", "absolute", "nanosleep", "timerfd")
            )
        )

    def time(self, milliseconds: int) -> int:
        """Of its call: one that waits for a signal has to last until that comes."""
        return milliseconds if self.handler == "none" else 600_000

    def __str__(self) -> str:
        return f"{self.name}, filter {self.answer}, handler {self.handler}"


class Ending(NamedTuple):
    """What the program saw of its call. ``waits``: it sits in it still, and does not end.

    ``early`` tells that it came back before its time.
    """

    waits: bool = False
    died: int = 0
    result: int = 0
    errno: int = 0
    handled: int = 0
    early: bool = False

    @property
    def words(self) -> str:
        if self.waits:
            return "waits on"
        if self.died:
            return f"killed by {signal.Signals(self.died).name}"
        if self.errno:
            return f"{os.strerror(self.errno)}{' early' if self.early else ''}"
        return f"returns {self.result}{' early' if self.early else ''}"


@functools.cache
def calls() -> tuple[str, ...]:
    """The names that the target knows, but for the one that is no call."""
    run = subprocess.run(
        [build("blocking_call"), "--list"], capture_output=True, text=True, check=True
    )
    return tuple(name for name in run.stdout.split() if name != "busy")


def started(stack: ExitStack, case: Case, milliseconds: int) -> Target | None:
    """The target in its call; None where this kernel has no such call."""
    process = stack.enter_context(
        start("blocking_call", case.name, case.time(milliseconds), case.handler, case.answer)
    )
    return process if "pid" in process.truth else None


def ending(process: Target, case: Case, milliseconds: int) -> Ending:
    """With a handler: of a signal that is sent now. Else of its time, if it has one."""
    if case.handler != "none":
        _settle(process)
        process.send(signal.SIGUSR1)
        return _told(process, case, 0) if _comes_back(process) else Ending(waits=True, handled=1)
    if not case.timed:
        _settle(process)
        return _told(process, case, 0) if proc.state(process.pid) == "Z" else Ending(waits=True)
    return _told(process, case, milliseconds * 1_000_000)


def _settle(process: Target) -> None:
    """Until it sleeps in a call again, or is dead."""
    proc.eventually(
        lambda: (
            proc.state(process.pid) in ("Z", "gone")
            or (
                proc.state(process.pid) == "S"
                and proc.syscall(process.pid, process.pid) is not None
            )
        ),
        PATIENCE,
        f"{process} sleeps",
    )


def _comes_back(process: Target) -> bool:
    """After a signal: does the call end, or is it done again (SA_RESTART)?"""
    _settle(process)
    return proc.state(process.pid) == "Z"


def _told(process: Target, case: Case, nanoseconds: int) -> Ending:
    try:
        told = process.hear(PATIENCE)
    except TimeoutError:
        raise AssertionError(f"{case}: it does not end") from None
    if told is None:
        return Ending(died=-process.wait(PATIENCE))
    lasted = told["ended"] - process.truth["began"]
    early = bool(nanoseconds) and lasted < nanoseconds * NEARLY and not told["handled"]
    return Ending(False, 0, told["ret"], told["errno"], told["handled"], early)


Looking: TypeAlias = Callable[[dict[Case, Target]], Collection[Case]]
"""Looks at all of these, and returns those that it has left alone."""


def looked_at(
    cases: Iterable[Case], looking: Looking, milliseconds: int, size: int = 60
) -> dict[Case, Ending]:
    """The endings after ``looking`` had its way with them, so many at a time.

    Left out are those that it left alone, that had ended before it came, and of which this kernel
    has none.
    """
    waiting, found = list(cases), {}
    while batch := waiting[:size]:
        del waiting[:size]
        with ExitStack() as stack:
            running = {
                case: process
                for case in batch
                if (process := started(stack, case, milliseconds)) is not None
            }
            alone = looking(
                {case: one for case, one in running.items() if proc.state(one.pid) != "Z"}
            )
            for case, process in running.items():
                if case not in alone:
                    found[case] = ending(process, case, milliseconds)
    return found
