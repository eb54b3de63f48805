"""What ``sigscope run`` found, cleaned, and starts the command with."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.model.naming import listed, summed_up
from sigscope.model.signals import EMPTY, EVERYTHING, SignalSet
from sigscope.model.start import Inherited, Start
from sigscope.render.line import Line, Role, Span, wrapped

_COLUMN = len("starts with") + 2


def report_lines(inherited: Inherited, plan: Start, width: int) -> Iterator[Line]:
    """Inherited, cleaned, started with; and what cannot be known."""
    was = Start(inherited.start.blocked, inherited.start.ignored - inherited.unknown)
    cleaned = Start(was.blocked - plan.blocked, was.ignored - plan.ignored)
    parent = f"pid {inherited.parent}"
    if inherited.parent_comm:
        parent = f"{inherited.parent_comm} {inherited.parent}"
    yield from _titled("inherited", f"{_said(was)}; started by {parent}", width)
    if unknown := inherited.unknown:
        yield from _titled("not known", _unknown(inherited, unknown, parent), width)
    yield from _titled("cleaned", _said(cleaned), width)
    yield from _titled("starts with", _said(plan), width)
    if acting := inherited.pending - plan.blocked:
        verb = "are" if len(acting) > 1 else "is"
        yield from _titled("pending", f"{listed(acting)} {verb} pending, and acts at once", width)


def handling_lines(plan: Start) -> Iterator[Line]:
    """What is not open and at its default, a signal a line, as env(1) lists it."""
    for number in EVERYTHING:
        words = [
            word
            for word, signals in (("BLOCK", plan.blocked), ("IGNORE", plan.ignored))
            if number in signals
        ]
        if words:
            yield Line.of(f"{number.short:<10} ({int(number):2}): {','.join(words)}")


def _said(start: Start) -> str:
    parts = [
        f"{word} {summed_up(signals)}"
        for word, signals in (("blocked", start.blocked), ("ignored", start.ignored))
        if signals
    ]
    return "; ".join(parts) or "nothing blocked, nothing ignored"


def _unknown(inherited: Inherited, unknown: SignalSet, parent: str) -> str:
    names = listed(unknown)
    text = f"whether {names} were ignored: Python ignores them itself, before we can look"
    if inherited.parent_ignored is not None:
        some = (inherited.parent_ignored & unknown) or EMPTY
        text += f"; {parent} ignores {listed(some) if some else 'neither'} now"
    return text


def _titled(title: str, text: str, width: int) -> Iterator[Line]:
    first, *rest = wrapped(text, width, " " * _COLUMN)
    yield Line.of(Span(title.ljust(_COLUMN), Role.FAINT), str(first).strip())
    yield from rest
