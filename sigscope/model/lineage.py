"""Who passed a blocked or ignored signal down to a process."""

from __future__ import annotations

from enum import Enum

from sigscope.model.value import dataclass


class Kind(Enum):
    """Which set a bit was passed on in: a thread's mask, or SigIgn."""

    BLOCKED = "blocked"
    IGNORED = "ignored"


class Confidence(Enum):
    """exact: the kernel named the forking thread; likely: masks agree; unknown: see why."""

    EXACT = "exact"
    LIKELY = "likely"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Link:
    """One ancestor in the chain: the thread that forked, where it is known."""

    pid: int
    tid: int | None
    comm: str
    holders: int = 0
    threads: int = 0
    """How many of the ancestor's living threads have the bit: "3 of 4 threads"."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The way of one bit, from the parent (``chain[0]``) up to its origin (``chain[-1]``).

    An empty chain means: not shown to be inherited, for the reason in ``because``.
    """

    pid: int
    signal: int
    kind: Kind
    chain: tuple[Link, ...]
    confidence: Confidence
    because: str
    foreign: bool = False
    """The bit came from another program (else from a fork of the same one)."""

    @property
    def origin(self) -> Link | None:
        return self.chain[-1] if self.chain else None

    @property
    def inherited(self) -> bool:
        return bool(self.chain)
