"""A closer look at the few processes that deserve it.

Reading the command line, the descriptors and every thread's system call of all processes
would cost more than the scan itself. So the scan comes first, and this fills in
the rest for those that the question is about. What is refused becomes a gap.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from sigscope.decode.cgroup import decode_cgroup
from sigscope.decode.children import decode_children
from sigscope.decode.cmdline import LIMIT, decode_cmdline
from sigscope.decode.host import decode_last_ran
from sigscope.decode.stat import decode_stat
from sigscope.decode.syscall import decode_syscall
from sigscope.errors import DecodeError
from sigscope.kernel.depths import look_deeper
from sigscope.kernel.directory import Directory
from sigscope.kernel.freezer import read_freezer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import GONE, gap, vanished
from sigscope.kernel.signalfds import read_signalfds
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.signals import SignalSet
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall
from sigscope.model.thread import Thread

T = TypeVar("T")
_SET = struct.Struct("=Q")


def look_closer(procfs: ProcFS, host: Host, pids: Iterable[int]) -> Host:
    """The host with all that can be known of these processes and of their ancestors."""
    targets = set(pids)
    wanted = {
        relative.pid: relative
        for pid in targets
        if (process := host.processes.get(pid)) is not None
        for relative in (process, *host.ancestors(process))
    }
    seen = dict(host.processes)
    for pid, process in wanted.items():
        seen[pid] = _look(procfs, process, full=pid in targets)
    seen = dict(_in_containers(procfs, replace(host, processes=MappingProxyType(seen)), wanted))
    families = [seen[pid] for pid in wanted]
    seen.update((child.pid, child) for child in _with_forkers(procfs, seen, families))
    return look_deeper(procfs, replace(host, processes=MappingProxyType(seen)), targets)


def _in_containers(procfs: ProcFS, host: Host, pids: Iterable[int]) -> Mapping[int, Process]:
    """Only where a container or a pid namespace shows are the files of runtimes asked."""
    families = (host.processes[pid] for pid in pids)
    contained = [one.pid for one in families if one.container is not None or len(one.nspid) > 1]
    if not contained:
        return host.processes
    from sigscope.kernel.containers import read_containers

    return read_containers(procfs, host, contained).processes


def _look(procfs: ProcFS, process: Process, full: bool) -> Process:
    if process.kernel_thread:
        return process
    try:
        directory = procfs.enter(process.pid)
    except OSError:
        return process
    with directory:
        look = _Look(directory, process.pid)
        # A dead leader has given its memory and descriptors away: another thread has them.
        own = f"task/{process.living[0].tid}/" if process.leader_dead else ""
        cgroup = look.at(f"{own}cgroup", directory.read)
        placement = decode_cgroup(cgroup or b"")
        threads = tuple(_occupied(look, thread, procfs, full) for thread in process.threads)
        return replace(
            process,
            cmdline=look.at(
                f"{own}cmdline", lambda name: decode_cmdline(directory.read(name, LIMIT))
            ),
            exe=look.at(f"{own}exe", directory.link),
            container=placement.container,
            unit=placement.unit,
            frozen=read_freezer(procfs.root, cgroup or b"") if full else process.frozen,
            threads=threads,
            signalfds=look.at(f"{own}fd", lambda name: read_signalfds(directory, name, threads))
            if full
            else None,
            gaps=process.gaps + tuple(look.gaps),
        )


class _Look:
    """Reads of one process that turn refusals into gaps, one a kind of file."""

    def __init__(self, directory: Directory, pid: int) -> None:
        self.directory = directory
        self.pid = pid
        self.gaps: list[Gap] = []
        self._refused: set[str] = set()

    def at(self, name: str, read: Callable[[str], T]) -> T | None:
        kind = name.rsplit("/", 1)[-1]
        if kind in self._refused:
            return None
        try:
            return read(name)
        except (OSError, DecodeError) as error:
            if isinstance(error, OSError) and (
                vanished(self.directory, error) or (error.errno in GONE and kind == "exe")
            ):
                return None
            if not (
                isinstance(error, OSError) and error.errno in GONE and name.startswith("task/")
            ):
                self._refused.add(kind)
            self.gaps.append(gap(name, self.pid, error))
            return None


def _occupied(look: _Look, thread: Thread, procfs: ProcFS, full: bool) -> Thread:
    """What the thread does in the kernel, since when, and for which signals it waits."""
    if thread.state.gone:
        return thread
    directory, machine = look.directory, procfs.machine
    name = f"task/{thread.tid}/syscall"
    call = look.at(name, lambda name: decode_syscall(directory.record(name), machine))
    return thread._replace(
        syscall=call,
        awaited=_awaited(look, thread, call) if call is not None else None,
        asleep_ms=_asleep_ms(directory, thread, procfs) if full else None,
    )


def _asleep_ms(directory: Directory, thread: Thread, procfs: ProcFS) -> float | None:
    """Nice to know, and no gap where it is not: some kernels do not show it."""
    task = f"task/{thread.tid}"
    try:
        cpu = decode_stat(directory.record(f"{task}/stat")).processor
        last_ran = decode_last_ran(directory.read(f"{task}/sched"))
    except (OSError, DecodeError):
        return None
    clock = procfs.clock_ms(cpu)
    return None if clock is None else max(0.0, clock - last_ran)


def _awaited(look: _Look, thread: Thread, call: SystemCall) -> SignalSet | None:
    """The set that a sigtimedwait was given: eight bytes of the target's memory, read only.

    A stop has ended it, though the call is still shown, and has put the mask back.
    """
    if not call.waits_for_signals or thread.state in (State.STOPPED, State.TRACED):
        return None

    def read(name: str) -> SignalSet:
        data = look.directory.peek(name, call.args[0], _SET.size)
        if len(data) < _SET.size:
            raise DecodeError("mem", "the awaited set could not be read whole")
        return SignalSet(_SET.unpack(data)[0])

    return look.at(f"task/{thread.tid}/mem", read)


def _with_forkers(
    procfs: ProcFS, seen: dict[int, Process], children: list[Process]
) -> Iterable[Process]:
    """The children, each with the thread of its parent that forked it, where that is shown."""
    wanted = {child.ppid for child in children if child.ppid in seen}
    forkers: dict[int, int] = {}
    gaps: dict[int, Gap] = {}
    for pid in wanted:
        found, missing = _forkers_in(procfs, seen[pid])
        forkers.update(found)
        if missing is not None:
            gaps[pid] = missing
    for child in children:
        missing = gaps.get(child.ppid)
        if child.pid in forkers:
            yield replace(child, forked_by=forkers[child.pid])
        elif missing is not None and missing not in child.gaps:
            yield replace(child, gaps=(*child.gaps, missing))


def _forkers_in(procfs: ProcFS, parent: Process) -> tuple[dict[int, int], Gap | None]:
    """Child pid -> tid of the thread of this parent whose child it is."""
    found: dict[int, int] = {}
    try:
        with procfs.enter(parent.pid) as directory:
            for thread in parent.living:
                name = f"task/{thread.tid}/children"
                try:
                    children = decode_children(directory.read(name))
                except (OSError, DecodeError) as error:
                    if isinstance(error, OSError) and _thread_gone(directory, thread.tid, error):
                        continue
                    return found, gap("task/TID/children", parent.pid, error)
                found.update(dict.fromkeys(children, thread.tid))
    except OSError:
        pass
    return found, None


def _thread_gone(directory: Directory, tid: int, error: OSError) -> bool:
    if error.errno not in GONE:
        return False
    try:
        return not directory.record(f"task/{tid}/status")
    except OSError as again:
        return again.errno in GONE
