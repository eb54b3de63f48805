"""The printer: colour on a terminal, escapes everywhere, a closed pipe forgiven."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from sigscope.errors import CannotWrite
from sigscope.render.line import Line, Role, Span, escape

_COLOURS = {
    Role.STRONG: "1",
    Role.FAINT: "2",
    Role.ERROR: "1;31",
    Role.WARNING: "1;33",
    Role.NOTE: "36",
    Role.COMMAND: "32",
}
_PLAIN_SIGNS = str.maketrans(
    {"·": "-", "…": "...", "─": "-", "│": "|", "├": "|", "└": "`", "×": "x"}
)
_NARROWEST, _USUAL = 40, 80


def width() -> int:
    """Columns of the terminal; 80 where there is none."""
    import shutil

    return max(_NARROWEST, shutil.get_terminal_size((_USUAL, 24)).columns)


def put(lines: Iterable[Line]) -> bool:
    """The answer, on standard output; False if its reader went away."""
    return _write(sys.stdout, (_painted(line, _coloured(sys.stdout)) for line in lines))


def put_again(lines: Sequence[Line], over: int) -> bool:
    """The answer on a terminal, over the ``over`` lines that were put there last."""
    back = f"\x1b[{over}A" if over else ""
    painted = [_painted(line, _coloured(sys.stdout)) for line in lines]
    return _write(sys.stdout, (f"{back}\r\x1b[J" + "\n".join(painted),))


def put_json(content: object) -> None:
    """One JSON document on standard output."""
    import json

    _write(sys.stdout, (json.dumps(content, indent=2),))


def put_line(content: object) -> bool:
    """One JSON object, on one line of standard output; False if its reader went away."""
    import json

    return _write(sys.stdout, (json.dumps(content),))


def remark(text: str) -> None:
    """A remark, on standard error."""
    _write(sys.stderr, (escape(text),))


def put_remarks(lines: Iterable[Line]) -> None:
    """Remarks in lines, on standard error."""
    _write(sys.stderr, (_painted(line, _coloured(sys.stderr)) for line in lines))


def _coloured(stream: TextIO | None) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream is not None and stream.isatty()


def _painted(line: Line, coloured: bool) -> str:
    return "".join(_span(span, coloured) for span in line.spans)


def _span(span: Span, coloured: bool) -> str:
    text = escape(span.text)
    colour = _COLOURS.get(span.role) if coloured else None
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and text else text


def _write(stream: TextIO | None, lines: Iterable[str]) -> bool:
    """A reader that went away (``| head``) has all that it wants: the rest is dropped.

    So is everything where the stream was closed before we began (``>&-``).
    """
    if stream is None:
        return True
    encoding = stream.encoding or "ascii"
    unicode = encoding.lower().startswith("utf")
    try:
        for line in lines:
            if not unicode:
                plain = line.translate(_PLAIN_SIGNS)
                line = plain.encode(encoding, "backslashreplace").decode(encoding)
            stream.write(line + "\n")
        stream.flush()
    except BrokenPipeError:
        _forget(stream)
        return False
    except OSError as error:
        _forget(stream)
        raise CannotWrite(f"cannot write the answer: {error.strerror}") from None
    return True


def _forget(stream: TextIO) -> None:
    """What is still in the buffer goes nowhere, so that Python does not try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
