"""The screens of ``sigscope seccomp``: one for all that have the same filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sigscope.analysis.seccomp.grouping import unread
from sigscope.analysis.seccomp.listing import listing
from sigscope.cli.output import width
from sigscope.decode.call_tables import abis_of, call_names
from sigscope.model.abi import Abi
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.seccomp import Answer, Filter
from sigscope.model.seccomp_report import StackReport
from sigscope.render.line import BLANK, Line, Role, wrapped
from sigscope.render.process import identity
from sigscope.render.seccomp import (
    call_lines,
    program_lines,
    same_lines,
    stack_lines,
    without_filters,
)


@dataclass(frozen=True)
class Question:
    """What of the answers is wanted: these ABIs (the process's own if none), calls, listings."""

    machine: str
    abis: tuple[Abi, ...]
    calls: tuple[str, ...]
    disasm: bool


def screens(
    host: Host, processes: Sequence[Process], stacks: Sequence[StackReport], question: Question
) -> Iterator[Line]:
    """One screen for all that have the same filters in all their threads."""
    for number, alike in enumerate(_alike(processes, stacks)):
        if number:
            yield BLANK
            yield BLANK
        process, *others = alike
        yield from identity(host, process, width())
        yield from same_lines(others, width())
        yield BLANK
        mine = [one for one in (_of(report, alike) for report in stacks) if one is not None]
        said = without_filters(process, mine)
        if said:
            yield from wrapped(said, width(), "")
            continue
        for place, report in enumerate(mine):
            if place:
                yield BLANK
            yield from _stack(report, question)
        if unread(process) and mine:
            yield from wrapped("the filters of other threads: not read", width(), "", Role.WARNING)


def _alike(
    processes: Iterable[Process], stacks: Sequence[StackReport]
) -> Iterator[tuple[Process, ...]]:
    whole = {
        holder.process.pid: (place, holder.narrow)
        for place, report in enumerate(stacks)
        for holder in report.holders
        if holder.whole
    }
    groups: dict[object, list[Process]] = {}
    for process in processes:
        groups.setdefault(whole.get(process.pid, process), []).append(process)
    yield from map(tuple, groups.values())


def _of(report: StackReport, processes: Iterable[Process]) -> StackReport | None:
    """The stack as some processes have it."""
    pids = {process.pid for process in processes}
    own = tuple(one for one in report.holders if one.process.pid in pids)
    return report._replace(holders=own) if own else None


def _stack(report: StackReport, question: Question) -> Iterator[Line]:
    main = report.main(report.holders[0])
    own = [] if main is None else [main]
    chosen = [one for one in report.abis if one.abi in question.abis] or own
    shown = report._replace(abis=tuple(chosen)) if question.abis else report
    if question.calls and report.filters:
        for name in question.calls:
            yield from call_lines(name, _answers(shown, name), width())
    elif chosen or not report.filters:
        yield from stack_lines(report, chosen, width())
    else:
        yield from wrapped(
            "the numbers of this machine's calls are not known here", width(), "", Role.WARNING
        )
    if question.disasm:
        for number, one in enumerate(report.filters, 1):
            yield BLANK
            yield from program_lines(number, len(report.filters), one, instructions(one, question))


def _answers(report: StackReport, name: str) -> Iterator[tuple[str, Answer]]:
    for abi in report.abis:
        answer = abi.answer(name)
        if answer is not None:
            yield abi.abi.name, answer


def instructions(one: Filter, question: Question) -> list[str]:
    """The listing of a filter: a line for each instruction, with the names of calls."""
    abis = question.abis or abis_of(question.machine)
    names: dict[int, dict[int, str]] = {}
    for abi in abis_of(question.machine):
        names.setdefault(abi.arch, {}).update(call_names(abi))
    arch = abis[0].arch if abis else 0
    return [each.text for each in listing(one.instructions, names, arch)]
