"""The facade: every check on every process, worst first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from sigscope.analysis.case import Case
from sigscope.analysis.checks import CHECKS
from sigscope.analysis.checks.ignored_inherited import TERMINAL
from sigscope.analysis.launder import CHLD
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.lineage import Lineage
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, LIBC_OWN
from sigscope.model.state import State


def suspects(host: Host, among: Collection[int] | None = None) -> frozenset[int]:
    """The processes (of all, or ``among`` these) that deserve a closer look before judgement.

    Only what is blocked everywhere, or waits somewhere, needs more than the scan: is
    there a signalfd that takes it, which program is it, which thread forked it? And of who
    ignores SIGCHLD, or what its parent ignores as well: is it the same program as its parent,
    under another name?
    """
    return frozenset(
        process.pid
        for process in host.processes.values()
        if (among is None or process.pid in among)
        and not process.kernel_thread
        and (
            (process.blocked_by_all or EMPTY) - LIBC_OWN
            or any(thread.pending and thread.blocked for thread in process.living)
            or process.state is State.STOPPED
            or (process.ignored or EMPTY) >= CHLD
            or _ignores_alike(process, host.parent(process))
        )
    )


def _ignores_alike(process: Process, parent: Process | None) -> bool:
    if parent is None or parent.comm == process.comm:
        return False
    both = (process.ignored or EMPTY) & (parent.ignored or EMPTY)
    return bool(both - LIBC_OWN - TERMINAL)


def diagnose(host: Host, pids: Iterable[int] | None = None) -> Diagnosis:
    """What is wrong with these processes (by default with all that were read)?

    >>> from sigscope.model import Host
    >>> diagnose(Host("box", 0.0, 0.0, 100)).findings
    ()
    """
    wanted = sorted(host.processes) if pids is None else list(pids)
    processes = tuple(host.processes[pid] for pid in wanted if pid in host.processes)
    findings: list[Finding] = []
    lineage: list[Lineage] = []
    gaps: list[Gap] = list(host.gaps)
    for process in processes:
        gaps.extend(process.gaps)
        if process.kernel_thread or process.zombie:
            continue
        if process.blocked_by_all is None or process.ignored is None:
            gaps.append(_not_judged(process))
        if pids is not None and host.shallow is not None and _waits(process):
            gaps.append(replace(host.shallow, what=f"senders of {process.pid}"))
        case = Case(host, process)
        for check in CHECKS:
            for said in check.check(case):
                if isinstance(said, Gap):
                    gaps.append(said)
                else:
                    findings.append(said)
        lineage.extend(case.lines())
    findings.sort(key=lambda finding: (finding.severity.rank, finding.pid))
    return Diagnosis(host, processes, tuple(findings), tuple(lineage), tuple(dict.fromkeys(gaps)))


def _waits(process: Process) -> bool:
    """Is something pending, and its sender not known?"""
    pending = process.pending or any(thread.pending for thread in process.living)
    return bool(pending) and process.depth is None


def _not_judged(process: Process) -> Gap:
    return Gap(
        f"findings of {process.pid}",
        "not assessed: its masks or dispositions could not be read",
        unjudged=process.pid,
    )


def lasting(first: Diagnosis, second: Diagnosis) -> Diagnosis:
    """The first diagnosis without what a second look does not confirm; notes need none.

    One sample can lie: an event loop opens its mask for an instant every now and then, and
    what is pending in one look is gone in the next.
    """
    confirmed = {_key(second, finding) for finding in second.findings}
    kept = tuple(
        finding
        for finding in first.findings
        if finding.severity is Severity.NOTE or _key(first, finding) in confirmed
    )
    return replace(first, findings=kept)


def _key(diagnosis: Diagnosis, finding: Finding) -> tuple[object, ...]:
    identity = diagnosis.host.processes[finding.pid].identity
    return finding.id, identity, finding.tid, finding.signals
