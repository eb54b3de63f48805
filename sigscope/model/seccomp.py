"""A seccomp filter, and what it answers (seccomp(2))."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Instruction(NamedTuple):
    """struct sock_filter of classic BPF (include/uapi/linux/filter.h)."""

    code: int
    jump_true: int
    jump_false: int
    k: int


class Filter(NamedTuple):
    """One program of a thread's stack of filters. ``log``: SECCOMP_FILTER_FLAG_LOG, if known.

    ``complete`` is False where only the beginning could be read: it answers nothing then.
    """

    instructions: tuple[Instruction, ...]
    log: bool | None = None
    complete: bool = True


class FilterAction(Enum):
    """SECCOMP_RET_*, in the kernel's order: of several filters, the first of these wins."""

    KILL_PROCESS = 0x80000000
    KILL_THREAD = 0x00000000
    TRAP = 0x00030000
    ERRNO = 0x00050000
    NOTIFY = 0x7FC00000
    TRACE = 0x7FF00000
    LOG = 0x7FFC0000
    ALLOW = 0x7FFF0000

    @property
    def lets_pass(self) -> bool:
        return self in (FilterAction.LOG, FilterAction.ALLOW)


class Answer(NamedTuple):
    """What a stack of filters answers to one call; ``data`` is the errno (or the tracer's cookie).

    ``depends`` are the positions of the arguments that were looked at on the way: without
    them the answer may be another. Then ``action`` and ``data`` are those of the arguments given,
    or None where none were.
    """

    action: FilterAction | None
    data: int = 0
    depends: frozenset[int] = frozenset()
