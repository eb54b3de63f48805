"""How often is a verdict right? The kernel says; and what do simpler rules make of the same cases?

Random situations of tests/differential, each judged before the signal is sent.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from sigscope.model.explanation import Outcome, Sending
from sigscope.model.process import Process
from sigscope.model.signals import Action
from tests.differential.judge import Case
from tests.differential.many import run_many

Rule = Callable[[Process, Sending], Outcome]
DEFAULTS = {
    Action.TERMINATE: Outcome.TERMINATED,
    Action.CORE: Outcome.DUMPED,
    Action.STOP: Outcome.STOPPED,
    Action.CONTINUE: Outcome.CONTINUED,
    Action.IGNORE: Outcome.DISCARDED,
}


def kill_r(process: Process, sending: Sending) -> Outcome:
    """kill -r of procps sends only where the bit is in SigCgt: else nothing is said to happen."""
    caught = process.caught is not None and sending.signal in process.caught
    return Outcome.HANDLED if caught else Outcome.DISCARDED


def pkill_h(process: Process, sending: Sending) -> Outcome:
    """pkill -H matches whoever has a handler; who has none meets the default action."""
    caught = process.caught is not None and sending.signal in process.caught
    return Outcome.HANDLED if caught else DEFAULTS[sending.signal.default_action]


def leader_status(process: Process, sending: Sending) -> Outcome:
    """A reader of /proc/PID/status alone: blocked, ignored, caught, or the default."""
    leader, signal = process.thread(process.pid), sending.signal
    if leader is not None and leader.blocked is not None and signal in leader.blocked:
        return Outcome.PENDING
    if process.ignored is not None and signal in process.ignored:
        return Outcome.DISCARDED
    if process.caught is not None and signal in process.caught:
        return Outcome.HANDLED
    return DEFAULTS[signal.default_action]


RULES: dict[str, Rule] = {
    "kill -r": kill_r,
    "pkill -H": pkill_h,
    "leader's status": leader_status,
}


def lines(cases: list[Case]) -> Iterator[str]:
    """The table of predicted by observed, and the share of agreement of all who judged."""
    judged = [case for case in cases if case.observed is not None]
    table: Counter[tuple[str, str]] = Counter()
    right: Counter[str] = Counter()
    for case in judged:
        said, seen, process, sending = case.explanation, case.observed, case.process, case.sending
        if said is None or seen is None or process is None or sending is None:
            continue
        fits = [outcome for outcome in seen.outcomes if outcome in said.outcomes]
        observed = (fits or list(seen.outcomes))[0]
        table[(observed if fits else said.outcome).value, observed.value] += 1
        right["sigscope explain"] += case.agrees and not case.unknown
        for name, rule in RULES.items():
            right[name] += rule(process, sending) in seen.outcomes
    names = [outcome.value for outcome in Outcome]
    seen_names = [name for name in names if any(seen == name for _, seen in table)]
    yield "predicted (of several possible outcomes: the one that came), by what the kernel did"
    yield "".join(f"{name:>12}" for name in ("", *seen_names))
    for name in names:
        if any(said == name for said, _ in table):
            counts = "".join(f"{table[name, seen] or '.':>12}" for seen in seen_names)
            yield f"{name:>12}{counts}"
    yield ""
    several = sum(len(case.explanation.outcomes) > 1 for case in judged if case.explanation)
    unknown = sum(case.unknown for case in judged)
    wrong = sum(not case.agrees for case in judged)
    yield f"{len(judged)} cases; {several} verdicts name several outcomes, {unknown} say unknown,"
    yield f"which does not count as agreement; {wrong or 'not one'} of the others is wrong"
    for name, count in right.most_common():
        yield f"{name:>16} {100 * count / max(1, len(judged)):6.1f} % agree with the kernel"


def main(cases: int = 2000, first: int = 0) -> int:
    """Run them and print; 0 says that it was measured. Who disagrees is told on stderr at once."""
    done: list[Case] = []
    for case in run_many(range(first, first + cases)):
        done.append(case)
        if not case.agrees:
            print(f"bench: disagrees\n{case.report()}\n", file=sys.stderr, flush=True)
        if len(done) % 1000 == 0:
            print(f"bench: {len(done):,} of {cases:,} cases", file=sys.stderr, flush=True)
    for line in lines(done):
        print(line)
    return 0
