"""Aligned columns. tabulate is loaded here, and only when a table is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.render.line import Line, Role, Span, escape


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Line]:
    """A plain table, its cells escaped. The heads are a row: tabulate pads real heads wider."""
    from tabulate import tabulate

    cells = [list(headers), *([escape(cell) for cell in row] for row in rows)]
    head, *body = tabulate(cells, tablefmt="plain", disable_numparse=True).splitlines()
    yield Line.of(Span(head.rstrip(), Role.FAINT))
    yield from (Line.of(line.rstrip()) for line in body)
