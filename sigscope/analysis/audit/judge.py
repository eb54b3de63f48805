"""The facade: all checks on a scene, what two looks agree on, and what somebody accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from sigscope.analysis.audit import AUDIT_CHECKS
from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.rules import OF_ONE_PROCESS
from sigscope.analysis.audit.scene import Scene
from sigscope.analysis.audit.services import service_of
from sigscope.analysis.checks import timer_blocked, timer_not_advancing
from sigscope.analysis.diagnose import diagnose, suspects
from sigscope.model.audit import Audit, Scanned, Waiver
from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.signals import EMPTY, LIBC_OWN


def needed(scene: Scene) -> Looks:
    """Of whom more must be read than the scan has, for all checks together."""
    wanted = Looks(
        close=suspects(scene.host, scene.audited) | timer_not_advancing.candidates(scene.processes),
        timers=timer_blocked.candidates(scene.processes),
    )
    for check in AUDIT_CHECKS:
        wanted = wanted | check.looks(scene)
    return wanted


def judge(scene: Scene) -> Audit:
    """Every check on every audited process, worst first."""
    diagnosis = diagnose(scene.host, sorted(scene.audited))
    scene = replace(scene, diagnosis=diagnosis)
    findings = [one for one in diagnosis.findings if (one.id, one.severity) not in OF_ONE_PROCESS]
    gaps = list(diagnosis.gaps)
    instead: set[tuple[str, int]] = set()
    for check in AUDIT_CHECKS:
        for said in check.check(scene):
            if isinstance(said, Gap):
                gaps.append(said)
                continue
            findings.append(said)
            instead.update((other, said.pid) for other in check.INSTEAD_OF)
    findings = [finding for finding in findings if (finding.id, finding.pid) not in instead]
    findings.sort(key=lambda finding: (finding.severity.rank, finding.pid))
    services = {finding.pid: service_of(scene.host.processes[finding.pid]) for finding in findings}
    return Audit(scene.host, tuple(findings), tuple(dict.fromkeys(gaps)), _scanned(scene), services)


def _scanned(scene: Scene) -> Scanned:
    seen = [scene.host.processes[pid] for pid in scene.audited if pid in scene.host.processes]
    seen = [process for process in seen if not process.kernel_thread]
    return Scanned(len(seen), sum(len(process.threads) for process in seen))


def doubtful(audit: Audit) -> frozenset[int]:
    """Whom to look at again: all that more than a note was said of, and on whom that rests.

    These are zombies, and descendants that block something everywhere.
    """
    processes = audit.host.processes
    said = {finding.pid for finding in audit.findings if finding.severity is not Severity.NOTE}
    if not said:
        return frozenset()
    return frozenset(said).union(
        process.pid
        for process in processes.values()
        if any(ancestor.pid in said for ancestor in audit.host.ancestors(process))
        and (process.zombie or (process.blocked_by_all or EMPTY) - LIBC_OWN)
    )


def confirmed(first: Audit, second: Audit) -> Audit:
    """The notes of the first look, and of the rest what the second one says as well.

    One sample can lie: a mask is opened for an instant, a sleep ends, a zombie is reaped.
    """
    again = {_key(second, finding): finding for finding in second.findings}
    findings = []
    for finding in first.findings:
        if finding.severity is Severity.NOTE:
            findings.append(finding)
        elif (said := again.get(_key(first, finding))) is not None:
            findings.append(said)
    findings.sort(key=lambda finding: (finding.severity.rank, finding.pid))
    gaps = dict.fromkeys((*first.gaps, *second.gaps))
    return replace(first, findings=tuple(findings), gaps=tuple(gaps))


def _key(audit: Audit, finding: Finding) -> tuple[object, ...]:
    identity = audit.host.processes[finding.pid].identity
    return finding.id, identity, finding.tid, finding.signals


def waived(audit: Audit, ignored: Sequence[Waiver], accepted: Sequence[Waiver]) -> Audit:
    """Without what is ignored; with what is accepted set apart, each with its reason."""
    left: list[Finding] = []
    apart: list[tuple[Finding, Waiver]] = []
    dropped = 0
    for finding in audit.findings:
        if _match(audit, finding, ignored) is not None:
            dropped += 1
        elif (waiver := _match(audit, finding, accepted)) is not None:
            apart.append((finding, waiver))
        else:
            left.append(finding)
    return replace(audit, findings=tuple(left), accepted=tuple(apart), ignored=dropped)


def _match(audit: Audit, finding: Finding, waivers: Sequence[Waiver]) -> Waiver | None:
    program = audit.host.processes[finding.pid].comm
    return next(
        (
            waiver
            for waiver in waivers
            if waiver.id == finding.id and fnmatchcase(program, waiver.program)
        ),
        None,
    )
