"""One process, or all, in depth: records read until they agree, and put together as nouns."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sigscope.decode.records import (
    ACTIONS,
    PROCESS,
    THREAD,
    cut_records,
    split_records,
)
from sigscope.decode.task import (
    STOPPED,
    UNKILLABLE,
    Fields,
    Upid,
    decode_actions,
    decode_itimers,
    decode_numbers,
    number,
    signal_set,
    text,
)
from sigscope.kernel.bpf.filters import read_filters
from sigscope.kernel.bpf.layouts import Layout
from sigscope.kernel.bpf.queues import Queue, read_queues
from sigscope.kernel.bpf.tasks import Tasks
from sigscope.kernel.bpf.timers import read_posix_timers
from sigscope.model.depth import ProcessDepth, ThreadDepth

ENGINE = "bpf"
TRIES = 5
"""Walks over a table that changes under our hands, before the last one is taken."""
SECCOMP_FILTER = 2
_IDS = struct.Struct("<III")
"""How each record begins: kind, tid, tgid."""
_TIF_RESTORE_SIGMASK = {"aarch64": 1 << 20}
"""Where the flag is no field of its own (arch/arm64/include/asm/thread_info.h)."""


class Deep(NamedTuple):
    """One process: what its threads share, and each of them. ``start`` is nanoseconds since boot,
    ``numbers`` its pids from our pid namespace inwards (empty where it is in our own)."""

    pid: int
    start: int
    process: ProcessDepth
    threads: Mapping[int, ThreadDepth]
    saved: Mapping[int, int]
    numbers: tuple[Upid, ...]


@dataclass
class _Gathered:
    """The records of one process, while they come in."""

    process: Fields | None = None
    actions: bytes = b""
    threads: dict[int, bytes] = field(default_factory=dict)


def read_deep(tasks: Tasks, pid: int) -> Deep | None:
    """One process; None if there is none. OSError where the kernel refuses.

    Its sigactions are read until two walks agree: a process may be changing one just now.
    """
    actions = None
    for _ in range(TRIES):
        found = _gathered(tasks.facts(pid)).get(pid)
        if found is None or found.process is None:
            return None
        if found.actions == actions:
            return _deep(tasks, pid, found)
        actions = found.actions
    return _deep(tasks, pid, found) if found is not None else None


def read_all_deep(tasks: Tasks) -> dict[int, Deep]:
    """Every process of the host, in one walk for all that have nothing pending."""
    return {
        pid: _deep(tasks, pid, found)
        for pid, found in _gathered(tasks.facts()).items()
        if found.process is not None
    }


def _gathered(data: bytes) -> dict[int, _Gathered]:
    found: dict[int, _Gathered] = {}
    for record, piece in cut_records(data):
        _, tid, tgid = _IDS.unpack_from(piece)
        one = found.get(tgid)
        if one is None:
            one = found[tgid] = _Gathered()
        if record is THREAD:
            one.threads[tid] = piece
        elif record is PROCESS:
            one.process = PROCESS.fields(piece)
        elif record is ACTIONS:
            one.actions = text(ACTIONS.fields(piece), "actions")
    return found


def _deep(tasks: Tasks, pid: int, found: _Gathered) -> Deep:
    process = found.process
    assert process is not None
    layout = tasks.layout
    masks = {tid: _masks(tid, piece, tasks) for tid, piece in found.threads.items()}
    waiting = number(process, "pending") or any(one.pending for one in masks.values())
    queues = read_queues(tasks, pid) if waiting else {}
    none = Queue((), 0)
    shared = queues.get((pid, True), none) if waiting else none
    flags = number(process, "flags")
    return Deep(
        pid=pid,
        start=number(process, "start"),
        process=ProcessDepth(
            ENGINE,
            actions=decode_actions(found.actions, tasks.shape),
            queue=None if shared is None else shared.entries,
            queued=None if shared is None else shared.total,
            unkillable=bool(flags & UNKILLABLE),
            group_stop=bool(flags & STOPPED),
            itimers=decode_itimers(process) if _has_timers(layout) else None,
            posix_timers=read_posix_timers(tasks, pid) if number(process, "posix_timers") else (),
        ),
        threads={
            tid: one.depth
            if not one.pending
            else _with_queue(one.depth, queues.get((tid, False), none))
            for tid, one in masks.items()
        },
        saved={tid: one.saved for tid, one in masks.items()},
        numbers=decode_numbers(process),
    )


def _has_timers(layout: Layout) -> bool:
    return layout.has(
        "signal_struct.real_timer.node.expires",
        "signal_struct.real_timer.state",
        "signal_struct.it_real_incr",
        "signal_struct.it",
        "signal_struct.cputimer.cputime_atomic.utime",
        "signal_struct.cputimer.cputime_atomic.stime",
    )


class _Masks(NamedTuple):
    """A thread without its queue: ``saved`` as the kernel keeps it, valid or not."""

    depth: ThreadDepth
    pending: int
    saved: int


def _masks(tid: int, piece: bytes, tasks: Tasks) -> _Masks:
    """Many threads differ by their tid only: each different one is put together once."""
    alike = piece[_IDS.size :]
    found = tasks.alike.get(alike)
    if found is None:
        found = tasks.alike[alike] = _new_masks(tid, THREAD.fields(piece), tasks)
    assert isinstance(found, _Masks)
    return found


def _new_masks(tid: int, fields: Fields, tasks: Tasks) -> _Masks:
    saved = number(fields, "saved")
    filtered = number(fields, "seccomp") == SECCOMP_FILTER
    depth = ThreadDepth(
        ENGINE,
        blocked=signal_set(number(fields, "blocked")),
        real_blocked=signal_set(number(fields, "real_blocked")),
        saved=signal_set(saved) if _restores(fields, tasks.layout) else None,
        queue=(),
        filters=read_filters(tasks, tid, number(fields, "filter")) if filtered else (),
        restart=tasks.restart_name(tid, number(fields, "restart")),
    )
    return _Masks(depth, number(fields, "pending"), saved)


def _with_queue(depth: ThreadDepth, queue: Queue | None) -> ThreadDepth:
    return replace(depth, queue=None if queue is None else queue.entries)


def _restores(fields: Fields, layout: Layout) -> bool:
    own = layout.find("task_struct.restore_sigmask")
    mask = own.mask if own is not None else _TIF_RESTORE_SIGMASK.get(os.uname().machine, 0)
    return bool(number(fields, "restore") & mask)


def read_numbers(tasks: Tasks) -> list[tuple[Upid, ...]]:
    """The pids of every process that lives in a pid namespace below ours."""
    records = split_records(tasks.facts())
    return [decode_numbers(fields) for record, fields in records if record is PROCESS]
