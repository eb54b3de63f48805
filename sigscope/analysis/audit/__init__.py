"""The checks of a whole host: each module has an ``ID``, says what it ``MEANS``, and ``check``s.

A check takes a :class:`~sigscope.analysis.audit.scene.Scene` and yields findings, or the gap
for which it could not be made; ``looks`` says of whom more must be read first. Where its
finding tells more than that of another check about the same process, ``INSTEAD_OF`` names the
other one. A new check is one module and one entry here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sigscope.analysis.audit import (
    frozen,
    handler_without_restart,
    init_ignores_term,
    queue_near_limit,
    seccomp_restart,
    shell_wrapper,
    spreading_mask,
    stopped_with_pending,
    traced,
    unkillable,
    zombies,
)
from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.rules import TOLD
from sigscope.analysis.audit.scene import Scene
from sigscope.analysis.checks import CHECKS
from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.rule import Rule


class AuditCheck(Protocol):
    """What a module of this package offers."""

    ID: str
    SEVERITIES: tuple[Severity, ...]
    MEANS: str
    EVIDENCE: str
    REMEDY: str
    SOURCE: str
    INSTEAD_OF: tuple[str, ...]

    def looks(self, scene: Scene, /) -> Looks: ...

    def check(self, scene: Scene, /) -> Iterator[Finding | Gap]: ...


AUDIT_CHECKS: tuple[AuditCheck, ...] = (
    unkillable,
    stopped_with_pending,
    queue_near_limit,
    spreading_mask,
    frozen,
    init_ignores_term,
    shell_wrapper,
    zombies,
    traced,
    seccomp_restart,
    handler_without_restart,
)


def _rules() -> Iterator[Rule]:
    for check in CHECKS:
        severities, evidence, remedy, source = TOLD[check.ID]
        yield Rule(check.ID, severities, check.MEANS, evidence, remedy, source)
    for one in AUDIT_CHECKS:
        yield Rule(one.ID, one.SEVERITIES, one.MEANS, one.EVIDENCE, one.REMEDY, one.SOURCE)


RULES: tuple[Rule, ...] = tuple(_rules())
"""All that an audit checks, those of ``sigscope pid`` first."""
