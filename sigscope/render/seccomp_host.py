"""The screen of ``sigscope seccomp --all``: who on the host has which filters, and who differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sigscope.model.finding import Severity
from sigscope.model.naming import numbers
from sigscope.model.seccomp import Answer, action_text
from sigscope.model.seccomp_report import Outlier, StackReport
from sigscope.render.line import BLANK, Line, Role, Span, escape, wrapped
from sigscope.render.seccomp import threads, verdict

_MOST_PROGRAMS = 6


def host_lines(
    stacks: Sequence[StackReport], outliers: Sequence[Outlier], unread: int, width: int
) -> Iterator[Line]:
    """Every process of the host, by its filters, and who differs from its like."""
    filtered = [report for report in stacks if report.filters]
    total = len({holder.process.pid for report in stacks for holder in report.holders})
    kinds = len(filtered)
    said = "1 stack of filters" if kinds == 1 else f"{kinds or 'no'} different stacks of filters"
    yield from wrapped(f"{_many(total, 'process', 'processes')}, {said}", width, "")
    for report in stacks:
        yield BLANK
        place = stacks.index(report)
        yield from _stack_of_host(place, report, width)
    if outliers:
        yield BLANK
        yield Line.of(Span("differ from their like", Role.WARNING))
        for outlier in outliers:
            yield from wrapped(_differs(outlier, stacks), width, "  ")
    if unread:
        yield BLANK
        text = f"{_many(unread, 'process', 'processes')} with a filter that could not be read"
        yield from wrapped(text, width, "", Role.WARNING)


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _stack_of_host(place: int, report: StackReport, width: int) -> Iterator[Line]:
    holders = Counter(holder.process.comm for holder in report.holders)
    pids = {holder.process.pid for holder in report.holders}
    named = [f"{escape(name)} {count}" for name, count in holders.most_common(_MOST_PROGRAMS)]
    more = f" and {len(holders) - _MOST_PROGRAMS} more" if len(holders) > _MOST_PROGRAMS else ""
    title = "no filter" if not report.filters else f"stack {place}"
    lengths = " + ".join(str(len(one.instructions)) for one in report.filters)
    size = f", {lengths} instructions" if lengths else ""
    yield Line.of(Span(title, Role.STRONG), f"{size}: {_many(len(pids), 'process', 'processes')}")
    yield from wrapped(f"{', '.join(named)}{more}", width, "  ")
    if report.filters and report.abis:
        answer = report.restart
        role = Role.PLAIN if answer.surely_passes else Role.WARNING
        yield from wrapped(_restart_text(answer), width, "  ", role)
        worse = [
            verdict(one)
            for one in report.abis[0].consequences
            if one.severity is not Severity.NOTE and one.calls != ("restart_syscall",)
        ]
        if worse:
            yield from wrapped("; ".join(worse), width, "  ")


def _restart_text(answer: Answer) -> str:
    if answer.action is None and not answer.outcomes:
        return "restart_syscall: not assessed"
    return f"restart_syscall: {action_text(answer.action, answer.data)}"


def _differs(outlier: Outlier, stacks: Sequence[StackReport]) -> str:
    holder = outlier.holder
    process = holder.process
    who = f"{process.comm} {numbers(process)}"
    if outlier.service == f"process {process.pid}":
        who = f"{threads(holder)} of {who}"
    mine, theirs = (_short(stacks[place], place) for place in (outlier.mine, outlier.theirs))
    return f"{who}: {mine}; {outlier.others} others of {outlier.service}: {theirs}"


def _short(report: StackReport, place: int) -> str:
    return f"stack {place}" if report.filters else "no filter"
