"""The host, with what only the kernel's own structures tell of a few processes.

For this host's own processes the BPF engine reads it, if it may. Where it cannot be had, the
host says why (``Host.shallow``), and whoever wanted it for an answer adds that gap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError
from sigscope.kernel.names import read_name
from sigscope.kernel.passive import PROC, WHAT
from sigscope.kernel.procfs import ProcFS
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.signals import SignalSet
from sigscope.model.thread import Thread

if TYPE_CHECKING:
    from sigscope.kernel.bpf.depth import Deep
    from sigscope.kernel.bpf.tasks import Tasks
    from sigscope.model.depth import ThreadDepth
    from sigscope.model.siginfo import SigInfo

MOST_SINGLE = 64
"""Up to so many processes are walked one by one; for more the whole host is, once."""
_SUSPENDS = "rt_sigsuspend"

RECORD = "depth"
"""Its name in a snapshot, beside the files of the process; at the top stands why there is none."""
_LONGEST_REASON = 400

Spaces = Mapping[tuple[int, int], int]
"""(pid namespace, pid in it) -> the pid in our own."""


def look_deeper(procfs: ProcFS, host: Host, pids: Iterable[int]) -> Host:
    """``depth`` of these processes and their threads; NotSupported where --engine insists."""
    wanted = {pid for pid in pids if pid in host.processes}
    if not wanted:
        return host
    if procfs.recorded:
        return _recorded(procfs, host, wanted)
    tasks = procfs.passive.tasks()
    if isinstance(tasks, Gap):
        return replace(host, shallow=tasks)
    try:
        found = _read(tasks, wanted)
        spaces = _spaces(tasks) if any(_asks_for_spaces(deep) for deep in found.values()) else {}
    except (OSError, DecodeError) as error:
        return replace(host, shallow=procfs.passive.failed(error))
    seen = dict(host.processes)
    for pid, deep in found.items():
        # The pid may have been given to another process since it was read.
        if deep.start * host.ticks_per_second // 10**9 == seen[pid].start_time:
            seen[pid] = _filled(seen[pid], deep, spaces)
    return with_depths(procfs, host, {pid: seen[pid] for pid in found})


def with_depths(procfs: ProcFS, host: Host, found: Mapping[int, Process]) -> Host:
    """The host with these processes, which have been looked into, and who sent them something."""
    seen = {**host.processes, **found}
    names = {pid: read_name(procfs, pid) for pid in _senders(seen, found)}
    return _with(host, seen, {pid: name for pid, name in names.items() if name is not None})


def _with(host: Host, seen: Mapping[int, Process], names: Mapping[int, str]) -> Host:
    engines = dict.fromkeys(host.engines)
    engines.update((one.depth.engine, None) for one in seen.values() if one.depth is not None)
    return replace(
        host,
        processes=MappingProxyType(seen),
        engines=tuple(engines),
        names=MappingProxyType({**host.names, **names}),
    )


def _senders(seen: Mapping[int, Process], pids: Iterable[int]) -> set[int]:
    """Those of whom no process was read."""
    queues = (
        queue
        for pid in pids
        if (process := seen[pid]).depth is not None
        for queue in (
            process.depth.queue,
            *(thread.depth.queue for thread in process.threads if thread.depth is not None),
        )
    )
    senders = {info.pid for queue in queues for info in queue or () if not info.inside}
    return {pid for pid in senders if pid and pid not in seen}


def _recorded(procfs: ProcFS, host: Host, pids: Iterable[int]) -> Host:
    """What a snapshot holds of it."""
    if procfs.passive.engine == PROC:
        return host
    from sigscope.decode.depth import decode_depth

    seen = dict(host.processes)
    names: dict[int, str] = {}
    missing = None
    for pid in pids:
        try:
            data = procfs.root.read(f"{pid}/{RECORD}")
            seen[pid], senders = decode_depth(data, seen[pid])
        except OSError:
            missing = Gap(WHAT, _why_not_recorded(procfs), "take the snapshot as root")
        except DecodeError as error:
            missing = Gap(WHAT, error.detail, "take the snapshot again")
        else:
            names.update(senders)
    return replace(_with(host, seen, names), shallow=missing)


def _why_not_recorded(procfs: ProcFS) -> str:
    try:
        return decode_text(procfs.root.read(RECORD, _LONGEST_REASON))
    except OSError:
        return "the snapshot does not hold it"


def _read(tasks: Tasks, pids: Collection[int]) -> dict[int, Deep]:
    from sigscope.kernel.bpf.depth import read_all_deep, read_deep

    tasks.forget()
    if len(pids) > MOST_SINGLE:
        everybody = read_all_deep(tasks)
        return {pid: everybody[pid] for pid in pids if pid in everybody}
    return {pid: deep for pid in pids if (deep := read_deep(tasks, pid)) is not None}


def _filled(process: Process, deep: Deep, spaces: Spaces) -> Process:
    space = deep.numbers[-1].space if deep.numbers else None
    queue = _translated(deep.process.queue, space, spaces)
    return replace(
        process,
        depth=replace(deep.process, queue=queue),
        threads=tuple(_filled_thread(thread, deep, space, spaces) for thread in process.threads),
    )


def _filled_thread(thread: Thread, deep: Deep, space: int | None, spaces: Spaces) -> Thread:
    depth = deep.threads.get(thread.tid)
    if depth is None:
        return thread
    saved = depth.saved
    if saved is None and thread.syscall is not None and thread.syscall.name == _SUSPENDS:
        saved = SignalSet(deep.saved[thread.tid])  # the kernel marks it only when the call ends
    depth = replace(depth, saved=saved, queue=_translated(depth.queue, space, spaces))
    return thread._replace(depth=depth, awaited=_awaited(thread, depth))


def _awaited(thread: Thread, depth: ThreadDepth) -> SignalSet | None:
    """What a sigtimedwait has opened, where its set could not be read from the target's memory."""
    if thread.awaited is not None or not depth.real_blocked or depth.blocked is None:
        return thread.awaited
    return depth.real_blocked - depth.blocked


def _asks_for_spaces(deep: Deep) -> bool:
    queues = (deep.process.queue, *(thread.queue for thread in deep.threads.values()))
    return bool(deep.numbers) and any(info.pid for queue in queues for info in queue or ())


def _translated(
    queue: tuple[SigInfo, ...] | None, space: int | None, spaces: Spaces
) -> tuple[SigInfo, ...] | None:
    """Senders as the target's pid namespace numbers them -> as ours does."""
    if queue is None or space is None:
        return queue
    return tuple(
        info
        if not info.pid
        else info._replace(pid=ours)
        if (ours := spaces.get((space, info.pid))) is not None
        else info._replace(inside=True)
        for info in queue
    )


def _spaces(tasks: Tasks) -> Spaces:
    from sigscope.kernel.bpf.depth import read_numbers

    return {
        (inner.space, inner.number): numbers[0].number
        for numbers in read_numbers(tasks)
        for inner in numbers[1:]
    }
