"""A process as the kernel sees it when it is asked: may they look at that one?"""

from __future__ import annotations

from sigscope.model.state import State
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Other:
    """None is what is not shown to us. ``granted`` is what was tried of its files."""

    pid: int
    comm: str = "?"
    state: State = State.UNKNOWN
    uids: tuple[int, ...] = ()
    gids: tuple[int, ...] = ()
    permitted: int = 0
    """Its capabilities: one may trace who has more only with CAP_SYS_PTRACE."""
    owner: int | None = None
    """Of its files below /proc: root's if it is not dumpable (proc(5))."""
    user_namespace: str | None = None
    foreign: bool | None = None
    """Does it live in another user namespace? None if that cannot be told."""
    itself: bool = False
    kernel_thread: bool = False
    dead: bool = False
    """A zombie, or as good as that: no thread of it lives."""
    ppid: int = 0
    tracer: int = 0
    tracer_name: str = ""
    descendant: bool = False
    """Of ours: Yama lets one trace those."""
    filters: int = 0
    pending: bool = False
    catches: bool = False
    inner: tuple[int, ...] = ()
    """Its numbers in the pid namespaces, ours first."""
    bits: int | None = None
    """32 or 64, as its program file says."""
    granted: frozenset[str] | None = None
    """Of "exe", "fd" and "syscall" those that were read; None if nothing was tried."""
