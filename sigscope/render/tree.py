"""The process tree, each line with what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Severity
from sigscope.model.naming import numbers
from sigscope.model.tree import Branch, Source
from sigscope.render.findings import titled
from sigscope.render.line import Line, Role, Span, escape, wrapped
from sigscope.render.process import doing, rows

_MOST = 4


def tree_lines(
    diagnosis: Diagnosis, branches: Sequence[Branch], width: int, notes: bool = False
) -> Iterator[Line]:
    """Every branch, drawn from its root; notes are counted, or written out if asked for."""
    waiting = [(branch, "", "") for branch in reversed(branches)]
    while waiting:
        branch, first, rest = waiting.pop()
        margin = rest + ("│  " if branch.children else "   ")
        yield from _head(diagnosis, branch, width, notes, first, margin)
        for line in _remarks(diagnosis, branch, width - len(margin), notes):
            yield Line((Span(margin), *line.spans))
        twigs = [("├─ ", "│  ")] * (len(branch.children) - 1) + [("└─ ", "   ")]
        below = zip(branch.children, twigs, strict=False)
        waiting.extend(reversed([(child, rest + twig, rest + bar) for child, (twig, bar) in below]))


def _head(
    diagnosis: Diagnosis, branch: Branch, width: int, notes: bool, first: str, margin: str
) -> Iterator[Line]:
    process = branch.process
    name = f"{escape(process.comm)} {escape(numbers(process))}"
    facts = [name]
    if branch.alike:
        facts.append(f"and {len(branch.alike)} more like it")
    if len(process.living) > 1:
        facts.append(f"{len(process.living)} threads")
    parent = diagnosis.host.parent(process)
    if process.forked_by and parent is not None and parent.pid != 1 and len(parent.living) > 1:
        facts.append(f"from thread {process.forked_by}")
    if process.zombie:
        facts.append("zombie")
    elif notes and (leader := process.thread(process.pid)) is not None:
        facts.append(doing(leader))
    count = sum(finding.severity is Severity.NOTE for finding in diagnosis.findings_of(process.pid))
    if count and not notes:
        facts.append(f"{count} note{'s' if count > 1 else ''}")
    row, *more = rows(facts, width - len(first))
    yield Line.of(first, Span(name, Role.STRONG), row[len(name) :])
    yield from (Line.of(f"{margin}  {fact}") for fact in more)


def _remarks(diagnosis: Diagnosis, branch: Branch, width: int, notes: bool) -> Iterator[Line]:
    if branch.source is not None:
        yield from wrapped(_source_text(branch.source), width, "", Role.NOTE)
    for finding in diagnosis.findings_of(branch.process.pid):
        if notes or finding.severity is not Severity.NOTE:
            yield from titled(finding, width)


def _source_text(source: Source) -> str:
    """3 of 4 threads block 60 signals (7 8 9); what they start inherits that: 12 13 did."""
    count = len(source.signals)
    what = f"{count} signals" if count > 1 else "".join(signal.name for signal in source.signals)
    if source.threads == 1:
        who = f"it blocks {what}"
    else:
        verb = "blocks" if len(source.tids) == 1 else "block"
        who = f"{len(source.tids)} of {source.threads} threads {verb} {what} ({_few(source.tids)})"
    they = "they start" if len(source.tids) > 1 else "it starts"
    reached = f": {_few(source.reached)} did" if source.reached else ", and nothing here did"
    return f"{who}; what {they} inherits that{reached}"


def _few(numbers: Sequence[int]) -> str:
    more = " ..." if len(numbers) > _MOST else ""
    return " ".join(map(str, numbers[:_MOST])) + more
