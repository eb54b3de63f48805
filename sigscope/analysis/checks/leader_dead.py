"""The main thread has ended and others live on: shown as a zombie, and alive."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.case import Case
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap

ID = "leader-dead"
MEANS = "the main thread has ended while other threads live on: ps shows a zombie, and it is none"


def check(case: Case) -> Iterator[Finding | Gap]:
    process = case.process
    if not process.leader_dead:
        return
    count = len(process.living)
    lives = "thread lives" if count == 1 else "threads live"
    yield Finding(
        id=ID,
        severity=Severity.NOTE,
        pid=process.pid,
        signals=(),
        title=f"the main thread of {process.comm} has ended, {count} {lives} on: no zombie",
        detail="a signal to the process arrives; one to the main thread alone (tgkill) vanishes",
        evidence=(
            f"living threads: {', '.join(str(thread.tid) for thread in process.living[:8])}",
        ),
        remedies=(Remedy("look", f"sigscope pid --threads {process.pid}"),),
    )
