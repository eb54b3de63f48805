"""The tracepoints that a watch listens to, and the events that their records tell of.

For perf and tracefs, which give the same records: a tid, and what the kernel's macro copied
(include/trace/events/signal.h, sched.h, task.h). Who that is, the census knows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache

from sigscope.decode.text import decode_text
from sigscope.decode.tracepoint import Format, Reader, Record, decode_format, located
from sigscope.errors import DecodeError
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.tracefs.root import Tracefs
from sigscope.kernel.watch.census import Census
from sigscope.model.gap import Gap
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import LAST, Signal
from sigscope.model.watch import (
    Delivered,
    Event,
    Executed,
    Exited,
    Forked,
    Missed,
    Result,
    Sent,
    Task,
)

GENERATE, DELIVER = "signal/signal_generate", "signal/signal_deliver"
SIGNALS = (GENERATE, DELIVER)
NEW, RENAME = "task/task_newtask", "task/task_rename"
EXEC, EXIT = "sched/sched_process_exec", "sched/sched_process_exit"
TRACEPOINTS = (GENERATE, DELIVER, NEW, RENAME, EXEC, EXIT)
"""task_newtask and not sched_process_fork: it tells a thread from a process."""
CLONE_PARENT, CLONE_THREAD = 0x8000, 0x10000
INITIAL_PID_NAMESPACE = 0xEFFFFFFC
"""PROC_PID_INIT_INO of include/linux/proc_ns.h."""
IDLE = Task(0, 0, "swapper")
_UNKNOWN = 0xFFFFFFFF
_MOST_INFOS = 1 << 12
_SIGNALS = {number: Signal(number) for number in range(1, LAST + 1)}
_RESULTS = {int(result): result for result in Result}

GAPS = (
    Gap(
        "siginfo",
        "a tracepoint tells only si_code: the sender of a kill or sigqueue is who was running",
        "--engine bpf tells uid and value as well",
    ),
    Gap(
        "signals taken by sigwait or a signalfd",
        "no tracepoint tells of them; a signal that is not delivered may have been taken so",
        "--engine bpf sees them",
    ),
    Gap(
        "masks of the targets, and the rule for init",
        "no tracepoint tells whether the target blocks the signal",
        "--engine bpf tells it with each signal",
    ),
)


def read_formats(tracefs: Tracefs) -> dict[str, Format]:
    """The format of each tracepoint here; DecodeError or OSError if one is not as described."""
    return {name: decode_format(tracefs.read(f"events/{name}/format")) for name in TRACEPOINTS}


def in_initial_namespace() -> bool:
    """Are our pids those of the kernel?"""
    try:
        return os.stat("/proc/self/ns/pid").st_ino == INITIAL_PID_NAMESPACE
    except OSError:
        return False


class Teller:
    """Turns records, in order of time, into events; keeps the census that they need."""

    def __init__(self, formats: dict[str, Format]) -> None:
        self.census = Census()
        self.ours = in_initial_namespace()
        self._procfs: ProcFS | None = None
        self._infos: dict[tuple[int, int, int | None], SigInfo] = {}
        self._generated, self._delivered = formats[GENERATE].number, formats[DELIVER].number
        self._type = formats[GENERATE].reader("common_type")
        self._generate = formats[GENERATE].reader(
            "common_pid", "sig", "code", "comm", "pid", "group", "result"
        )
        self._deliver = formats[DELIVER].reader(
            "common_pid", "sig", "code", "sa_handler", "sa_flags"
        )
        dead = ("group_dead",) if "group_dead" in formats[EXIT] else ()
        self._others: dict[int, tuple[str, Reader]] = {
            formats[name].number: (name, formats[name].reader(*fields))
            for name, *fields in (
                (NEW, "common_pid", "pid", "comm", "clone_flags"),
                (RENAME, "pid", "newcomm"),
                (EXEC, "common_pid", "filename"),
                (EXIT, "common_pid", "comm", *dead),
            )
        }

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What no tracepoint tells."""
        if self.ours:
            return GAPS
        return (
            Gap(
                "names and parents of processes that were there before",
                "tracepoints tell the host's pids, and here those of a container are known",
                "run it on the host itself",
            ),
            *GAPS,
        )

    def seed(self) -> None:
        """Who is there already, unless our /proc has other numbers than the kernel."""
        if self.ours:
            self._procfs = ProcFS(engine="proc")
            self.census.seed(self._procfs)

    def close(self) -> None:
        """/proc is not read any more. May be called twice."""
        if self._procfs is not None:
            self._procfs.root.close()

    def tell(self, records: Iterable[Record]) -> list[Event]:
        """DecodeError for a record that is shorter than its format, or tells of no signal.

        In a storm this loop is what a watch costs: so it is written out.
        """
        found: list[Event] = []
        tasks, infos, make = self.census.tasks, self._infos, tuple.__new__
        kind, least = self._type.unpack, self._type.size
        generate, of_generate = self._generate.unpack, self._generate.size
        deliver, of_deliver = self._deliver.unpack, self._deliver.size
        for record in records:
            time, tgid, data, at, end = record
            length = end - at
            number = kind(data, at)[0] if length >= least and end >= 0 else -1
            if number == self._generated and length >= of_generate:
                tid, signal, code, comm, pid, group, result = generate(data, at)
                sender = tasks.get(tid)
                if sender is None or sender.comm is None or sender.tgid != tgid is not None:
                    sender = self._meet(tid, tgid)
                target = tasks.get(pid)
                text = _text(comm)
                if target is None or target.comm != text:
                    self.census.rename(pid, text)
                    target = self.census.task(pid)._replace(comm=text)  # one that is dead, perhaps
                info = infos.get((signal, code, sender.tgid)) or self._info(signal, code, sender)
                became = _RESULTS.get(result)
                if became is None:
                    raise DecodeError(GENERATE, f"it tells of a result {result}")
                to_all = group != 0
                found.append(
                    make(Sent, (time, sender, target, info, to_all, became, None, None, 1))
                )
            elif number == self._delivered and length >= of_deliver:
                tid, signal, code, handler, flags = deliver(data, at)
                task = tasks.get(tid)
                if task is None or task.comm is None or task.tgid != tgid is not None:
                    task = self._meet(tid, tgid)
                known = _SIGNALS.get(signal) or _refused(signal)
                found.append(make(Delivered, (time, task, known, code, handler, flags, 1)))
            elif end < 0:
                found.append(Missed(time, at or None))
            else:
                found += self._lives(number, record)
        return found

    def _info(self, number: int, code: int, sender: Task) -> SigInfo:
        """The sender is in it only if a process sent it: a timer interrupts anybody."""
        info = SigInfo(_SIGNALS.get(number) or _refused(number), code)
        if info.by_a_process:
            info = info._replace(pid=sender.tgid)
        if len(self._infos) >= _MOST_INFOS:
            self._infos.clear()
        self._infos[number, code, sender.tgid] = info
        return info

    def _meet(self, tid: int, tgid: int | None) -> Task:
        """The running task; perf knows its process, too, in our own numbers."""
        if tid == 0:
            return IDLE
        task = self.census.task(tid)
        if tgid is None or tgid == _UNKNOWN or not self.ours or task.tgid == tgid:
            return task
        if task.tgid is not None:  # the number was given away again, and we did not hear of it
            task = Task(tid)
        self.census.learn(task._replace(tgid=tgid))
        return self.census.task(tid)

    def _lives(self, number: int, record: Record) -> Sequence[Event]:
        """Births, new names and ends, which are rarer; and what is too short for its kind."""
        time, tgid, data, at, end = record
        name, reader = self._others.get(number, ("", self._type))
        if end - at < reader.size or number in (self._generated, self._delivered):
            raise DecodeError("tracepoint", f"a record of {end - at} bytes")
        if not name:
            return ()
        values = reader.unpack(data, at)
        if name == RENAME:
            self.census.rename(values[0], _text(values[1]))
            return ()
        task = self._meet(values[0], tgid)
        if name == NEW:
            return (self._forked(time, task, *values[1:]),)
        if name == EXEC:
            return (self._executed(time, task, located(data, at, end, values[1])),)
        return (self._exited(time, task, *values[1:]),)

    def _forked(self, time: int, parent: Task, pid: int, comm: bytes, flags: int) -> Forked:
        """What a task is at first, its parent is: uid and name."""
        if flags & CLONE_THREAD:
            family = parent.parent, parent.parent_comm
            child = Task(pid, parent.tgid, _text(comm), parent.uid, *family)
        else:
            above = parent.parent if flags & CLONE_PARENT else parent.tgid
            named = parent.parent_comm if flags & CLONE_PARENT else parent.comm
            child = Task(pid, pid, _text(comm), parent.uid, above, named)
        event = Forked(time, parent, child)
        self.census.see(event)
        return event

    def _executed(self, time: int, task: Task, path: bytes) -> Executed:
        event = Executed(time, task, decode_text(path))
        self.census.see(event)
        words = self.census.cmdline(task.tgid) if task.tgid is not None else None
        return event._replace(task=self.census.task(task.tid), cmdline=words)

    def _exited(self, time: int, task: Task, comm: bytes, dead: int | None = None) -> Exited:
        """An older kernel does not say whether it was the last thread: then the census does."""
        if task.comm is None:
            task = task._replace(comm=_text(comm))
        last: bool | None = None
        if dead is not None:
            last = dead != 0
        elif task.tgid is not None:
            last = not self.census.threads(task.tgid) - {task.tid}
        event = Exited(time, task, None, last)
        self.census.see(event)
        return event


def _refused(number: int) -> Signal:
    raise DecodeError("tracepoint", f"it tells of a signal {number}")


@lru_cache(maxsize=4096)
def _text(comm: bytes) -> str:
    return decode_text(comm.partition(b"\0")[0])
