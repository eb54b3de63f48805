"""The containers of a host, each with what is wrong in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sigscope.model.container import Group
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.naming import numbers
from sigscope.model.tree import Branch
from sigscope.render.line import BLANK, Line, Role, Span, escape
from sigscope.render.process import rows
from sigscope.render.tree import tree_lines


def container_lines(
    diagnosis: Diagnosis,
    groups: Sequence[Group],
    branches: Mapping[int, Sequence[Branch]],
    width: int,
    notes: bool = False,
) -> Iterator[Line]:
    """A line for each container; ``branches`` are those of each, by its place, and of the rest."""
    for place, group in enumerate(groups):
        own = branches.get(place, ())
        yield from _head(diagnosis, group, width)
        yield from tree_lines(diagnosis, own, width, notes)
        if own:
            yield BLANK
    rest = branches.get(len(groups), ())
    if rest:
        if groups and not branches.get(len(groups) - 1):
            yield BLANK
        yield Line.of(Span("in no container", Role.STRONG))
        yield from tree_lines(diagnosis, rest, width, notes)


def _head(diagnosis: Diagnosis, group: Group, width: int) -> Iterator[Line]:
    container, count = group.container, len(group.pids)
    name = escape(str(container))
    facts = [name]
    if container.name and container.name != container.id:
        facts.append(escape(container.short))
    if container.hostname:
        facts.append(f"hostname {escape(container.hostname)}")
    facts.append("1 process" if count == 1 else f"{count} processes")
    init = diagnosis.host.processes.get(group.init)
    if init is not None:
        facts.append(f"init {escape(init.comm)} {escape(numbers(init))}")
    first, *more = rows(facts, width)
    yield Line.of(Span(name, Role.STRONG), first[len(name) :])
    yield from (Line.of(f"  {row}") for row in more)
