"""Become another program, with a mask and dispositions of one's choice. No process is added."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import NoReturn

from sigscope.errors import CannotExecute, CannotRun, CommandNotFound, NotSupported
from sigscope.kernel.dispositions import become
from sigscope.model.start import Start

_SHELL = "/bin/sh"
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


def start(plan: Start, command: Sequence[str]) -> NoReturn:
    """execvp(3) of the command; returns only as an error, by the statuses of env(1).

    CommandNotFound (127), CannotExecute (126), CannotRun (125: the mask could not be set).
    """
    program = command[0]
    try:
        become(plan)
    except NotSupported as error:
        raise CannotRun(error.message, error.hint) from None
    try:
        try:
            os.execvp(program, list(command))  # noqa: S606  that is what it is for
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            # As execvp(3) of the C library: a script without #! is one for the shell.
            from shutil import which

            script = program if "/" in program else which(program) or program
            os.execv(_SHELL, [_SHELL, script, *command[1:]])  # noqa: S606
    except (OSError, ValueError) as error:
        raise _failed(program, error) from None


def _failed(program: str, error: OSError | ValueError) -> CannotExecute | CommandNotFound:
    if isinstance(error, OSError) and error.errno in _ABSENT:
        where = "" if "/" in program else " in PATH"
        return CommandNotFound(
            f"there is no {program!r}{where}", f"look for it: command -v {_plain(program)}"
        )
    why = error.strerror if isinstance(error, OSError) else str(error)
    return CannotExecute(
        f"cannot execute {program!r}: {why}", f"look at it: ls -l {_plain(program)}"
    )


def _plain(program: str) -> str:
    import shlex

    return shlex.quote(program)
