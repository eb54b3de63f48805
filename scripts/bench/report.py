"""Results as an aligned table, as Markdown for the README, as JSON. Yields, never prints."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from command import Run
from rounds import Result

HEAD = ("", "median", "min to max", "goal", "", "medians of both sides")


@dataclass(frozen=True, slots=True)
class Setting:
    """Under which circumstances; what a reader must know to repeat it, and no host name."""

    processes: int
    threads: int
    rounds: int


def text(results: Sequence[Result], setting: Setting) -> Iterator[str]:
    rows = [HEAD, *(_cells(result) for result in results)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
    yield ""
    for result in results:
        yield f"{result.measurement.name.ljust(widths[0])}  {result.measurement.what}"
    yield ""
    yield _caption(results, setting)


def markdown(results: Sequence[Result], setting: Setting) -> Iterator[str]:
    yield "| what | median (min to max) | goal |"
    yield "|---|---|---|"
    for result in results:
        _, middle, span, goal, verdict, _ = _cells(result)
        yield f"| {result.measurement.what} | {middle} ({span}) | {goal}, {verdict} |"
    yield ""
    yield f"{_caption(results, setting)}."


def as_json(results: Sequence[Result], setting: Setting) -> Iterator[str]:
    document = {
        "schema": "sigscope-bench/1",
        "processes": setting.processes,
        "threads": setting.threads,
        "rounds": setting.rounds,
        "linux": _kernel(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "measurements": [_object(result) for result in results],
    }
    yield json.dumps(document, indent=2)


FORMATS = {"text": text, "markdown": markdown, "json": as_json}


def _caption(results: Sequence[Result], setting: Setting) -> str:
    crowd = ""
    if any(result.measurement.crowded for result in results):
        size = setting.processes * setting.threads
        crowd = f"{size:,} threads in {setting.processes:,} processes, "
    return (
        f"{crowd}{setting.rounds} interleaved rounds; Linux {_kernel()},"
        f" Python {platform.python_version()}, {os.cpu_count()} CPUs"
    )


def _cells(result: Result) -> tuple[str, ...]:
    measurement = result.measurement
    low, high = _number(result, min(result.values)), _number(result, max(result.values))
    unit = f" {measurement.unit}" if measurement.unit else ""
    verdict = "met" if result.met else f"missed by {result.median / measurement.goal - 1:.0%}"
    sides = ""
    if result.base:
        mine, other = (median(result.of(runs)) for runs in (result.subject, result.base))
        sides = f"{mine * 1e3:.0f} ms against {other * 1e3:.0f} ms"
    return (
        measurement.name,
        f"{_number(result, result.median)}{unit}",
        f"{low} to {high}",
        f"<= {measurement.goal:g}{unit}",
        verdict,
        sides,
    )


def _number(result: Result, value: float) -> str:
    ratio = result.base and not result.measurement.over
    return f"{value:.0f}" if not ratio else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def _object(result: Result) -> dict[str, object]:
    measurement = result.measurement
    return {
        "name": measurement.name,
        "what": measurement.what,
        "unit": measurement.unit or "ratio",
        "goal": measurement.goal,
        "met": result.met,
        "median": result.median,
        "min": min(result.values),
        "max": max(result.values),
        "rounds": result.values,
        "subject": _sides(result, result.subject),
        "base": _sides(result, result.base),
    }


def _sides(result: Result, runs: Sequence[Run]) -> dict[str, object] | None:
    if not runs:
        return None
    return {
        "values": result.of(runs),
        "wall": [run.wall for run in runs],
        "cpu": [run.cpu for run in runs],
        "peak_mb": [run.peak for run in runs],
    }


def _kernel() -> str:
    """The version without what a distributor or a cloud appends."""
    return platform.release().split("-")[0]
