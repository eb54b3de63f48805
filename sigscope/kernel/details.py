"""Details that few questions need, and so are read for few processes only.

POSIX timers, where a thread waits in the kernel, what a thread's system call is, for how long
a zombie has been dead. Each reader takes the host and the pids, and returns the host with
that filled in; what is refused becomes a gap of the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from types import MappingProxyType

from sigscope.decode.host import decode_last_ran
from sigscope.decode.stat import decode_stat
from sigscope.decode.status import decode_status
from sigscope.decode.syscall import decode_syscall
from sigscope.decode.text import decode_text
from sigscope.decode.timers import decode_timers
from sigscope.errors import DecodeError
from sigscope.kernel.directory import Directory
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import GONE, gap, vanished
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.state import State
from sigscope.model.thread import Thread
from sigscope.model.waits import Waits

INITIAL_PID_NAMESPACE = "pid:[4026531836]"
"""PID_NS_INIT_INO of include/uapi/linux/nsfs.h: the same number on every kernel."""
MOST_CALLS = 4
"""Threads of one process whose system call is read where a sample will do."""
_DUMPING = b"\nCoreDumping:\t1\n"


def read_timers(procfs: ProcFS, host: Host, pids: Iterable[int]) -> Host:
    """The POSIX timers of these processes; the kernel asks for the right to attach."""

    def timers(directory: Directory, process: Process) -> Process:
        return replace(process, timers=decode_timers(directory.read("timers")))

    return _filled(procfs, host, pids, "timers", timers)


def read_waits(procfs: ProcFS, host: Host, pids: Iterable[int]) -> Host:
    """In which kernel function each thread of these processes sleeps."""

    def waits(directory: Directory, process: Process) -> Process:
        channels = {thread.tid: _channel(directory, thread) for thread in process.living}
        dumping = _DUMPING in directory.record("status")
        return replace(process, waits=Waits(MappingProxyType(channels), dumping))

    return _filled(procfs, host, pids, "wchan", waits)


def _channel(directory: Directory, thread: Thread) -> str:
    """ "0" is what the kernel says of a process that one may not inspect."""
    try:
        name = decode_text(directory.record(f"task/{thread.tid}/wchan")).strip()
    except OSError as error:
        if error.errno not in GONE:
            raise
        return ""
    return "" if name == "0" else name


def read_calls(procfs: ProcFS, host: Host, pids: Iterable[int]) -> Host:
    """The system calls of the first few threads of these processes."""

    def called(directory: Directory, process: Process) -> Process:
        sample = process.living[:MOST_CALLS]
        calls = {thread.tid: _call(directory, thread, procfs.machine) for thread in sample}
        threads = (calls.get(thread.tid, thread) for thread in process.threads)
        return replace(process, threads=tuple(threads))

    return _filled(procfs, host, pids, "syscall", called)


def _call(directory: Directory, thread: Thread, machine: str) -> Thread:
    if thread.syscall is not None:
        return thread
    try:
        data = directory.record(f"task/{thread.tid}/syscall")
    except OSError as error:
        if error.errno not in GONE:
            raise
        return thread
    return thread._replace(syscall=decode_syscall(data, machine))


def read_deaths(procfs: ProcFS, host: Host, pids: Iterable[int]) -> Host:
    """For how long these zombies have been dead: since their main thread last ran.

    Nice to know, and no gap where it is not: some kernels do not show it.
    """

    def dead(directory: Directory, process: Process) -> Process:
        leader, *rest = process.threads
        try:
            cpu = decode_stat(directory.record("stat")).processor
            last_ran = decode_last_ran(directory.read(f"task/{leader.tid}/sched"))
        except (OSError, DecodeError):
            return process
        clock = procfs.clock_ms(cpu)
        asleep = None if clock is None else max(0.0, clock - last_ran)
        return replace(process, threads=(leader._replace(asleep_ms=asleep), *rest))

    return _filled(procfs, host, pids, "sched", dead)


def read_details(procfs: ProcFS, host: Host) -> Host:
    """All of it for every process that may need it: what a snapshot keeps."""
    processes = host.processes.values()
    asleep = [
        process.pid
        for process in processes
        if any(thread.state is State.UNINTERRUPTIBLE for thread in process.threads)
    ]
    host = read_timers(procfs, host, [process.pid for process in processes if not process.zombie])
    host = read_waits(procfs, host, asleep)
    host = read_deaths(procfs, host, [process.pid for process in processes if process.zombie])
    return read_machine(procfs, host)


def read_machine(procfs: ProcFS, host: Host) -> Host:
    """Is PID 1 of this /proc the init of the machine, or that of a container?"""
    for who in ("1", "self"):
        try:
            if who == "self" and len(decode_status(procfs.root.record("self/status")).nspid) != 1:
                break  # we live below it: our namespace is not that of this /proc
            return replace(
                host, whole_machine=procfs.root.link(f"{who}/ns/pid") == INITIAL_PID_NAMESPACE
            )
        except (OSError, DecodeError):
            continue
    return host


def _filled(
    procfs: ProcFS,
    host: Host,
    pids: Iterable[int],
    what: str,
    read: Callable[[Directory, Process], Process],
) -> Host:
    seen = dict(host.processes)
    for pid in pids:
        process = seen.get(pid)
        if process is None or process.kernel_thread:
            continue
        try:
            with procfs.enter(pid) as directory:
                try:
                    seen[pid] = read(directory, process)
                except (OSError, DecodeError) as error:
                    if not (isinstance(error, OSError) and vanished(directory, error)):
                        missing = gap(what, pid, error)
                        seen[pid] = replace(process, gaps=(*process.gaps, missing))
        except OSError:
            continue
    return replace(host, processes=MappingProxyType(seen))
