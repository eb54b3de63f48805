"""One process from its status files: cheap enough to be done for every process of a host."""

from __future__ import annotations

from sigscope.decode.stat import decode_stat
from sigscope.decode.status import Status, decode_status, decode_thread_status
from sigscope.errors import DecodeError, NoSuchTarget, NotPermitted
from sigscope.kernel.directory import Directory, is_number
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import GONE, REFUSED, beyond_hidepid, gap, not_there
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.state import State
from sigscope.model.thread import Thread

KERNEL_THREAD_FLAG = 0x00200000
"""PF_KTHREAD of include/linux/sched.h, for kernels whose status has no Kthread line."""


def read_status(procfs: ProcFS, pid: int) -> Process:
    """Masks, dispositions, state and kinship of one process and all its threads.

    Raises NoSuchTarget (also when it dies meanwhile), NotPermitted (hidepid) and
    DecodeError (its status is damaged).
    """
    place = f"{procfs.path}/{pid}" if procfs.path else ""
    try:
        with procfs.enter(pid) as directory:
            return read_process_in(directory, pid)
    except DecodeError as error:
        raise DecodeError(error.what, error.detail, place) from None
    except OSError as error:
        if error.errno in REFUSED:
            raise NotPermitted(
                f"process {pid} is hidden from you: permission denied",
                beyond_hidepid(),
            ) from None
        if error.errno not in GONE:
            raise DecodeError("status", error.strerror or "it cannot be read", place) from None
        hidden = procfs.hidden()
        if hidden:
            why = f"there is no process {pid} for you to see: {hidden[0].why}"
            raise NoSuchTarget(why, hidden[0].hint) from None
        raise NoSuchTarget(f"there is no process {pid}", not_there(procfs.live)) from None


def read_or_gap(procfs: ProcFS, pid: int) -> Process | Gap | None:
    """The same for one of many: None if it has ended, a gap if it may not or cannot be read."""
    try:
        return read_status(procfs, pid)
    except NoSuchTarget:
        return None
    except (NotPermitted, DecodeError) as error:
        return Gap(f"process {pid}", error.message, error.hint)


def tid_outside(procfs: ProcFS, pid: int, tid: int, depth: int) -> int | None:
    """The thread of this process that is ``tid`` in the pid namespace so far below ours."""
    try:
        with procfs.enter(pid) as directory:
            for name in directory.names("task"):
                numbers = decode_status(directory.record(f"task/{name}/status")).nspid
                if len(numbers) > depth and numbers[depth] == tid:
                    return int(name)
    except (OSError, DecodeError, ValueError):
        pass
    return None


def read_process_in(directory: Directory, pid: int) -> Process:
    """The same from an open directory; OSError as it comes."""
    status = decode_status(directory.record("status"))
    if status.tgid != pid:
        raise NoSuchTarget(
            f"{pid} is a thread of process {status.tgid}", f"sigscope pid {status.tgid}/{pid}"
        )
    stat = decode_stat(directory.record("stat"))
    gaps = list(_missing_sets(status, pid))
    threads = _threads(directory, pid, status, gaps)
    tracer = status.tracer
    living = next((thread.tid for thread in threads if not thread.state.gone), pid)
    if status.state.gone and living != pid:  # a tracer has left a dead leader, not its threads
        tracer = decode_status(directory.record(f"task/{living}/status")).tracer
    sets = status.sets
    return Process(
        pid=pid,
        start_time=stat.start_time,
        ppid=status.ppid,
        comm=status.name,
        uid=status.uid,
        saved_uid=status.saved_uid,
        state=status.state,
        threads=threads,
        pending=sets.shdpnd if sets else None,
        ignored=sets.sigign if sets else None,
        caught=sets.sigcgt if sets else None,
        nspid=status.nspid,
        pgrp=stat.pgrp,
        session=stat.session,
        queue=status.queue,
        seccomp=status.seccomp,
        no_new_privs=status.no_new_privs,
        tracer=tracer,
        kernel_thread=status.kernel_thread or bool(stat.flags & KERNEL_THREAD_FLAG),
        gaps=tuple(gaps),
    )


def _threads(directory: Directory, pid: int, status: Status, gaps: list[Gap]) -> tuple[Thread, ...]:
    """The leader is told by the process's own status file: it is not read twice."""
    sets = status.sets
    leader = Thread(
        pid, status.name, status.state, sets.sigblk if sets else None, sets.sigpnd if sets else None
    )
    threads = [leader]
    own = str(pid)
    with directory.enter("task") as tasks:
        for name in tasks.names("."):
            if name == own or not is_number(name):
                continue
            try:
                data = tasks.record(f"{name}/status")
            except OSError as error:
                if error.errno not in GONE:
                    gaps.append(gap(f"task/{name}/status", pid, error))
                    threads.append(Thread(int(name), "?", State.UNKNOWN, None, None))
                continue
            threads.append(_thread(int(name), data, pid, gaps))
    return tuple(threads)


def _thread(tid: int, data: bytes, pid: int, gaps: list[Gap]) -> Thread:
    try:
        comm, state, sets = decode_thread_status(data)
    except DecodeError as error:
        gaps.append(gap(f"task/{tid}/status", pid, error))
        return Thread(tid, "?", State.UNKNOWN, None, None)
    if sets is None:
        return Thread(tid, comm, state, None, None)
    return Thread(tid, comm, state, sets.sigblk, sets.sigpnd)


def _missing_sets(status: Status, pid: int) -> tuple[Gap, ...]:
    if status.sets is not None:
        return ()
    return (
        Gap(
            f"signal masks of {pid}",
            "its status file has no Sig lines (gVisor shows none)",
            "ask from outside the sandbox; inside, only the program itself can tell",
        ),
    )
