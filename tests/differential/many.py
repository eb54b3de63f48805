"""Many cases at a time: while one target settles, another can start."""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from sigscope.analysis.verdict import explain
from tests.differential.dice import roll
from tests.differential.judge import Case, run
from tests.differential.program import program
from tests.differential.situation import Situation

WORKERS = 2 * (os.cpu_count() or 1)


def run_many(seeds: Iterable[int], judged: bool = True) -> Iterator[Case]:
    """The case of each seed, in order; without a verdict where not ``judged``."""
    return _spread([(None, seed) for seed in seeds], judged)


def run_these(situations: Iterable[Situation], judged: bool = True) -> Iterator[Case]:
    """The same for given situations."""
    return _spread([(one, None) for one in situations], judged)


def _spread(work: list[tuple[Situation | None, int | None]], judged: bool) -> Iterator[Case]:
    program()  # compiled once, before the workers are forked
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(WORKERS, context) as pool:
        yield from pool.map(functools.partial(_one, judged=judged), work, chunksize=8)


def _one(item: tuple[Situation | None, int | None], judged: bool) -> Case:
    situation, seed = item
    if situation is None:
        assert seed is not None
        situation = roll(seed)
    return run(situation, seed, explain if judged else None)
