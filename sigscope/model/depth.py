"""What only the kernel's own structures tell of a process: /proc shows none of it.

An engine fills it in (``engine`` says which): ``bpf`` reads task_struct, signal_struct
and sighand_struct without the process noticing, ``ptrace`` asks a stopped thread. A field that
this engine, or this kernel, does not give is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sigscope.model.value import dataclass

if TYPE_CHECKING:  # who fills in a part loads what it is made of
    from sigscope.model.itimer import IntervalTimer
    from sigscope.model.location import Location
    from sigscope.model.seccomp import Filter
    from sigscope.model.sigaction import SigAction
    from sigscope.model.siginfo import SigInfo
    from sigscope.model.signals import SignalSet
from sigscope.model.timer import Running


@dataclass(frozen=True, slots=True)
class ThreadDepth:
    """One thread (include/linux/sched.h).

    ``real_blocked`` is the mask to which a sigtimedwait in progress goes back (0 else),
    ``saved`` the one that ppoll, pselect, epoll_pwait and sigsuspend put back when they end
    (None where no such call is in progress). ``queue`` are its own pending signals, oldest first.
    ``filters`` are its seccomp filters, newest first. ``restart`` names the kernel function that
    restart_syscall(2) would go on with.
    """

    engine: str
    blocked: SignalSet | None = None
    real_blocked: SignalSet | None = None
    saved: SignalSet | None = None
    queue: tuple[SigInfo, ...] | None = None
    filters: tuple[Filter, ...] | None = None
    restart: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessDepth:
    """What the threads share (include/linux/sched/signal.h).

    ``actions`` are 64, that of signal N at N-1. ``queue`` holds the process-directed
    pending signals, oldest first; ``queued`` counts the entries of that queue (more than ``queue``
    has where it was too long to be read whole). ``unkillable`` is SIGNAL_UNKILLABLE: an init.
    ``group_stop`` tells that a stop signal has stopped it. ``itimers`` are those that are armed,
    ``posix_timers`` all that timer_create(2) has made.
    ``code`` says where the handlers lie, once ``kernel.handlers`` has looked; ``deferred`` are
    (signal, address) of handlers that run later, behind the one that the kernel knows.
    """

    engine: str
    actions: tuple[SigAction, ...] | None = None
    queue: tuple[SigInfo, ...] | None = None
    queued: int | None = None
    unkillable: bool | None = None
    group_stop: bool | None = None
    itimers: tuple[IntervalTimer, ...] | None = None
    posix_timers: tuple[Running, ...] | None = None
    code: tuple[Location, ...] | None = None
    deferred: tuple[tuple[int, int], ...] = ()

    def action(self, signal: int) -> SigAction | None:
        """The action of one signal, where they are known."""
        return self.actions[signal - 1] if self.actions is not None else None

    def located(self, address: int) -> Location | None:
        """Where this handler lies, where that is known."""
        return next((one for one in self.code or () if one.address == address), None)
