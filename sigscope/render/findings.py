"""Findings, worst first: what is wrong, how that is known, and what to type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sigscope.model.finding import Finding, Severity
from sigscope.render.line import BLANK, Line, Role, Span, escape, wrapped

LABELS = {
    Severity.ERROR: ("ERROR", Role.ERROR),
    Severity.WARNING: ("WARNING", Role.WARNING),
    Severity.NOTE: ("NOTE", Role.NOTE),
}
_MARGIN = 9


def findings_lines(findings: Iterable[Finding], width: int) -> Iterator[Line]:
    """One block each. What a block above has said, evidence or command, is not said again."""
    said: set[str] = set()
    for number, finding in enumerate(findings):
        if number:
            yield BLANK
        yield from _block(finding, width, said)


def _block(finding: Finding, width: int, said: set[str]) -> Iterator[Line]:
    indent = " " * _MARGIN
    yield from titled(finding, width)
    yield from wrapped(finding.detail, width, indent, Role.FAINT)
    for sentence in finding.evidence:
        if sentence not in said:
            said.add(sentence)
            yield from wrapped(sentence, width, indent)
    new = [remedy for remedy in finding.remedies if remedy.command not in said]
    column = max((len(remedy.when) for remedy in new), default=0) + 2
    for remedy in new:
        said.add(remedy.command)
        label = f"{remedy.when}:".ljust(column)
        yield Line.of(indent, label, Span(escape(remedy.command), Role.COMMAND))


def titled(finding: Finding, width: int) -> Iterator[Line]:
    """The label, and behind it the title."""
    word, role = LABELS[finding.severity]
    first, *more = wrapped(finding.title, width, " " * _MARGIN, Role.STRONG)
    yield Line.of(Span(word.ljust(_MARGIN), role), *first.spans[1:])
    yield from more
