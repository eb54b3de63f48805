"""Who sent what is pending, and which interval timers will send something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sigscope.model.host import Host
from sigscope.model.itimer import IntervalTimer, Which
from sigscope.model.naming import numbers
from sigscope.model.process import Process
from sigscope.model.siginfo import SI_KERNEL, SI_USER, SigInfo
from sigscope.render.duration import duration
from sigscope.render.line import Line, Role, Span, escape, wrapped

_MOST = 8
_HOW = {"SI_QUEUE": "by sigqueue", "SI_MESGQ": "as a message came into its queue"}
_CHILD = {
    "CLD_EXITED": "exited",
    "CLD_KILLED": "was killed",
    "CLD_DUMPED": "was killed and dumped core",
    "CLD_TRAPPED": "was trapped",
    "CLD_STOPPED": "stopped",
    "CLD_CONTINUED": "went on",
}
_OF_TIMERS = {which.signal_name: which.value for which in Which}


def sender(host: Host, process: Process, info: SigInfo) -> str:
    """ "from systemd 1 (root)", "from the kernel, as its ITIMER_REAL expired": one entry."""
    code = info.code_name
    if code in _CHILD:
        return f"child {_who(host, process, info)} {_CHILD[code]}"
    if code == "SI_TIMER":
        return f"from the kernel, as its POSIX timer {info.timer} expired"
    if info.code == SI_KERNEL and info.signal.name in _OF_TIMERS:
        return f"from the kernel, as its {_OF_TIMERS[info.signal.name]} expired"
    if not info.by_a_process:
        return f"from the kernel ({code})"
    how = f", {_HOW[code]}" if code in _HOW else ""
    value = f" with {info.value:#x}" if code == "SI_QUEUE" and info.value else ""
    user = f" ({escape(host.user(info.uid))})" if info.uid is not None else ""
    return f"from {_who(host, process, info)}{user}{how}{value}"


def _who(host: Host, process: Process, info: SigInfo) -> str:
    if not info.pid:
        inside = info.code <= SI_USER and len(process.nspid) > 1
        return "a process outside of its pid namespace" if inside else "an unknown process"
    if info.inside:
        return f"pid {info.pid} of its own pid namespace, which is not there any more"
    if info.pid == process.pid:
        return "itself"
    if (known := host.processes.get(info.pid)) is not None:
        return escape(f"{known.comm} {numbers(known)}")
    name = host.name_of(info.pid)
    return f"{escape(name)} {info.pid}" if name else f"pid {info.pid}, which has ended"


def sender_lines(host: Host, process: Process, width: int) -> Iterator[Line]:
    """An entry a line, equal neighbours once; nothing where nothing is known to wait."""
    rows = list(_rows(host, process))
    column = max((len(name) for name, _ in rows), default=0)
    if rows:
        yield Line.of(Span("waiting", Role.STRONG))
    for name, text in rows[:_MOST]:
        first, *more = wrapped(text, width, " " * (column + 4))
        yield Line.of("  ", name.ljust(column), "  ", str(first).strip())
        yield from more
    if len(rows) > _MOST:
        yield Line.of(f"  and {len(rows) - _MOST} more")


def _rows(host: Host, process: Process) -> Iterator[tuple[str, str]]:
    depth = process.depth
    queues: list[tuple[int | None, tuple[SigInfo, ...] | None]]
    queues = [(None, depth.queue if depth is not None else None)]
    queues += [(one.tid, one.depth.queue) for one in process.threads if one.depth is not None]
    for tid, queue in queues:
        where = f", to thread {tid}" if tid is not None and len(process.living) > 1 else ""
        told = ((info.signal.name, sender(host, process, info) + where) for info in queue or ())
        for row, alike in groupby(told):
            count = sum(1 for _ in alike)
            yield (row[0], f"{row[1]}, {count} times") if count > 1 else row
    if depth is not None and depth.queue is not None and (depth.queued or 0) > len(depth.queue):
        yield "...", f"{depth.queued} in all"


def timer_lines(process: Process, width: int) -> Iterator[Line]:
    """What setitimer(2) and alarm(2) have armed."""
    for timer in (process.depth.itimers if process.depth is not None else None) or ():
        yield from wrapped(f"{timer.which.value}: {_timer(timer)}", width, "  ")


def _timer(timer: IntervalTimer) -> str:
    name = timer.which.signal_name
    cpu = " of CPU time" if timer.which.counts_cpu_time else ""
    again = f", then every {duration(timer.interval / 1e9)}" if timer.interval else ""
    if not timer.remaining:
        return f"{name} has been sent, and comes again every {duration(timer.interval / 1e9)}{cpu}"
    return f"{name} in {duration(timer.remaining / 1e9)}{cpu}{again}"
