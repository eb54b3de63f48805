"""The one place where errors become words on stderr and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sigscope.cli.output import put_remarks
from sigscope.errors import ExitStatus, SigscopeError
from sigscope.render.line import Line, Role, Span


def guarded(run: Callable[[], int]) -> int:
    """Run a command; whatever happens, an exit status and no traceback."""
    try:
        return int(run())
    except SigscopeError as error:
        explain(error)
        return int(error.status)
    except KeyboardInterrupt:
        put_remarks([Line.of("sigscope: interrupted")])
        return int(ExitStatus.INTERRUPTED)
    except Exception as error:  # the boundary: nothing else catches broadly
        return _our_bug(error)


def explain(error: SigscopeError) -> None:
    """What happened and why; below it, what to type next."""
    put_remarks([Line.of("sigscope: ", Span(error.message, Role.STRONG))])
    if error.hint:
        put_remarks([Line.of("  ", Span(error.hint, Role.COMMAND))])


def _our_bug(error: Exception) -> int:
    """A report that can be pasted: the chain of our own lines, in one line each."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " <- ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    put_remarks(
        [
            Line.of("sigscope: ", Span("this is a bug in sigscope, not in your host", Role.STRONG)),
            Line.of(f"  {type(error).__name__}: {error} at {where}"),
            Line.of(
                f"  please report that line, with: {sys.platform}, Python {sys.version.split()[0]}"
            ),
        ]
    )
    return int(ExitStatus.OUR_BUG)
