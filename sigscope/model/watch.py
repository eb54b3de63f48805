"""What a watch sees happen to signals and to the processes that send and get them.

The same events come from every source (BPF programs, perf events, tracefs, ptrace); what a source
cannot tell is None. Times are nanoseconds of CLOCK_MONOTONIC; pids and tids are those of our
own pid namespace where the source could translate them, else the kernel's.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal


class Result(IntEnum):
    """What the kernel did with a signal at once (include/trace/events/signal.h).

    IGNORED is also said of a SIGCONT that lets its target go on, and of a SIGCHLD that only wakes
    a wait; LOST_INFO: the signal is queued, its siginfo is not.
    """

    QUEUED = 0
    IGNORED = 1
    PENDING = 2
    OVERFLOW = 3
    LOST_INFO = 4


CAUGHT = -1
"""A handler whose address is not known."""


class Consumer(IntEnum):
    """Who takes a signal without a handler."""

    SIGWAIT = 1
    SIGNALFD = 2


class Task(NamedTuple):
    """A thread as it was at the event; ``parent`` is a process."""

    tid: int
    tgid: int | None = None
    comm: str | None = None
    uid: int | None = None
    parent: int | None = None
    parent_comm: str | None = None


class Sent(NamedTuple):
    """signal_generate. ``sender`` is who was running; whether it is to blame, ``info`` tells.

    ``group``: process-directed. ``kernel``: the kernel itself sent it (SEND_SIG_PRIV), or a
    timer. ``blocked``: the thread in ``target`` blocks it; ``init``: its process takes no signal
    that it has no handler for (SIGNAL_UNKILLABLE). ``times``: so many alike, the last one now.
    """

    time: int
    sender: Task
    target: Task
    info: SigInfo
    group: bool
    result: Result
    blocked: bool | None = None
    init: bool | None = None
    times: int = 1


class Delivered(NamedTuple):
    """signal_deliver, in the thread that takes it.

    ``handler``: 0 default, 1 ignore, else where; CAUGHT if only that it has one is known.
    """

    time: int
    task: Task
    signal: Signal
    code: int
    handler: int
    flags: int
    times: int = 1


class Taken(NamedTuple):
    """Dequeued, but not by the delivery of a signal: a sigwait, or the read of a signalfd."""

    time: int
    task: Task
    signal: Signal
    by: Consumer | None
    times: int = 1


class Forked(NamedTuple):
    """A new thread (``child.tgid`` is that of ``parent``) or process."""

    time: int
    parent: Task
    child: Task


class Executed(NamedTuple):
    """``cmdline`` is as much of the arguments as was copied."""

    time: int
    task: Task
    path: str | None = None
    cmdline: tuple[str, ...] | None = None


class Exited(NamedTuple):
    """The end of a thread; ``status`` is as wait(2) gives it. ``process``: no thread is left."""

    time: int
    task: Task
    status: int | None = None
    process: bool | None = None


class Missed(NamedTuple):
    """So many ``events``, or an unknown number, found no room before this moment."""

    time: int
    events: int | None


Event = Sent | Delivered | Taken | Forked | Executed | Exited | Missed
