"""Interleaved rounds: A B C A B C, so that a noisy minute falls on all sides alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from command import Command, Run, run
from measurements import Measurement, Stage


@dataclass(frozen=True, slots=True)
class Result:
    """A measurement and its runs, one pair for each round (``base`` is empty without one)."""

    measurement: Measurement
    subject: tuple[Run, ...]
    base: tuple[Run, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """For each round the ratio to the base of the *same* round, or the excess, or the value."""
        mine = self.of(self.subject)
        if not self.base:
            return mine
        if self.measurement.over:
            return tuple((a - b) * 1e3 for a, b in zip(mine, self.of(self.base), strict=True))
        return tuple(a / b for a, b in zip(mine, self.of(self.base), strict=True))

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        return self.median <= self.measurement.goal

    def of(self, runs: Sequence[Run]) -> tuple[float, ...]:
        return tuple(self.measurement.read(run) for run in runs)


def measure(
    measurements: Sequence[Measurement],
    stage: Stage,
    rounds: int,
    warm_up: int,
    scratch: Path,
    say: Callable[[str], None],
) -> list[Result]:
    """Runs each *different* command once in a round; ``warm_up`` rounds more do not count.

    Measurements with a command in common (time and memory of one) share its runs.
    """
    sides = [(m, m.subject(stage), m.base(stage) if m.base else None) for m in measurements]
    runs: dict[Command, list[Run]] = {}
    for _, subject, base in sides:
        runs.setdefault(subject, [])
        if base is not None:
            runs.setdefault(base, [])
    names = ", ".join(m.name for m in measurements)
    for number in range(-warm_up, rounds):
        say(f"{names}: " + ("warming up" if number < 0 else f"round {number + 1} of {rounds}"))
        for command, taken in runs.items():
            one = run(command, scratch)
            if number >= 0:
                taken.append(one)
    return [
        Result(m, tuple(runs[subject]), tuple(runs[base]) if base is not None else ())
        for m, subject, base in sides
    ]
