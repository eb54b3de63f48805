"""A scan of the whole host by a BPF walk: rows of bytes into processes and their threads.

A host has many more threads than different ones: what two of them have in common (name,
state, masks) is one slice of a row, and each different slice is decoded once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from sigscope.decode.records import MOST_LEVELS, ROW
from sigscope.decode.task import UPID, decode_state, signal_set
from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError
from sigscope.model.process import Process, Queue
from sigscope.model.thread import Thread

_ROW = struct.Struct("<II40s")
_THREAD = struct.Struct("<IIQQ16s")
_PROCESS = struct.Struct("<10I5QQ32x")
_OWN_ROWS = 3
_EXIT_SHIFT = 24
_STATE = (1 << _EXIT_SHIFT) - 1
NO_NEW_PRIVS = 1
"""PFA_NO_NEW_PRIVS of include/linux/sched.h: bit 0 of task_struct.atomic_flags."""
KERNEL_THREAD = 0x00200000
"""PF_KTHREAD of the same."""
_NUMBERS_IN_A_ROW = 32

_LATER = (None,) * (len(Thread._fields) - 5)
"""What a scan does not know of a thread: the fields behind its masks."""

Alike = tuple[object, ...]
"""The fields of a Thread behind its tid."""


class Scan:
    """The processes of a stream of SCANNED and NESTED, and what the rows say of them.

    Threads whose process ended meanwhile are left out. ``ticks`` a second is what start times
    are counted in. DecodeError if the stream is cut off.
    """

    def __init__(self, data: bytes, ticks: int) -> None:
        if len(data) % ROW:
            raise DecodeError("bpf", "a row of the scan is cut off")
        self._ticks = ticks
        self._threads: dict[int, list[Thread]] = {}
        self._own: dict[int, list[bytes]] = {}
        self._tracers: dict[int, int] = {}
        self._sort(data)

    def _sort(self, data: bytes) -> None:
        """Once for each of ten thousands of rows: so nothing here that could stand elsewhere."""
        known: dict[bytes, Alike] = {}
        new, last, threads = tuple.__new__, 0, []
        for tid, tgid, row in _ROW.iter_unpack(data):
            if not tid:
                self._own.setdefault(tgid, []).append(row)
                continue
            alike = known.get(row)
            if alike is None:
                alike = known[row] = _alike(row)
            if tgid != last:
                threads, last = self._threads.setdefault(tgid, []), tgid
            threads.append(new(Thread, (tid,) + alike))  # noqa: RUF005  (half the time)
        traced = {row: tracer for row in known if (tracer := _tracer(row))}
        for tid, _, row in _ROW.iter_unpack(data) if traced else ():
            if tid and row in traced:
                self._tracers[tid] = traced[row]

    def processes(self) -> Iterator[Process]:
        """In the order of the walk. ``nspid`` is empty where it is nested too deep for a record."""
        for pid, rows in self._own.items():
            threads = self._threads.get(pid)
            if threads is not None and len(rows) >= _OWN_ROWS:
                yield self._process(pid, rows, threads)

    def _process(self, pid: int, rows: list[bytes], threads: list[Thread]) -> Process:
        (
            ppid, uid, saved_uid, flags, privileges, seccomp, pgrp, session, level, _,
            start, pending, ignored, caught, queued, limit,
        ) = _PROCESS.unpack(b"".join(rows[:_OWN_ROWS]))  # fmt: skip
        if threads[0].tid != pid:  # pids have begun again from below
            threads.sort(key=lambda thread: thread.tid != pid)
        leader = threads[0]
        return Process(
            pid,
            start * self._ticks // 10**9,
            ppid,
            leader.comm,
            uid,
            leader.state,
            tuple(threads),
            signal_set(pending),
            signal_set(ignored),
            signal_set(caught),
            saved_uid,
            (pid, *_inner(rows[_OWN_ROWS:], level)) if level < MOST_LEVELS else (),
            pgrp,
            session,
            Queue(queued, limit),
            seccomp,
            bool(privileges & NO_NEW_PRIVS),
            self._tracer(threads) if self._tracers else None,
            bool(flags & KERNEL_THREAD),
        )

    def _tracer(self, threads: list[Thread]) -> int | None:
        """Of a dead leader its tracer has let go, not of its threads."""
        living = next((one.tid for one in threads if not one.state.gone), threads[0].tid)
        return self._tracers.get(living)


def _alike(row: bytes) -> Alike:
    """Name, state and masks, which many threads share."""
    state, _, blocked, pending, comm = _THREAD.unpack(row)
    name = decode_text(comm.partition(b"\0")[0])
    kind = decode_state(state & _STATE, state >> _EXIT_SHIFT)
    return (name, kind, signal_set(blocked), signal_set(pending), *_LATER)


def _tracer(row: bytes) -> int:
    found = _THREAD.unpack(row)[1]
    assert isinstance(found, int)
    return found


def _inner(rows: list[bytes], level: int) -> tuple[int, ...]:
    """The numbers in the pid namespaces below ours."""
    if not level:
        return ()
    data = b"".join(row[:_NUMBERS_IN_A_ROW] for row in rows)
    numbers = [number for number, _ in UPID.iter_unpack(data)]
    return tuple(numbers[1 : level + 1])
