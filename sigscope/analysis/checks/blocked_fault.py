"""A fault whose signal is blocked kills, whatever handler is there.

force_sig_info_to_task() of kernel/signal.c: a blocked or ignored synchronous signal is set
to its default action, and so kills: no crash handler runs and no crash report is written.
"""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.blame import blame, start_clean
from sigscope.analysis.case import Case
from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.signals import FAULTS

ID = "blocked-fault"
MEANS = (
    "SEGV, BUS, FPE, ILL, TRAP or SYS is blocked in every thread: a fault kills at once and"
    " runs no handler; a warning if the mask came from another program, else a note"
)


def check(case: Case) -> Iterator[Finding | Gap]:
    blocked = case.blocked & FAULTS
    if not blocked:
        return
    inherited = case.inherited(blocked)
    for signals, severity in ((inherited, Severity.WARNING), (blocked - inherited, Severity.NOTE)):
        if not signals:
            continue
        handled = signals & case.caught
        consequence = (
            f"the handler for {listed(handled)} will not run"
            if handled
            else "a crash handler that it installs would not run"
        )
        yield Finding(
            id=ID,
            severity=severity,
            pid=case.process.pid,
            signals=tuple(signals),
            title=f"{listed(signals, most=6)} blocked: a fault kills at once, and {consequence}",
            detail="no crash report: the kernel resets a fault that is blocked to its default",
            evidence=blame(case, signals),
            remedies=(start_clean(case),) if severity is Severity.WARNING else (),
        )
