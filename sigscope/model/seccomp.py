"""A seccomp filter, and what it answers (seccomp(2))."""

from __future__ import annotations

import errno
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

    @property
    def kills(self) -> bool:
        return self in (FilterAction.KILL_PROCESS, FilterAction.KILL_THREAD)


def action_text(action: FilterAction | None, data: int = 0) -> str:
    """What becomes of a call that is answered so.

    >>> action_text(FilterAction.ERRNO, 1), action_text(FilterAction.KILL_THREAD)
    ('fails with EPERM', 'kills the thread')
    """
    match action:
        case None:
            return "depends on its arguments"
        case FilterAction.ERRNO if data == 0:
            return "is not made, and seems to succeed"
        case FilterAction.ERRNO:
            return f"fails with {errno_name(data)}"
        case FilterAction.TRACE:
            return "is decided by a tracer (ENOSYS without one)"
        case FilterAction.NOTIFY:
            return "is decided by a supervisor (ENOSYS without one)"
    return _TEXTS[action]


_TEXTS = {
    FilterAction.KILL_PROCESS: "kills the process",
    FilterAction.KILL_THREAD: "kills the thread",
    FilterAction.TRAP: "raises SIGSYS",
    FilterAction.LOG: "is allowed, and logged",
    FilterAction.ALLOW: "is allowed",
}


def errno_name(number: int) -> str:
    """ENOSYS; the number where this machine has no name for it."""
    return errno.errorcode.get(number, f"errno {number}")


INSTRUCTION_POINTER = -1
"""Stands among the arguments for the address of the call, at which a filter may look as well."""


class Outcome(NamedTuple):
    """One of the answers to a call, if its arguments are such.

    ``when`` are the comparisons that lead there, in words; ``example`` are six arguments for which
    they hold, and None where none were found: then it may not be possible at all.
    ``pointer`` is the instruction pointer of the example, ``ways`` counts the ways that lead there.
    """

    action: FilterAction
    data: int
    when: tuple[str, ...]
    example: tuple[int, ...] | None
    pointer: int = 0
    ways: int = 1


class Answer(NamedTuple):
    """What a stack of filters answers to one call; ``data`` is the errno (or the tracer's cookie).

    ``depends`` are the positions of the arguments that were looked at on the way: without
    them the answer may be another. Then ``action`` and ``data`` are those of the arguments given,
    or None where none were, and ``outcomes`` are those that there are. Not ``whole``: there may
    be others, for a filter could not be read, or has more ways through it than were followed.
    """

    action: FilterAction | None
    data: int = 0
    depends: frozenset[int] = frozenset()
    outcomes: tuple[Outcome, ...] = ()
    whole: bool = True

    @property
    def sure(self) -> bool:
        """It is this one whatever the arguments are."""
        return self.action is not None and not self.depends and self.whole

    @property
    def surely_passes(self) -> bool:
        """The call is made, whatever its arguments are."""
        if not self.whole:
            return False
        if self.outcomes:
            return all(outcome.action.lets_pass for outcome in self.outcomes)
        return self.action is not None and self.action.lets_pass and not self.depends
