"""What every source of events offers, and what it is asked for."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from sigscope.model.gap import Gap
from sigscope.model.signals import Signal
from sigscope.model.value import dataclass
from sigscope.model.watch import Event

BUFFERS = 16 << 20
"""Bytes that all buffers of a source have together, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is told; a source may tell more, and whoever asks sorts that out.

    ``signals`` and ``targets`` (processes that get them) narrow it in the kernel, None means
    all. Forks, execs and ends are always told. ``every``: no folding of events that are alike.
    ``descendants``: what a target forks is a target from its first moment on.
    """

    signals: frozenset[Signal] | None = None
    targets: frozenset[int] | None = None
    every: bool = False
    buffers: int = BUFFERS
    descendants: bool = False


class Source(Protocol):
    """Use it in ``with``; opening it raises NotPermitted or NotSupported, which say why."""

    engine: str
    """bpf, perf, tracefs or ptrace."""

    @property
    def lost(self) -> int | None:
        """Events for which there was no room, so far; None where that is not counted."""

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What this source cannot tell."""

    def fileno(self) -> int:
        """Becomes readable when there is something; for poll(2)."""

    def events(self) -> list[Event]:
        """What has happened since the last call, without waiting, in order of time."""

    def close(self) -> None:
        """Takes everything off again; may be called twice."""

    def __enter__(self) -> Source: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
