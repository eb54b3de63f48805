"""With SIGCHLD ignored, children leave no exit status: wait() fails with ECHILD (wait(2))."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.blame import blame, start_clean
from sigscope.analysis.case import Case
from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.lineage import Kind
from sigscope.model.signals import SignalSet

ID = "sigchld-ignored"
MEANS = "the process was started with SIGCHLD ignored: the exit statuses of its children are lost"

CHLD = SignalSet.of("SIGCHLD")


def check(case: Case) -> Iterator[Finding | Gap]:
    if not case.inherited(case.ignored & CHLD, Kind.IGNORED):
        return
    yield Finding(
        id=ID,
        severity=Severity.WARNING,
        pid=case.process.pid,
        signals=tuple(CHLD),
        title=f"SIGCHLD is ignored, and {case.process.comm} did not choose that",
        detail="its children vanish without an exit status: wait() fails with ECHILD",
        evidence=blame(case, CHLD, Kind.IGNORED),
        remedies=(start_clean(case),),
    )
