"""Scanned processes as bytes, to hand them from one process of ours to another.

marshal, of plain tuples: quicker than pickled objects, and it carries no code. Nearly all
threads of a host look alike (name, state, masks), so each look is sent once, and a thread is
its tid with the number of its look.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from sigscope.model.gap import Gap
from sigscope.model.process import Process, Queue
from sigscope.model.signals import SignalSet
from sigscope.model.state import State
from sigscope.model.thread import Thread

Reading = Process | Gap | None
"""What came of reading one process: it, or why it could not be read; None if it has ended."""

PLAIN = (
    *("pid", "start_time", "ppid", "comm", "uid", "saved_uid", "nspid", "pgrp", "session"),
    *("seccomp", "no_new_privs", "tracer", "kernel_thread"),
)
"""The fields of a process that are numbers and texts already."""
_plain, _sets = attrgetter(*PLAIN), attrgetter("pending", "ignored", "caught")
_look = attrgetter("comm", "state.value", "blocked", "pending")


def pack(readings: Mapping[int, Reading]) -> bytes:
    """Readings by pid, with all that :func:`sigscope.kernel.process.read_status` tells."""
    looks: dict[tuple[Any, ...], int] = {}
    processes = [_row(one, looks) for one in readings.values() if isinstance(one, Process)]
    others = {
        pid: one and _gap_row(one) for pid, one in readings.items() if not isinstance(one, Process)
    }
    shown = [
        (comm, letter, _mask(blocked), _mask(pending)) for comm, letter, blocked, pending in looks
    ]
    return marshal.dumps((shown, processes, others))


def unpack(data: bytes) -> dict[int, Reading]:
    """The same readings again. The bytes must be whole, and our own."""
    shown, processes, others = marshal.loads(data)  # noqa: S302  (made by a child of ours)
    looks = [
        (comm, State(letter), _set(blocked), _set(pending))
        for comm, letter, blocked, pending in shown
    ]
    readings: dict[int, Reading] = {pid: row and Gap(*row) for pid, row in others.items()}
    for row in processes:
        process = _process(row, looks)
        readings[process.pid] = process
    return readings


def _row(process: Process, looks: dict[tuple[Any, ...], int]) -> tuple[Any, ...]:
    queue, threads = process.queue, process.threads
    return (
        _plain(process),
        tuple(map(_mask, _sets(process))),
        process.state.value,
        tuple([thread.tid for thread in threads]),
        tuple([looks.setdefault(_look(thread), len(looks)) for thread in threads]),
        None if queue is None else (queue.used, queue.limit),
        tuple(map(_gap_row, process.gaps)),
    )


def _process(row: tuple[Any, ...], looks: list[tuple[Any, ...]]) -> Process:
    plain, (pending, ignored, caught), letter, tids, numbers, queue, gaps = row
    return Process(
        **dict(zip(PLAIN, plain, strict=True)),
        pending=_set(pending),
        ignored=_set(ignored),
        caught=_set(caught),
        state=State(letter),
        threads=tuple([Thread(tid, *looks[n]) for tid, n in zip(tids, numbers, strict=True)]),
        queue=None if queue is None else Queue(*queue),
        gaps=tuple([Gap(*gap) for gap in gaps]),
    )


def _gap_row(gap: Gap) -> tuple[Any, ...]:
    return gap.what, gap.why, gap.hint, gap.unjudged, gap.refused


def _mask(signals: SignalSet | None) -> int | None:
    return None if signals is None else signals.mask


def _set(mask: int | None) -> SignalSet | None:
    return None if mask is None else SignalSet(mask)
