"""From doors that are shut to what is left of each command's answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from sigscope.analysis.doctor.rows import ROWS, Row, Scope, Step
from sigscope.model.access import Door, Layer, Refusal, Refusals
from sigscope.model.outlook import Lack, Outlook, Sight, Verdict


def outlook(target: Sight, everybody: Sequence[Sight], place: Refusals) -> tuple[Outlook, ...]:
    """For one process; ``everybody`` is for the commands that look at others as well."""
    met = {
        Scope.TARGET: (target,),
        Scope.TREE: tuple(one for one in everybody if one.related),
        Scope.SUSPECTS: (target,) if target.suspect else (),
        Scope.NOBODY: (),
    }
    return tuple(_judged(row, met[row.scope], place) for row in ROWS)


def overview(everybody: Sequence[Sight], place: Refusals) -> tuple[Outlook, ...]:
    """For all that are shown. What some of them are (a zombie, traced) is no matter of rights."""
    able = tuple(
        replace(
            sight,
            refusals={
                door: refusal
                for door, refusal in sight.refusals.items()
                if refusal.layer is not Layer.TARGET or door is not Door.TRACE
            },
        )
        for sight in everybody
    )
    close = tuple(one for one in able if one.related)
    met = {Scope.TARGET: able, Scope.TREE: close, Scope.SUSPECTS: close, Scope.NOBODY: ()}
    return tuple(_judged(row, met[row.scope], place) for row in ROWS)


def hidden(refusal: Refusal) -> tuple[Outlook, ...]:
    """For a process that is not shown at all."""
    lack = Lack("the process: it is not shown", Door.SHOWN, refusal)
    return tuple(
        Outlook(row.command, Verdict.WORKS)
        if row.scope is Scope.NOBODY
        else Outlook(row.command, Verdict.FAILS, (lack,))
        for row in ROWS
    )


def _judged(row: Row, sights: Collection[Sight], place: Refusals) -> Outlook:
    lacks = tuple(lack for step in row.steps for lack in _lacks(step, sights, place))
    needed = {step.what for step in row.steps if step.needed}
    if any(lack.what in needed and lack.count == lack.of for lack in lacks):
        lacks = tuple(lack for lack in lacks if lack.what in needed)
        return Outlook(row.command, Verdict.FAILS, lacks)
    return Outlook(row.command, Verdict.PART if lacks else Verdict.WORKS, lacks)


def _lacks(step: Step, sights: Collection[Sight], place: Refusals) -> Iterator[Lack]:
    """One for each layer that refuses, with the first reason of that layer."""
    concerned = [sight for sight in sights if step.when(sight.other)]
    found: dict[Layer, list[Refusal]] = {}
    for sight in concerned:
        refusal = _refused(step, sight, place)
        if refusal is not None:
            found.setdefault(refusal.layer, []).append(refusal)
    total = sum(map(len, found.values()))
    for refusals in found.values():
        count = len(refusals) if total < len(concerned) else len(concerned)
        yield Lack(step.what, step.door, refusals[0], count, len(concerned))


def _refused(step: Step, sight: Sight, place: Refusals) -> Refusal | None:
    shut = {**place, **sight.refusals}
    if any(door not in shut for door in step.others):
        return None
    return shut.get(step.door)


def verdict(outlooks: Iterable[Outlook]) -> Verdict:
    """Of all of them: FAILS if nothing that looks at a process works."""
    seen = list(outlooks)
    looking = [one for one in seen if one.command not in _OF_NOBODY]
    if all(one.verdict is Verdict.WORKS for one in seen):
        return Verdict.WORKS
    if all(one.verdict is Verdict.FAILS for one in looking):
        return Verdict.FAILS
    return Verdict.PART


_OF_NOBODY = frozenset(row.command for row in ROWS if row.scope is Scope.NOBODY)
