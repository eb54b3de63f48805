"""Findings as SARIF 2.1.0 (OASIS): one run, a rule for each check, a result for each finding.

A process has no file and no line: it is a logical location. What somebody accepted is
there too, suppressed with its reason; what could not be read is a notification of the tool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone

from sigscope.model.audit import Audit, Waiver
from sigscope.model.finding import Finding
from sigscope.model.gap import Gap
from sigscope.model.naming import numbers
from sigscope.model.rule import Rule
from sigscope.render.line import escape
from sigscope.render.signal_set import Json

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(audit: Audit, rules: Sequence[Rule], version: str) -> Json:
    """The log, with one run in it."""
    ended = datetime.fromtimestamp(audit.host.time, timezone.utc)
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "sigscope",
                        "version": version,
                        "rules": [_rule(rule) for rule in rules],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "endTimeUtc": ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "machine": escape(audit.host.name),
                        "toolExecutionNotifications": list(_notifications(audit.gaps)),
                    }
                ],
                "results": list(_results(audit, [rule.id for rule in rules])),
                "properties": {
                    "processes": audit.scanned.processes,
                    "threads": audit.scanned.threads,
                },
            }
        ],
    }


def _rule(rule: Rule) -> Json:
    return {
        "id": rule.id,
        "shortDescription": {"text": _sentence(rule.means)},
        "fullDescription": {"text": _sentence(f"{rule.means}. Evidence: {rule.evidence}")},
        "help": {"text": _sentence(f"{rule.remedy}. Source: {rule.source}")},
        "defaultConfiguration": {"level": rule.severities[0].value},
    }


def _results(audit: Audit, ids: list[str]) -> Iterator[Json]:
    for finding in audit.findings:
        yield _result(audit, finding, ids)
    for finding, waiver in audit.accepted:
        yield {**_result(audit, finding, ids), "suppressions": [_suppression(waiver)]}


def _result(audit: Audit, finding: Finding, ids: list[str]) -> Json:
    process = audit.host.processes[finding.pid]
    name = f"{process.comm} {numbers(process)}"
    service = audit.services[finding.pid]
    lines = (f"{name}: {finding.title}", finding.detail, *finding.evidence)
    return {
        "ruleId": finding.id,
        "ruleIndex": ids.index(finding.id),
        "level": finding.severity.value,
        "message": {"text": "\n".join(map(escape, lines))},
        "locations": [
            {
                "logicalLocations": [
                    {
                        "name": escape(name),
                        "fullyQualifiedName": escape(f"{audit.host.name}/{service}/{name}"),
                        "kind": "process",
                    }
                ]
            }
        ],
        "partialFingerprints": {
            "process/v1": f"{finding.id}/{process.pid}/{process.start_time}/{finding.tid or 0}"
        },
        "properties": {
            "pid": finding.pid,
            "tid": finding.tid,
            "signals": [signal.name for signal in finding.signals],
            "remedy": {remedy.when: escape(remedy.command) for remedy in finding.remedies},
        },
    }


def _suppression(waiver: Waiver) -> Json:
    return {"kind": "external", "justification": escape(waiver.reason)}


def _notifications(gaps: Iterable[Gap]) -> Iterator[Json]:
    for gap in gaps:
        text = f"{gap.what}: {gap.why}" + (f"; {gap.hint}" if gap.hint else "")
        yield {"level": "warning", "message": {"text": escape(text)}}


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
