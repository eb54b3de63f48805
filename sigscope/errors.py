"""One class per cause of failure: what happened, to whom, why, and what to type next.

The room's contract: standard library only; raised by every room, printed by one
place (``sigscope.cli.boundary``), which also turns ``status`` into the exit status.
"""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the shell is told; the table stands in sigscope(1)."""

    FINE = 0
    ANSWER_IS_NO = 1
    USAGE = 2
    NO_SUCH_TARGET = 3
    NOT_PERMITTED = 4
    NOT_SUPPORTED = 5
    OUR_BUG = 70
    CANNOT_RUN = 125
    CANNOT_EXECUTE = 126
    COMMAND_NOT_FOUND = 127
    INTERRUPTED = 130


class SigscopeError(Exception):
    """The base of all expected failures.

    >>> raise NoSuchTarget("no process 4285", "pgrep -a hping3")
    Traceback (most recent call last):
        ...
    sigscope.errors.NoSuchTarget: no process 4285
    """

    status = ExitStatus.OUR_BUG

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SigscopeError):
    """The words of the call do not fit: not a mask, not a signal, options at odds."""

    status = ExitStatus.USAGE


class BadSnapshot(UsageError):
    """The file given with --from is cut off, damaged, too large, or none of ours."""


class CannotWrite(UsageError):
    """Standard output leads to a place that does not take the answer: a full disk, say."""


class NoSuchTarget(SigscopeError):
    """No process or thread answers to that pid, tid or name."""

    status = ExitStatus.NO_SUCH_TARGET


class NotPermitted(SigscopeError):
    """The kernel refused, and the target cannot be described without it."""

    status = ExitStatus.NOT_PERMITTED


class WouldHarm(NotPermitted):
    """Stopping the target would change what it does, and that could not be undone."""


class NotSupported(SigscopeError):
    """This kernel, architecture or /proc does not offer what the answer needs."""

    status = ExitStatus.NOT_SUPPORTED


class CannotRun(SigscopeError):
    """``sigscope run`` itself failed: its words, or the mask. The statuses are those of env(1)."""

    status = ExitStatus.CANNOT_RUN


class CannotExecute(SigscopeError):
    """The command that ``sigscope run`` was to become is there, and cannot be executed."""

    status = ExitStatus.CANNOT_EXECUTE


class CommandNotFound(SigscopeError):
    """The command that ``sigscope run`` was to become is not there."""

    status = ExitStatus.COMMAND_NOT_FOUND


class DecodeError(NotSupported):
    """A kernel file does not have the shape that its manual page describes.

    ``what`` names the file (``status``), ``detail`` what is wrong with its text, and ``place``
    the directory of its process, where that is known.
    """

    def __init__(self, what: str, detail: str, place: str = "") -> None:
        super().__init__(
            f"{place}/{what}: {detail}" if place else f"{what}: {detail}",
            f"look at the file itself: cat {place or '/proc/PID'}/{what}",
        )
        self.what = what
        self.detail = detail
