"""The registry of checks: each module has an ``ID``, says what it ``MEANS``, and ``check``s.

A check takes a :class:`~sigscope.analysis.case.Case` and yields findings, or the gap for
which it could not be made. A new check is one module and one entry here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sigscope.analysis.case import Case
from sigscope.analysis.checks import (
    blocked_fault,
    blocked_handler,
    blocked_inherited,
    blocked_pending,
    ignored_inherited,
    leader_dead,
    sigchld_ignored,
    stopped,
    timer_blocked,
    timer_not_advancing,
)
from sigscope.model.finding import Finding
from sigscope.model.gap import Gap


class Check(Protocol):
    """What a module of this package offers."""

    ID: str
    MEANS: str

    def check(self, case: Case, /) -> Iterator[Finding | Gap]: ...


CHECKS: tuple[Check, ...] = (
    blocked_pending,
    blocked_handler,
    blocked_inherited,
    blocked_fault,
    sigchld_ignored,
    stopped,
    leader_dead,
    ignored_inherited,
    timer_blocked,
    timer_not_advancing,
)
