"""Lines of text whose parts have a role (an error, a name, a command), not a colour."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from sigscope.model.value import dataclass


class Role(Enum):
    """What a part of a line is; the printer knows its colour."""

    PLAIN = "plain"
    STRONG = "strong"
    FAINT = "faint"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line that has one role."""

    text: str
    role: Role = Role.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """A line, without its end."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, *parts: str | Span) -> Line:
        return cls(tuple(Span(part) if isinstance(part, str) else part for part in parts))

    def __str__(self) -> str:
        return "".join(span.text for span in self.spans)


BLANK = Line()


def escape(text: str) -> str:
    r"""Text that strangers chose, fit for a terminal: one line, no control, no bidi tricks.

    >>> escape("a\nb\x1b[31m")
    'a\\nb\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def wrapped(text: str, width: int, indent: str, role: Role = Role.PLAIN) -> Iterator[Line]:
    """Prose in lines of at most ``width``, every one behind ``indent``.

    >>> [str(line) for line in wrapped("one two three", 9, "  ")]
    ['  one two', '  three']
    """
    import textwrap

    room = max(20 if width >= 40 else 1, width - len(indent))
    words = escape(text)
    for piece in textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False):
        yield Line.of(indent, Span(piece, role))
