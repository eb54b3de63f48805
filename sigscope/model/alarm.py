"""Whatever will signal a process by itself: timers, and the limit of its CPU time."""

from __future__ import annotations

from enum import Enum

from sigscope.model.catalog import Said
from sigscope.model.explanation import Explanation
from sigscope.model.gap import Gap
from sigscope.model.signals import Signal
from sigscope.model.value import dataclass

SECOND = 1_000_000_000


class Kind(Enum):
    """What made it."""

    ITIMER = "itimer"
    """setitimer(2), or alarm(2)."""
    POSIX = "posix"
    """timer_create(2)."""
    TIMERFD = "timerfd"
    """timerfd_create(2): no signal, a descriptor becomes readable."""
    LIMIT = "limit"
    """RLIMIT_CPU of setrlimit(2)."""


class Counts(Enum):
    """What makes it go on."""

    WALL = "wall clock"
    PROCESS = "CPU time of the process"
    USER = "user CPU time of the process"
    THREAD = "CPU time of one thread"

    @property
    def cpu_time(self) -> bool:
        return self is not Counts.WALL


@dataclass(frozen=True, slots=True)
class Alarm:
    """One of them; nanoseconds. ``name`` is what people call it: "ITIMER_PROF", "timerfd 5".

    ``signal`` is None where none is sent, ``tid`` is set where one thread gets it. ``number`` is
    the id of a POSIX timer or the descriptor of a timerfd. ``armed``, ``remaining``,
    ``interval`` and ``overruns`` are None where they could not be read; ``overruns`` of a
    timerfd are the expirations that nobody has read yet.

    >>> Alarm(Kind.ITIMER, "ITIMER_PROF", "", Counts.PROCESS, Signal(27)).counts.cpu_time
    True
    """

    kind: Kind
    name: str
    clock: str
    counts: Counts
    signal: Signal | None
    tid: int | None = None
    number: int | None = None
    armed: bool | None = True
    remaining: int | None = None
    interval: int | None = None
    overruns: int | None = None

    @property
    def key(self) -> tuple[Kind, str]:
        """By which it is known again in another look."""
        return self.kind, self.name


@dataclass(frozen=True, slots=True)
class Alarms:
    """All of a process at one moment, and what could not be seen of them.

    ``at`` is the monotonic clock and ``used`` the CPU time of the process, in nanoseconds;
    None where that is not known.
    """

    found: tuple[Alarm, ...]
    gaps: tuple[Gap, ...]
    at: int
    used: int | None


@dataclass(frozen=True, slots=True)
class Judged:
    """An alarm, with what becomes of it.

    ``advancing`` is None where it could not be told, and for one that is not armed.
    ``because`` says why; ``measured`` tells that two looks were compared. ``arrives`` is the
    verdict on its signal, None where it sends none; ``documented`` is what the program says of it.
    """

    alarm: Alarm
    advancing: bool | None
    because: str
    measured: bool
    arrives: Explanation | None
    documented: tuple[Said, ...] = ()
    remarks: tuple[str, ...] = ()


class Became(Enum):
    """What happened to a timer between two looks."""

    FIRED = "fired"
    SET = "set"
    DISARMED = "disarmed"


@dataclass(frozen=True, slots=True)
class Change:
    """``alarm`` is the timer as it was before, and for one that is new as it is now."""

    became: Became
    alarm: Alarm
