"""What becomes of a system call that a stop or a signal interrupts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from sigscope.model.syscall import SystemCall
from sigscope.model.value import dataclass


class RestartClass(Enum):
    """What the call answers the kernel's signal code with (include/linux/errno.h)."""

    RESTART_BLOCK = "restartblock"
    """ERESTART_RESTARTBLOCK, 516: goes on through restart_syscall; EINTR after a handler."""
    NO_HANDLER = "restartnohand"
    """ERESTARTNOHAND, 514: starts again; EINTR after a handler."""
    NO_INTERRUPT = "restartnointr"
    """ERESTARTNOINTR, 513: starts again, after any handler, too."""
    RESTART = "restartsys"
    """ERESTARTSYS, 512: starts again; after a handler only if that has SA_RESTART."""
    EINTR = "eintr"
    """Fails with EINTR, even if no handler runs."""
    NONE = "none"
    """Not in a call that could be interrupted."""
    UNKNOWN = "unknown"


class Event(Enum):
    """What may happen to a thread. The first three have the same effect."""

    STOP_CONT = "stop_cont"
    FREEZE = "freeze"
    ATTACH = "attach"
    SIGNAL_RESTART = "signal_restart"
    """A handler with SA_RESTART runs."""
    SIGNAL = "signal"
    """A handler without it runs."""

    @property
    def is_stop(self) -> bool:
        return self in (Event.STOP_CONT, Event.FREEZE, Event.ATTACH)


class Becomes(Enum):
    """What the program sees of its call."""

    RESUMES = "resumes"
    """With the time that is left: it notices nothing."""
    RESTARTS = "restarts"
    """With its own arguments, from the beginning; without a timeout nothing is lost."""
    EINTR = "eintr"
    FAILS = "fails"
    """Returns at once, with an errno, or with 0 as if its time were over."""
    KILLED = "killed"
    UNKNOWN = "unknown"

    @property
    def harmless(self) -> bool:
        return self in (Becomes.RESUMES, Becomes.RESTARTS)


class Fate(NamedTuple):
    """``errno`` is that with which it fails; 0: it returns 0; None: it has none, or is not known.

    >>> Fate(Becomes.FAILS, 1)
    Fate(becomes=<Becomes.FAILS: 'fails'>, errno=1)
    """

    becomes: Becomes
    errno: int | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a judgement rests on beside the process itself.

    ``machine`` is the kernel's (uname -m). ``modes`` maps a tid to Seccomp of its own status
    file: each thread may have its own filters. ``files`` maps a descriptor to what its link in
    /proc/PID/fd says; None where that is not shown. ``timed`` are the descriptors of sockets of
    which SO_RCVTIMEO and SO_SNDTIMEO are known, with the two in seconds.
    """

    machine: str
    modes: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    files: Mapping[int, str] | None = None
    timed: Mapping[int, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Prospect:
    """One thread: its call, and what each event would make of it.

    ``fates`` holds all that is possible, the most likely first. ``because`` is a sentence on
    the first three events, ``source`` where that stands. ``partial``: it may also return at once
    with what it has transferred so far. ``answer`` names what the filters answer to
    restart_syscall (``none`` without any; None where it was not asked for or is not known).
    """

    tid: int
    call: SystemCall | None
    kind: RestartClass
    fates: Mapping[Event, tuple[Fate, ...]]
    because: str
    source: str
    partial: bool = False
    answer: str | None = None

    def after(self, event: Event) -> Fate:
        """The one fate, or UNKNOWN where several are possible."""
        fates = self.fates[event]
        return fates[0] if len(fates) == 1 else Fate(Becomes.UNKNOWN)

    @property
    def at_risk(self) -> bool:
        """Is it not sure that a stop does no harm?"""
        return not all(fate.becomes.harmless for fate in self.fates[Event.STOP_CONT])

    @property
    def breaks(self) -> bool:
        """Is it sure that a stop does harm?"""
        fates = self.fates[Event.STOP_CONT]
        return not any(fate.becomes.harmless or fate.becomes is Becomes.UNKNOWN for fate in fates)
