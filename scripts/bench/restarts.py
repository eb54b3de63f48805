"""What becomes of every blocking call, under every answer of a filter: predicted, and seen.

The trials of tests/differential, with more answers than the test suite takes.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from sigscope.model.restart import Becomes, Event
from tests.differential.freezer import mounted
from tests.differential.interrupting import Trial, Tried, run
from tests.differential.test_restarts import ANSWERS, calls

MORE_ANSWERS = (*ANSWERS, "errno:38", "kill_thread", "allow")


def lines(done: Iterable[Tried]) -> Iterator[str]:
    """A row for each event and answer, a column for each outcome; how many were predicted."""
    table: Counter[tuple[str, str, Becomes]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    for tried in done:
        if tried.seen is None or tried.late or tried.predicted is None:
            continue
        key = (tried.trial.event.value, tried.trial.answer)
        table[(*key, tried.predicted.after(tried.trial.event).becomes)] += 1
        right[key] += tried.agrees
        total[key] += 1
    shown = [one for one in Becomes if any(key[2] is one for key in table)]
    yield "calls by what was predicted; the last column: so many became that"
    yield "".join(
        [f"{'event':16}{'filter':12}", *(f"{one.value:>10}" for one in shown), f"{'right':>14}"]
    )
    for event, answer in total:
        counts = "".join(f"{table[event, answer, one] or '.':>10}" for one in shown)
        as_said = f"{right[event, answer]} of {total[event, answer]}"
        yield f"{event:16}{answer:12}{counts}{as_said:>14}"
    yield f"{sum(right.values())} of {sum(total.values())} are as predicted"


def main() -> int:
    """Run them and print; 0 says that it was measured."""
    trials = [
        Trial(call, answer, event) for event in Event for answer in MORE_ANSWERS for call in calls()
    ]
    done = list(run(trials, freezes=mounted("v2") is not None and os.geteuid() == 0))
    order = {event.value: number for number, event in enumerate(Event)}
    done.sort(key=lambda one: (order[one.trial.event.value], MORE_ANSWERS.index(one.trial.answer)))
    print("\n".join(lines(done)))
    for one in done:
        if one.seen is not None and not one.late and not one.agrees:
            print(one, file=sys.stderr)
    return 0
