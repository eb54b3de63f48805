"""A handler that cannot run. Healthy event loops do this on purpose, for a while."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.blame import blame, start_clean
from sigscope.analysis.case import Case
from sigscope.analysis.launder import CHLD
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.signals import EMPTY, FAULTS, SignalSet

ID = "blocked-handler"
MEANS = (
    "a handler is installed, all threads block its signal, and nothing else takes it; a warning"
    " if the mask came from another program's thread, else a note (of sigscope pid alone)"
)


def check(case: Case) -> Iterator[Finding | Gap]:
    mute = (case.caught & case.blocked) - FAULTS - (case.process.pending or EMPTY)
    if not mute:
        return
    if not case.signalfds_known:
        yield case.not_assessed(ID)
        return
    mute = mute - case.by_signalfd
    inherited = case.inherited(mute)
    if inherited:
        yield _finding(case, inherited, Severity.WARNING, (start_clean(case),))
    # Shells block SIGCHLD while they wait, and wait(2) needs no signal.
    if own := mute - inherited - CHLD:
        look_again = Remedy("look again", f"sigscope pid --threads {case.process.pid}")
        yield _finding(case, own, Severity.NOTE, (look_again,))


def _finding(
    case: Case, signals: SignalSet, severity: Severity, remedies: tuple[Remedy, ...]
) -> Finding:
    process = case.process
    handlers = "handlers" if len(signals) > 1 else "a handler"
    detail = (
        f"{process.comm} was started with this mask, and does not know of it"
        if severity is Severity.WARNING
        else "healthy programs do this, and open the mask for an instant (ppoll) or in a sigwait"
    )
    return Finding(
        id=ID,
        severity=severity,
        pid=process.pid,
        signals=tuple(signals),
        title=f"{listed(signals)}: {handlers}, but blocked in every thread",
        detail=detail,
        evidence=blame(case, signals),
        remedies=remedies,
    )
