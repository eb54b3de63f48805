"""What an audit says of a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Scanned:
    """How much was looked at, kernel threads left out."""

    processes: int
    threads: int


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that somebody does not want to see: ``program`` is a name or a pattern with *.

    With a ``reason`` it is accepted, and counted with it; without one it is ignored.
    """

    id: str
    program: str = "*"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """``findings`` worst first. ``accepted`` and ``ignored`` are not among them.

    ``services`` names, for each pid that has a finding, the service that it belongs to.
    """

    host: Host
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    scanned: Scanned
    services: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    accepted: tuple[tuple[Finding, Waiver], ...] = ()
    ignored: int = 0

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)

    def reaches(self, severity: Severity) -> bool:
        """Is any finding at least this bad?"""
        return any(finding.severity.rank <= severity.rank for finding in self.findings)

    @property
    def unknown(self) -> bool:
        """Was something not read on which a judgement rests?"""
        return any(
            gap.why.startswith("not assessed")
            or gap.what.startswith(("process", "signal masks", "mount options"))
            for gap in self.gaps
        )
