"""Signals that the program ignores because whoever started it does."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.blame import blame
from sigscope.analysis.case import Case
from sigscope.analysis.checks.sigchld_ignored import CHLD
from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.lineage import Kind
from sigscope.model.naming import listed
from sigscope.model.signals import SignalSet

ID = "ignored-inherited"
TERMINAL = SignalSet.of("SIGTTIN", "SIGTTOU")
"""These alone change nothing that anybody waits for; tmux, for one, passes them on."""
MEANS = "the process ignores a signal because another program, which started it, does"


def check(case: Case) -> Iterator[Finding | Gap]:
    signals = case.inherited(case.ignored - CHLD, Kind.IGNORED)
    if not signals - TERMINAL:
        return
    verb = "are" if len(signals) > 1 else "is"
    yield Finding(
        id=ID,
        severity=Severity.NOTE,
        pid=case.process.pid,
        signals=tuple(signals),
        title=f"{listed(signals)} {verb} ignored, as by the program that started it",
        detail="often harmless: nohup (HUP), Python, PHP (PIPE), jobs with & (INT, QUIT)",
        evidence=blame(case, signals, Kind.IGNORED),
    )
