"""On which CPU a tracer runs: more than all that it asks, that decides how long a target stands."""

from __future__ import annotations

import contextlib
import os

from sigscope.kernel.ptrace.threads import Place

_CPUS = frozenset(os.sched_getaffinity(0))
"""Those that we were given."""
EAGER = 1e-4
"""Seconds for which a stop on another CPU is waited for without a sleep."""


class Seat:
    """That of the calling thread, for one thread of a target after another."""

    def __init__(self) -> None:
        self._cpu = -1

    def take(self, place: Place | None, close: bool = False) -> float:
        """Sit where a stop of this thread is shortest; for how many seconds to wait eagerly.

        On the CPU of one that sleeps: waking up across CPUs takes longer than all that is asked.
        Beside one that computes: on its CPU, it would wait for us before its stop and after it.
        ``close``: on its CPU all the same, as it is to go on and stop many times.
        """
        if place is None:
            return 0.0
        if place.running and not close and self._move(_CPUS - {place.cpu}):
            self._cpu = -1
            return EAGER
        if place.cpu != self._cpu and self._move(frozenset((place.cpu,))):
            self._cpu = place.cpu
        return 0.0

    def leave(self) -> None:
        """What we still have to do is not to keep the target from its CPU."""
        if self._move(_CPUS - {self._cpu}):
            self._cpu = -1

    def _move(self, cpus: frozenset[int]) -> bool:
        """False where there is no such CPU, or it is not ours to use."""
        with contextlib.suppress(OSError):
            if cpus:
                os.sched_setaffinity(0, cpus)
                return True
        return False
