"""Who has which filters: threads and processes with equal stacks together, and who differs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from sigscope.analysis.audit.services import SERVICE, service_of
from sigscope.analysis.restart import kind_of
from sigscope.model.process import Process
from sigscope.model.restart import RestartClass
from sigscope.model.seccomp import Filter
from sigscope.model.seccomp_report import Holder, Outlier
from sigscope.model.thread import Thread

Stack = tuple[Filter, ...]


def programs(stack: Iterable[Filter]) -> Stack:
    """The stack without what does not change its answers: whether a filter logs."""
    return tuple(one._replace(log=None) for one in stack)


def holders(processes: Iterable[Process]) -> dict[Stack, list[Holder]]:
    """Stack -> who has it; the most common first, of equal ones the one of the lowest pid.

    Threads whose filters are not known are left out, kernel threads and the dead as well.
    """
    found: dict[Stack, list[Holder]] = defaultdict(list)
    for process in processes:
        by_stack: dict[Stack, list[int]] = defaultdict(list)
        for thread in process.living:
            filters = _filters(process, thread)
            if filters is not None:
                by_stack[programs(filters)].append(thread.tid)
        for stack, tids in by_stack.items():
            found[stack].append(_holder(process, tids))
    return dict(sorted(found.items(), key=lambda one: (-len(one[1]), one[1][0].process.pid)))


def _filters(process: Process, thread: Thread) -> Stack | None:
    """Those of a thread; what /proc tells is the mode of the main thread alone."""
    if thread.depth is not None:
        return thread.depth.filters
    return () if process.seccomp == 0 and thread.tid == process.pid else None


def unread(process: Process) -> bool:
    """Has it filters, as far as /proc tells, that are not known?"""
    if process.seccomp == 0 or process.kernel_thread or process.zombie:
        return False
    known = _known(process)
    return not known or any(thread.depth.filters is None for thread in known if thread.depth)


def _known(process: Process) -> tuple[Thread, ...]:
    """The living threads that were seen in depth: one that was not has ended meanwhile."""
    return tuple(thread for thread in process.living if thread.depth is not None)


def _holder(process: Process, tids: Sequence[int]) -> Holder:
    chosen = set(tids)
    restarting = tuple(
        (thread.tid, thread.syscall.name or "")
        for thread in process.living
        if thread.tid in chosen
        and thread.syscall is not None
        and kind_of(thread.syscall) is RestartClass.RESTART_BLOCK
    )
    calls = (thread.syscall for thread in process.living if thread.tid in chosen)
    narrow = any(call is not None and call.narrow for call in calls)
    everybody = _known(process) or process.living
    return Holder(process, tuple(tids), len(tids) == len(everybody), restarting, narrow)


def _likes(process: Process) -> str:
    """Whom it should be like: its container or service; elsewhere the children of its parent."""
    service = service_of(process)
    if process.container is not None or service.endswith(SERVICE):
        return service
    return f"{process.comm} below {process.ppid}"


def outliers(stacks: Sequence[Sequence[Holder]]) -> Iterator[Outlier]:
    """Who differs from most of its like, and threads that differ from most of their process.

    ``stacks`` are the holders of each stack. Half and half is no majority, and nobody is out.
    """
    services: dict[str, Counter[int]] = defaultdict(Counter)
    threads: dict[int, Counter[int]] = defaultdict(Counter)
    for place, having in enumerate(stacks):
        for holder in having:
            threads[holder.process.pid][place] += len(holder.tids)
    usual = {pid: counts.most_common(1)[0][0] for pid, counts in threads.items()}
    for place, having in enumerate(stacks):
        for holder in having:
            if usual[holder.process.pid] == place:
                services[_likes(holder.process)][place] += 1
    for place, having in enumerate(stacks):
        for holder in having:
            service, main = _likes(holder.process), usual[holder.process.pid]
            counts = threads[holder.process.pid]
            if main == place:
                counts, who = services[service], service
                main = counts.most_common(1)[0][0]
            else:
                who = f"process {holder.process.pid}"
            if main != place and 2 * counts[main] > counts.total():
                yield Outlier(holder, who, counts[main], place, main)
