"""Signals that should end the program do not, by somebody else's doing."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.blame import blame, end_it, start_clean
from sigscope.analysis.case import Case
from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.signals import DEFAULT_TERMINATES, EMPTY, FAULTS

ID = "blocked-inherited"
MEANS = (
    "a signal whose default is to terminate (TERM, INT, HUP ...) is blocked in every thread,"
    " and the mask came from another program"
)


def check(case: Case) -> Iterator[Finding | Gap]:
    process = case.process
    deaf = (case.blocked & DEFAULT_TERMINATES) - case.caught - case.ignored - FAULTS
    inherited = case.inherited(deaf - (process.pending or EMPTY))
    if not inherited:
        return
    if not case.signalfds_known:
        yield case.not_assessed(ID)
        return
    if not (signals := inherited - case.by_signalfd):
        return
    verb = "do" if len(signals) > 1 else "does"
    yield Finding(
        id=ID,
        severity=Severity.WARNING,
        pid=process.pid,
        signals=tuple(signals),
        title=f"{listed(signals)} {verb} not end {process.comm}: blocked in every thread",
        detail="only SIGKILL ends it; kill, timeout and a supervisor's stop will seem to hang",
        evidence=blame(case, signals),
        remedies=(end_it(case), start_clean(case)),
    )
