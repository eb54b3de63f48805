"""All answers of a stack of filters, grouped, with what follows from them."""

from __future__ import annotations

import errno
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sigscope.analysis.seccomp.matters import LATER, MATTERS, NEWER, Effect, Matter
from sigscope.analysis.seccomp.simulate import survey
from sigscope.model.abi import Abi
from sigscope.model.finding import Severity
from sigscope.model.seccomp import Answer, Filter, FilterAction
from sigscope.model.seccomp_report import AbiReport, CallGroup, Consequence

BEYOND = 100
"""That far behind the last number of a table is a call of which nobody knows yet."""


def abi_report(filters: Sequence[Filter], abi: Abi, names: Mapping[int, str]) -> AbiReport:
    """What the filters (newest first) answer to each of these numbers.

    >>> from sigscope.model.abi import X86_64
    >>> abi_report((), X86_64, {0: "read", 219: "restart_syscall"}).groups[0].calls
    ('read', 'restart_syscall')
    """
    newer = max(names, default=0) + BEYOND
    answers = survey(filters, (*names, newer, abi.restart), abi.arch)
    by_name: dict[str, Answer] = {}
    for number, name in names.items():
        by_name.setdefault(name, answers[number])
    groups: dict[tuple[FilterAction, int], list[str]] = defaultdict(list)
    depends = []
    for name, answer in sorted(by_name.items()):
        if answer.sure and answer.action is not None:
            groups[answer.action, answer.data].append(name)
        else:
            depends.append((name, answer))
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0][0].value))
    return AbiReport(
        abi,
        answers[abi.restart],
        tuple(CallGroup(*answer, tuple(calls)) for answer, calls in ordered),
        tuple(depends),
        answers[newer],
        tuple(_consequences({**by_name, NEWER: answers[newer]})),
    )


def _consequences(answers: Mapping[str, Answer]) -> Iterator[Consequence]:
    """What is worth telling, what is bad first; calls of one entry with one answer together."""
    found = []
    for matter in (*MATTERS, LATER):
        alike: dict[tuple[Severity, str, Answer], list[str]] = defaultdict(list)
        for name in matter.calls:
            if name in answers and (effect := _effect(matter, answers[name])) is not None:
                alike[(*effect, answers[name])].append(name)
        for (severity, says, answer), calls in alike.items():
            found.append(Consequence(tuple(calls), answer, severity, says, matter.source))
    yield from sorted(found, key=lambda one: one.severity.rank)


def _effect(matter: Matter, answer: Answer) -> Effect:
    """Of what is answered for certain, or of the worst that some arguments get."""
    if answer.action is None:
        effects = [_of(matter, one.action, one.data) for one in answer.outcomes]
        bad = [effect for effect in effects if effect is not None]
        if not bad:
            return None
        severity, says = min(bad, key=lambda effect: effect[0].rank)
        return severity, f"with some arguments: {says}"
    return _of(matter, answer.action, answer.data)


def _of(matter: Matter, action: FilterAction, data: int) -> Effect:
    """A tracer is rare: without one the call fails with ENOSYS. A supervisor is there."""
    if action.lets_pass or action is FilterAction.NOTIFY:
        return None
    if action is FilterAction.TRACE or (action is FilterAction.ERRNO and data == errno.ENOSYS):
        return matter.missing
    if action is FilterAction.ERRNO:
        return matter.refused
    if action is FilterAction.TRAP and matter.killed is not None:
        severity, says = matter.killed
        return severity, f"without a handler of SIGSYS: {says}"
    return matter.killed
