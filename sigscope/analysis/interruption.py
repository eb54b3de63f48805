"""What becomes of the system call that a thread sits in, when a handler runs in it.

The table of restarts tells (``analysis.restart``); here are its classes as ``explain`` says them.
"""

from __future__ import annotations

from enum import Enum

from sigscope.analysis.restart import kind_of
from sigscope.model.restart import RestartClass
from sigscope.model.sigaction import SigAction
from sigscope.model.syscall import SystemCall


class Interruption(Enum):
    """What the program sees of the call after a handler has run."""

    RESTARTS = "starts again, whatever flags the handler has"
    RESTARTS_WITH_FLAG = "starts again if the handler has SA_RESTART, else fails with EINTR"
    RESTARTS_BY_FLAG = "starts again: the handler has SA_RESTART"
    EINTR_BY_FLAG = "fails with EINTR: the handler has no SA_RESTART"
    EINTR = "fails with EINTR, with SA_RESTART or without"
    UNTOUCHED = "is not in a call that a handler interrupts"
    UNKNOWN = "is in a call whose behaviour is not listed in signal(7)"


_OF_CLASS = {
    RestartClass.NO_INTERRUPT: Interruption.RESTARTS,
    RestartClass.RESTART: Interruption.RESTARTS_WITH_FLAG,
    RestartClass.RESTART_BLOCK: Interruption.EINTR,
    RestartClass.NO_HANDLER: Interruption.EINTR,
    RestartClass.EINTR: Interruption.EINTR,
    RestartClass.NONE: Interruption.UNTOUCHED,
}


def interruption(call: SystemCall, action: SigAction | None = None) -> Interruption:
    """By the name of the call and its arguments, and the handler's flags where they are known.

    >>> interruption(SystemCall(7, "poll")).name
    'EINTR'
    """
    found = _OF_CLASS.get(kind_of(call), Interruption.UNKNOWN)
    if found is not Interruption.RESTARTS_WITH_FLAG or action is None:
        return found
    return Interruption.RESTARTS_BY_FLAG if action.restarts else Interruption.EINTR_BY_FLAG
