"""One thread: the owner of a mask. The kernel has no process-wide "blocked"."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sigscope.model.signals import SignalSet
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall

if TYPE_CHECKING:
    from sigscope.model.depth import ThreadDepth


class Thread(NamedTuple):
    """A task of a process. (A tuple, for a host has tens of thousands of them.)

    ``blocked`` and ``pending`` are SigBlk and SigPnd of its own status file; None where
    that file has no such line. The rest is None until somebody looks closer: ``syscall``,
    ``awaited`` (the set of a sigtimedwait in progress; those signals show as not blocked),
    ``asleep_ms`` (since it last ran; about, as the scheduler's clock tells) and ``depth`` (what
    only the kernel's own structures tell).
    """

    tid: int
    comm: str
    state: State
    blocked: SignalSet | None
    pending: SignalSet | None
    syscall: SystemCall | None = None
    awaited: SignalSet | None = None
    asleep_ms: float | None = None
    depth: ThreadDepth | None = None

    @property
    def lasting_mask(self) -> SignalSet | None:
        """The mask that a fork in this thread passes on: with the awaited set put back.

        Where the kernel's own structures were read, it is the one that comes back.

        >>> thread = Thread(7, "a", State.SLEEPING, SignalSet(0), SignalSet(0),
        ...                 awaited=SignalSet.of("SIGTERM"))
        >>> thread.lasting_mask
        SignalSet(mask=16384)
        """
        if self.depth is not None:
            if self.depth.saved is not None:
                return self.depth.saved
            if self.awaited is not None and self.depth.real_blocked is not None:
                return self.depth.real_blocked
        if self.blocked is None or self.awaited is None:
            return self.blocked
        return self.blocked | self.awaited
