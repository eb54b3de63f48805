"""What must be read of whom before a check can be made: its cheap precondition holds there."""

from __future__ import annotations

from dataclasses import fields

from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Looks:
    """Sets of pids, by what is read of them beyond the scan.

    ``close`` is the full look (``kernel.closer``); ``timers``, ``waits``, ``calls`` and
    ``deaths`` are single details (``kernel.details``), ``depths`` is what only the kernel's own
    structures tell (``kernel.depths``).
    """

    close: frozenset[int] = frozenset()
    timers: frozenset[int] = frozenset()
    waits: frozenset[int] = frozenset()
    calls: frozenset[int] = frozenset()
    deaths: frozenset[int] = frozenset()
    depths: frozenset[int] = frozenset()

    def by_name(self) -> dict[str, frozenset[int]]:
        """The sets under their names."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __or__(self, other: Looks) -> Looks:
        mine, theirs = self.by_name(), other.by_name()
        return Looks(**{name: mine[name] | theirs[name] for name in mine})


NOTHING = Looks()
