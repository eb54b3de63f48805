"""Does a process use CPU time, as far as one look tells; and for how long has it used none?"""

from __future__ import annotations

from sigscope.model.process import Process
from sigscope.model.state import State
from sigscope.model.thread import Thread


def at_rest(thread: Thread) -> bool:
    """Does it use no CPU time, at this moment?"""
    if thread.syscall is not None and thread.syscall.running:
        return False
    return thread.state not in (State.RUNNING, State.UNKNOWN)


def rested(process: Process) -> float | None:
    """For how many milliseconds no thread of it has run; None where that is not known."""
    known = [one.asleep_ms for one in process.living if one.asleep_ms is not None]
    return min(known) if known and len(known) == len(process.living) else None


def who_sleeps(process: Process) -> str:
    """ "its only thread is", "all 4 threads are"."""
    count = len(process.living)
    return "its only thread is" if count == 1 else f"all {count} threads are"


def where(process: Process) -> str:
    """ "in poll ": the call of the thread that ran last; "" where that is not known."""
    last = min(process.living, key=lambda one: one.asleep_ms or 0.0)
    name = last.syscall.name if last.syscall is not None else None
    return f"in {name} " if name else ""
