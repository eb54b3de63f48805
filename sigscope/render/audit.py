"""The screens and documents of ``sigscope audit``: by service, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sigscope.model.audit import Audit, Waiver
from sigscope.model.finding import Finding, Severity
from sigscope.model.host import Host
from sigscope.model.naming import numbers
from sigscope.model.rule import Rule
from sigscope.render.document import document, finding_json, gap_json
from sigscope.render.findings import findings_lines
from sigscope.render.line import BLANK, Line, Role, Span, escape, wrapped
from sigscope.render.signal_set import Json

_MOST_PIDS = 4


def audit_lines(audit: Audit, width: int, notes: bool) -> Iterator[Line]:
    """Each service with what is wrong in it, then how much was looked at."""
    shown = [one for one in audit.findings if notes or one.severity is not Severity.NOTE]
    for name, findings in _by_service(audit, shown):
        yield Line.of(Span(escape(name), Role.STRONG), f": {_counted(findings)}")
        yield BLANK
        yield from findings_lines(_joined(audit, findings), width)
        yield BLANK
    yield from _summary(audit, width, notes)


def _by_service(audit: Audit, findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """Findings come worst first, and so do the services: by their worst, then by how many."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(audit.services[finding.pid], []).append(finding)
    return sorted(groups.items(), key=lambda group: [_ranks(group[1]), group[0]])


def _ranks(findings: list[Finding]) -> tuple[int, ...]:
    return tuple(-sum(one.severity is severity for one in findings) for severity in Severity)


def _joined(audit: Audit, findings: list[Finding]) -> Iterator[Finding]:
    """Findings of processes of one name that say the same are told once, with all their pids."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        comm = audit.host.processes[finding.pid].comm
        told = (comm, finding.id, finding.severity.value, finding.title)
        groups.setdefault(told, []).append(finding)
    for (comm, *_), alike in groups.items():
        first = alike[0]
        pids = list(dict.fromkeys(str(one.pid) for one in alike))
        more = f" and {len(pids) - _MOST_PIDS} more" if len(pids) > _MOST_PIDS else ""
        one = audit.host.processes[first.pid]
        shown = " ".join(pids[:_MOST_PIDS]) if len(pids) > 1 else numbers(one)
        who = f"{comm} {shown}{more}"
        yield replace(first, title=f"{who}: {first.title} [{first.id}]")


def _counted(findings: Iterable[Finding]) -> str:
    """ "1 error, 2 warnings"."""
    severities = [finding.severity for finding in findings]
    return ", ".join(
        f"{count} {severity.value}{'s' if count > 1 else ''}"
        for severity in Severity
        if (count := severities.count(severity))
    )


def _summary(audit: Audit, width: int, notes: bool) -> Iterator[Line]:
    """So that silence is known to be an answer."""
    scanned = audit.scanned
    said = _counted(audit.findings) or "nothing wrong with their signals"
    hidden = "" if notes or not audit.count(Severity.NOTE) else " (--all shows the notes)"
    processes = f"{scanned.processes} process{'' if scanned.processes == 1 else 'es'}"
    threads = f"{scanned.threads} thread{'' if scanned.threads == 1 else 's'}"
    text = f"{processes}, {threads}: {said}{hidden}"
    yield from wrapped(text, width, "", Role.FAINT)
    for waiver, count in _accepted(audit).items():
        name = waiver.id if waiver.program == "*" else f"{waiver.id}:{waiver.program}"
        yield from wrapped(f"accepted: {count} {name} ({waiver.reason})", width, "", Role.FAINT)
    if audit.ignored:
        yield Line.of(Span(f"ignored: {audit.ignored} (--ignore)", Role.FAINT))


def _accepted(audit: Audit) -> dict[Waiver, int]:
    counts: dict[Waiver, int] = {}
    for _, waiver in audit.accepted:
        counts[waiver] = counts.get(waiver, 0) + 1
    return counts


def audit_document(audit: Audit) -> Json:
    """The findings, each with its service; what was accepted, and why; what was not seen."""
    scanned = audit.scanned
    return document(
        "audit",
        audit.host,
        findings=[
            {**finding_json(finding), "service": audit.services[finding.pid]}
            for finding in audit.findings
        ],
        scanned={"processes": scanned.processes, "threads": scanned.threads},
        accepted=[
            {"id": waiver.id, "program": waiver.program, "reason": waiver.reason, "count": count}
            for waiver, count in _accepted(audit).items()
        ],
        ignored_findings=audit.ignored,
        gaps=[gap_json(gap) for gap in audit.gaps],
    )


def rule_lines(rules: Iterable[Rule], width: int) -> Iterator[Line]:
    """Every check: its id, how bad it can be, and what it means."""
    known = tuple(rules)
    column = max((len(rule.id) for rule in known), default=0) + 2
    for rule in known:
        severities = ", ".join(severity.value for severity in rule.severities)
        yield Line.of(Span(rule.id.ljust(column), Role.STRONG), severities)
        yield from wrapped(rule.means, width, "    ")


def rule_document(rules: Iterable[Rule], here: Host) -> Json:
    """The same, with what must be seen, what helps, and where the reason stands."""
    return document(
        "audit",
        here,
        checks=[
            {
                "id": rule.id,
                "severities": [severity.value for severity in rule.severities],
                "means": rule.means,
                "requires": rule.evidence,
                "advice": rule.remedy,
                "source": rule.source,
            }
            for rule in rules
        ],
    )
