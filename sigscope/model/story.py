"""The story of a signal: who sent it, why, and what became of it.

Each signal has one story that tells its first fate. A fate that does not last (``Fate.lasts``
is false: it waits) is followed by one more with ``again`` set, when the signal is taken at last,
or its process ends.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from sigscope.model.container import Container
from sigscope.model.lineage import Confidence
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal, SignalSet
from sigscope.model.value import dataclass


class Fate(Enum):
    """What became of a signal."""

    HANDLED = "handled"
    TERMINATED = "terminated"
    DUMPED = "dumped"
    """It ended its process, and a core was dumped (WCOREDUMP of wait(2))."""
    STOPPED = "stopped"
    CONTINUED = "continued"
    IGNORED = "ignored"
    """By its disposition: SIG_IGN, or the default is to do nothing."""
    MERGED = "merged"
    """One of its kind was pending already, and stands for both."""
    LOST = "lost"
    """The queue of its user was full (RLIMIT_SIGPENDING), and the sender was told EAGAIN."""
    QUEUED = "queued"
    """Every thread that may take it blocks it."""
    HELD = "held"
    """Its target is stopped or frozen, and takes nothing until it goes on."""
    DROPPED = "dropped"
    """The init of a pid namespace gets no signal that it has no handler for."""
    SIGWAIT = "sigwait"
    SIGNALFD = "signalfd"
    TAKEN = "taken"
    """It does not wait any more; who took it, the source of the events could not tell."""
    TRACED = "traced"
    """Its tracer took it, or has it to decide on."""
    LATE = "late"
    """Its target was about to die already."""
    ENDED = "ended"
    """Its process came to its end by something else, and it was never taken."""
    UNTAKEN = "untaken"
    """Not taken in time, though nothing that was seen holds it back."""
    UNKNOWN = "unknown"

    @property
    def lasts(self) -> bool:
        """Is this the end of the story?"""
        return self not in _WAITING


_WAITING = frozenset((Fate.QUEUED, Fate.HELD, Fate.UNTAKEN))


class Origin(Enum):
    """What kind of thing sent it."""

    PROCESS = "process"
    ITSELF = "itself"
    PARENT = "parent"
    """The end of the parent, as PR_SET_PDEATHSIG asked for."""
    CHILD = "child"
    TIMER = "timer"
    TERMINAL = "terminal"
    FAULT = "fault"
    TRACER = "tracer"
    KERNEL = "kernel"

    @property
    def blames(self) -> bool:
        """Is the task that was running at the time the one that sent it?"""
        return self in (Origin.PROCESS, Origin.ITSELF, Origin.TRACER, Origin.PARENT)


class Known(NamedTuple):
    """A process as a look at /proc found it, at the start of a watch or later."""

    pid: int
    parent: int
    comm: str
    uid: int | None = None
    cmdline: tuple[str, ...] | None = None
    container: Container | None = None


class LookedThread(NamedTuple):
    """A thread as /proc showed it: ``state`` is its letter, and the sets may be missing."""

    tid: int
    state: str
    blocked: SignalSet | None
    pending: SignalSet | None


class Look(NamedTuple):
    """What /proc told of a process at ``time`` where the events could not decide.

    No ``threads``: it was not there any more.
    """

    time: int
    pid: int
    threads: tuple[LookedThread, ...] = ()
    pending: SignalSet | None = None
    ignored: SignalSet | None = None
    caught: SignalSet | None = None
    tracer: int | None = None
    frozen: bool = False


class Actor(NamedTuple):
    """Who sends or gets a signal. ``ancestors`` are pid and name, the parent first."""

    pid: int
    comm: str | None
    tid: int | None = None
    cmdline: tuple[str, ...] | None = None
    uid: int | None = None
    container: Container | None = None
    ancestors: tuple[tuple[int, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """One line of a watch; times are nanoseconds of CLOCK_MONOTONIC.

    ``number`` counts from 1 and is the same in the second line. ``sender`` is None where the
    kernel sent it by itself. ``why`` is the siginfo in words, ``because`` the reason of the fate.
    ``thread`` took it. ``cause`` is the number of the signal that made the sender send this one,
    ``root`` that of the first in such a chain (its own, if it is the first), ``step`` the
    distance from there. ``into`` is the one that it was merged with.
    """

    number: int
    time: int
    settled: int
    info: SigInfo
    group: bool
    origin: Origin
    why: str
    sender: Actor | None
    target: Actor
    fate: Fate
    because: str = ""
    times: int = 1
    again: bool = False
    thread: int | None = None
    root: int = 0
    root_time: int = 0
    step: int = 0
    cause: int | None = None
    confidence: Confidence | None = None
    into: int | None = None

    @property
    def signal(self) -> Signal:
        return self.info.signal

    @property
    def delay(self) -> int:
        """Nanoseconds from the sending to this fate."""
        return max(0, self.settled - self.time)


class End(NamedTuple):
    """How a process came to its end; ``status`` as wait(2) gives it, ``killer`` a story."""

    time: int
    target: Actor
    status: int | None
    killer: Story | None = None
