"""``sigscope run -- COMMAND`` without any option: nothing to parse, nothing to report.

A wrapper is started as often as what it wraps. What understands options takes as long to load as
Python itself, and so it is left out here; ``cli.run`` does the same for a call with options.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from sigscope.actions.run import start
from sigscope.model.start import Start


def become(command: Sequence[str]) -> int:
    """Become the command, all clean; returns only if that failed, with the exit status."""
    try:
        _become(command)
    except Exception as error:
        from sigscope.cli.boundary import guarded

        failure = error

        def again() -> int:
            raise failure

        return guarded(again)


def _become(command: Sequence[str]) -> NoReturn:
    start(Start(), command)
