"""A process: its threads, and what they share. The process view of a mask is derived."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from sigscope.model.container import Container
from sigscope.model.gap import Gap
from sigscope.model.signals import SignalSet
from sigscope.model.state import State
from sigscope.model.thread import Thread
from sigscope.model.timer import Timer
from sigscope.model.value import dataclass
from sigscope.model.waits import Waits

if TYPE_CHECKING:  # who does not look that deep starts faster without
    from sigscope.model.depth import ProcessDepth


@dataclass(frozen=True, slots=True)
class Queue:
    """SigQ: signals queued for the *real user* of the process, not for it alone."""

    used: int
    limit: int


class Freezer(Enum):
    """Which kind of cgroup freezer holds the process; they treat signals differently."""

    V1 = "v1"
    V2 = "v2"


@dataclass(frozen=True, slots=True)
class SignalFd:
    """A signalfd that the process holds.

    ``polled``: an epoll of the process watches it. ``readers`` are the threads that sit in
    read(2) on it, ``pollers`` those that wait for it in epoll_wait, poll or select.
    """

    fd: int
    signals: SignalSet
    polled: bool
    readers: tuple[int, ...] = ()
    pollers: tuple[int, ...] = ()

    @property
    def attended(self) -> bool:
        """Does somebody take what comes, now?"""
        return bool(self.readers or self.pollers)


@dataclass(frozen=True, slots=True)
class Process:
    """All that /proc tells of one process; identity is ``(pid, start_time)``.

    ``start_time`` counts clock ticks since boot. ``pending``, ``ignored`` and ``caught`` are
    ShdPnd, SigIgn and SigCgt: they belong to the process, masks to its threads. The fields
    below ``gaps`` are None until somebody looks closer (``kernel.closer``), and stay None,
    with a gap, where that was refused.
    """

    pid: int
    start_time: int
    ppid: int
    comm: str
    uid: int
    state: State
    threads: tuple[Thread, ...]
    pending: SignalSet | None
    ignored: SignalSet | None
    caught: SignalSet | None
    saved_uid: int = 0
    nspid: tuple[int, ...] = ()
    pgrp: int = 0
    session: int = 0
    queue: Queue | None = None
    seccomp: int | None = None
    no_new_privs: bool | None = None
    tracer: int | None = None
    kernel_thread: bool = False
    gaps: tuple[Gap, ...] = ()
    cmdline: tuple[str, ...] | None = None
    exe: str | None = None
    container: Container | None = None
    pid_namespace: int | None = None
    unit: str | None = None
    signalfds: tuple[SignalFd, ...] | None = None
    forked_by: int | None = None
    frozen: Freezer | None = None
    timers: tuple[Timer, ...] | None = None
    waits: Waits | None = None
    depth: ProcessDepth | None = None

    @property
    def namespace_init(self) -> bool:
        """Is it PID 1 of its pid namespace (or of the host)?"""
        return self.pid == 1 or (len(self.nspid) > 1 and self.nspid[-1] == 1)

    @property
    def unkillable(self) -> bool:
        """Is it spared default actions (SIGNAL_UNKILLABLE)? An init is, if nobody has looked."""
        known = self.depth.unkillable if self.depth is not None else None
        return self.namespace_init if known is None else known

    @property
    def identity(self) -> tuple[int, int]:
        return self.pid, self.start_time

    @property
    def living(self) -> tuple[Thread, ...]:
        """The threads that can still take a signal; a dead leader cannot."""
        return tuple([thread for thread in self.threads if not thread.state.gone])

    @property
    def zombie(self) -> bool:
        """Dead as a whole: a zombie leader with living threads is none."""
        return not self.living

    @property
    def leader_dead(self) -> bool:
        return self.state.gone and bool(self.living)

    @property
    def blocked_by_all(self) -> SignalSet | None:
        """Blocked in every living thread; None if one of their masks is missing."""
        return self._join(and_)

    @property
    def blocked_by_some(self) -> SignalSet | None:
        """Blocked in at least one living thread; None if one of their masks is missing."""
        return self._join(or_)

    def _join(self, how: Callable[[SignalSet, SignalSet], SignalSet]) -> SignalSet | None:
        masks = {thread.blocked for thread in self.living}
        known = [mask for mask in masks if mask is not None]
        if not known or len(known) < len(masks):
            return None
        return reduce(how, known)

    def threads_blocking(self, number: int) -> tuple[Thread, ...]:
        """The living threads whose lasting mask holds this signal."""
        return tuple(
            thread
            for thread in self.living
            if (mask := thread.lasting_mask) is not None and number in mask
        )

    def disposition(self, number: int) -> str | None:
        """ "ignored", "caught" or "default"; None where the kernel's lines are missing.

        An ignored signal is one that somebody set to SIG_IGN: signals whose default
        action is to do nothing (SIGCHLD) are "default".
        """
        if self.ignored is None or self.caught is None:
            return None
        if number in self.ignored:
            return "ignored"
        return "caught" if number in self.caught else "default"

    def thread(self, tid: int) -> Thread | None:
        return next((thread for thread in self.threads if thread.tid == tid), None)
