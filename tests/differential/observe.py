"""What the kernel did with the signal: written down from its traces, not reasoned out."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from sigscope.model.explanation import Outcome
from tests.differential.looking import Glance
from tests.differential.records import Kind, Record
from tests.differential.stage import Stage

CORE = frozenset(
    getattr(signal, f"SIG{name}")
    for name in "QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS".split()
)
"""signal(7), "Core"; the targets have a core limit of 0, so that none is written."""
STOPS = frozenset((signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU))
_TAKEN = {
    Kind.HANDLED: Outcome.HANDLED,
    Kind.SIGWAIT: Outcome.CONSUMED,
    Kind.SIGNALFD: Outcome.CONSUMED,
}
_ENDS = (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED)


@dataclass(frozen=True)
class Observed:
    """``outcomes`` has more than one member only where several signals of the kind were on
    their way (``count``, or one pending before), and they went different ways.

    ``receivers`` took it. ``died_of`` may be another signal than the one that was sent.
    """

    outcomes: tuple[Outcome, ...]
    receivers: tuple[int, ...]
    errors: tuple[int, ...]
    died_of: int | None
    before: tuple[Glance, ...]
    after: tuple[Glance, ...]
    records: tuple[Record, ...]

    merged: bool
    """One like it was pending before, and is: a second one may have been merged or dropped."""

    def lines(self) -> list[str]:
        """For a report of a disagreement."""
        said = [f"{record.kind.name.lower()} {record}" for record in self.records]
        return [
            f"outcome {' + '.join(one.value for one in self.outcomes)}, receivers {self.receivers}",
            f"errno {self.errors}" + (f", died of {self.died_of}" if self.died_of else ""),
            *(f"before {_line(one)}" for one in self.before),
            *(f"after  {_line(one)}" for one in self.after),
            *said,
        ]


def _line(one: Glance) -> str:
    return (
        f"{one.tid} {one.state} SigPnd {one.pending:x} ShdPnd {one.shared:x}"
        f" SigBlk {one.blocked:x} SigCgt {one.caught:x}"
    )


def act_and_observe(stage: Stage) -> Observed:
    """Send the situation's signal, wait until all is still, and see."""
    before = stage.settled()
    mark = len(stage.report.read())
    errors = stage.send(stage.situation.sent)
    after = stage.settled()
    return _conclude(stage, before, after, tuple(stage.report.read()[mark:]), tuple(errors))


def _conclude(
    stage: Stage,
    before: tuple[Glance, ...],
    after: tuple[Glance, ...],
    records: tuple[Record, ...],
    errors: tuple[int, ...],
) -> Observed:
    number = stage.situation.sent.signal
    outer = {inner: tid for tid, inner in stage.inner.items()}
    taken = [r for r in records if r.kind in _TAKEN and r.signal == number]
    ended = [r.signal for r in records if r.kind is Kind.WAITED and r.code in _ENDS]
    outcomes = [_TAKEN[record.kind] for record in taken]
    # Another one, which waited, may have stopped it before it could say what it took.
    if (number in STOPS or not taken) and _newly_stopped(before, after, records):
        outcomes.append(Outcome.STOPPED)
    if ended and not outcomes:
        outcomes.append(Outcome.DUMPED if ended[0] in CORE else Outcome.TERMINATED)
    elif not ended and _pending(stage, after):
        outcomes.append(Outcome.PENDING)
    if number == signal.SIGCONT and _stopped(before) and _went_on(before, after, records):
        outcomes = [Outcome.CONTINUED]
    if errors and errors[0]:
        outcomes = [Outcome.REFUSED]
    return Observed(
        tuple(dict.fromkeys(outcomes)) or (Outcome.DISCARDED,),
        tuple(dict.fromkeys(outer[record.tid] for record in taken)),
        errors,
        ended[0] if ended else None,
        before,
        after,
        records,
        _pending(stage, before) and _pending(stage, after),
    )


def _stopped(seen: tuple[Glance, ...]) -> bool:
    return any(one.state in "Tt" for one in seen)


def _went_on(
    before: tuple[Glance, ...], after: tuple[Glance, ...], records: tuple[Record, ...]
) -> bool:
    if any(r.kind is Kind.WAITED and r.code == os.CLD_CONTINUED for r in records):
        return True
    was = {one.tid for one in before if one.state == "T"}
    return bool(was) and not any(one.state == "T" for one in after)


def _newly_stopped(
    before: tuple[Glance, ...], after: tuple[Glance, ...], records: tuple[Record, ...]
) -> bool:
    """A parent is told of a stop only when the last thread has stopped; a traced one shows t."""
    if any(r.kind is Kind.WAITED and r.code == os.CLD_STOPPED for r in records):
        return True
    was = {one.tid for one in before if one.state in "Tt"}
    return any(one.state in ("T", "t") and one.tid not in was for one in after)


def _pending(stage: Stage, after: tuple[Glance, ...]) -> bool:
    """Is it in the queue that it was sent to?"""
    sent = stage.situation.sent
    living = [one for one in after if one.lives]
    if sent.thread is None:
        return any(one.shared >> (sent.signal - 1) & 1 for one in living)
    mine = [one for one in living if one.tid == stage.tids[sent.thread]]
    return any(one.pending >> (sent.signal - 1) & 1 for one in mine)
