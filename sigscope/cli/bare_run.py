"""``sigscope run -- COMMAND`` without any option: nothing to parse, nothing to report.

A wrapper is started as often as what it wraps. What understands options takes as long to load as
Python itself, and so it is left out here; ``cli.run`` does the same for a call with options.
"""

from __future__ import annotations

import os

from sigscope.kernel.cleaning import clean

TYPE_CHECKING = False
"""As typing has it, which would be loaded for this alone."""
if TYPE_CHECKING:
    from collections.abc import Sequence


def become(command: Sequence[str]) -> int:
    """Become the command, all clean; returns only if that failed, with the exit status."""
    if clean():
        try:  # noqa: SIM105  contextlib would have to be loaded
            os.execvp(command[0], list(command))  # noqa: S606  that is what it is for
        except (OSError, ValueError):
            pass  # done once more, by what knows the reasons, and scripts without #!
    return _thoroughly(command)


def _thoroughly(command: Sequence[str]) -> int:
    try:
        from sigscope.actions.run import start
        from sigscope.model.start import Start

        start(Start(), command)
    except Exception as error:
        from sigscope.cli.boundary import guarded

        failure = error

        def again() -> int:
            raise failure

        return guarded(again)
