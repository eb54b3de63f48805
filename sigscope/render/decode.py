"""Masks in words, for ``sigscope decode``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.naming import summed_up
from sigscope.model.signals import SignalSet
from sigscope.render.line import Line, Role, Span, wrapped

Labelled = tuple[str | None, SignalSet]


def decoded_lines(masks: Sequence[Labelled], width: int) -> Iterator[Line]:
    """Label and hex, then the names; a nearly full mask as what it lacks."""
    column = max((len(label or "") for label, _ in masks), default=0)
    for label, signals in masks:
        head = f"{(label or '').ljust(column)}  " if column else ""
        indent = " " * (len(head) + 18)
        first, *rest = wrapped(summed_up(signals), width, indent)
        yield Line.of(head, Span(signals.hex, Role.STRONG), "  ", str(first).strip())
        yield from rest
