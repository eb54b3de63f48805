"""A stopped process does nothing; all but KILL and CONT waits until it is continued."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.case import Case
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.signals import EMPTY
from sigscope.model.state import State

ID = "stopped"
MEANS = "the process was stopped (SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU) or is held by a tracer"


def check(case: Case) -> Iterator[Finding | Gap]:
    process = case.process
    states = {thread.state for thread in process.living}
    if not states & {State.STOPPED, State.TRACED}:
        return
    waiting = process.pending or EMPTY
    for thread in process.living:
        waiting = waiting | (thread.pending or EMPTY)
    evidence = (f"pending until then: {listed(waiting)}",) if waiting else ()
    if State.TRACED in states:
        who = f"pid {process.tracer}" if process.tracer else "a tracer that is not visible here"
        yield Finding(
            id=ID,
            severity=Severity.NOTE,
            pid=process.pid,
            signals=(),
            title=f"{process.comm} is held by {who}",
            detail="a debugger or strace has it; signals wait until that lets it go on",
            evidence=evidence,
            remedies=(Remedy("who", f"sigscope pid {process.tracer}"),) if process.tracer else (),
        )
        return
    yield Finding(
        id=ID,
        severity=Severity.WARNING,
        pid=process.pid,
        signals=(),
        title=f"{process.comm} is stopped, and does nothing until it is continued",
        detail="only SIGKILL and SIGCONT reach it; /proc does not say who stopped it",
        evidence=evidence,
        remedies=(Remedy("now", f"kill -CONT {process.pid}"),),
    )
