"""One line for a monitoring system: the state, what is worst, and performance data.

The form is that of the Monitoring Plugins Development Guidelines: text, a bar, and
``label=value;warn;crit;min``. A bar within the text would end it.
"""

from __future__ import annotations

from sigscope.model.audit import Audit
from sigscope.model.finding import Finding, Severity
from sigscope.model.naming import numbers
from sigscope.render.line import escape

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
"""By exit status."""
_MOST = 3


def nagios_state(audit: Audit, fail_on: Severity) -> int:
    """2 for an error, 1 for what is at least ``fail_on`` or a warning, 3 if not all was judged."""
    if audit.reaches(Severity.ERROR):
        return 2
    if audit.reaches(Severity.WARNING) or audit.reaches(fail_on):
        return 1
    return 3 if audit.unknown else 0


def nagios_line(audit: Audit, state: int) -> str:
    """The one line, worst findings first."""
    counts = {severity: audit.count(severity) for severity in Severity}
    said = ", ".join(
        f"{count} {severity.value}{'' if count == 1 else 's'}"
        for severity, count in counts.items()
        if count
    )
    worst = audit.findings[:_MOST] if state in (1, 2) else ()
    named = ", ".join(_named(audit, finding) for finding in worst)
    more = " ..." if named and len(audit.findings) > _MOST else ""
    missing = "not all could be judged" if state == 3 else ""
    text = "; ".join(filter(None, (said or "nothing wrong", missing, named + more)))
    data = " ".join(
        (
            f"errors={counts[Severity.ERROR]};;0;0",
            f"warnings={counts[Severity.WARNING]};0;;0",
            f"notes={counts[Severity.NOTE]};;;0",
            f"processes={audit.scanned.processes};;;0",
            f"threads={audit.scanned.threads};;;0",
        )
    )
    return f"{headed(state, text)} | {data}"


def headed(state: int, text: str) -> str:
    """``SIGSCOPE OK - text``, with nothing in it that ends the line or the text.

    >>> headed(3, "a|b")
    'SIGSCOPE UNKNOWN - a/b'
    """
    return f"SIGSCOPE {STATES[state]} - {escape(text).replace('|', '/')}"


def _named(audit: Audit, finding: Finding) -> str:
    process = audit.host.processes[finding.pid]
    return f"{finding.id} {process.comm} {numbers(process)}"
