"""What a check looks for, in words: for lists of checks, and for the tools that read SARIF."""

from __future__ import annotations

from sigscope.model.finding import Severity
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """``severities`` worst first; the rest are phrases without a full stop.

    ``evidence`` is what must be seen before it is said, ``remedy`` what helps, ``source`` the
    man page or kernel file in which the reason stands.
    """

    id: str
    severities: tuple[Severity, ...]
    means: str
    evidence: str
    remedy: str
    source: str
