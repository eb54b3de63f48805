"""What the analysis says of some processes: the answer that is shown or written as JSON."""

from __future__ import annotations

from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.lineage import Kind, Lineage
from sigscope.model.process import Process
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Findings worst first; lineage for each bit that matters; what could not be read."""

    host: Host
    processes: tuple[Process, ...]
    findings: tuple[Finding, ...]
    lineage: tuple[Lineage, ...]
    gaps: tuple[Gap, ...]

    def findings_of(self, pid: int) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.pid == pid)

    def lineage_of(self, pid: int, signal: int, kind: Kind) -> Lineage | None:
        wanted = (pid, signal, kind)
        return next(
            (line for line in self.lineage if (line.pid, line.signal, line.kind) == wanted), None
        )

    def assessed(self, pid: int) -> bool:
        """Was all judged that is judged of a process? Else silence is no good news."""
        return all(gap.unjudged != pid for gap in self.gaps)

    def reaches(self, severity: Severity) -> bool:
        """Is any finding at least this bad?"""
        return any(finding.severity.rank <= severity.rank for finding in self.findings)
