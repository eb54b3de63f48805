"""For each thread: its call, its row of the table, and what every event makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sigscope.analysis.restart.filtered import filtered
from sigscope.analysis.restart.table import UNINTERRUPTED, Files, Row, Time, listed, row_of
from sigscope.model.process import Freezer, Process
from sigscope.model.restart import Becomes, Event, Fate, Ground, Prospect, RestartClass
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall
from sigscope.model.thread import Thread

Fates = tuple[Fate, ...]
RESUMES, RESTARTS, EINTR, UNKNOWN = (
    (Fate(becomes),)
    for becomes in (Becomes.RESUMES, Becomes.RESTARTS, Becomes.EINTR, Becomes.UNKNOWN)
)
_SOCKET = "socket:"


def kind_of(call: SystemCall) -> RestartClass:
    """The class of a call by its name and arguments alone.

    >>> kind_of(SystemCall(232, "epoll_wait")).name
    'EINTR'
    """
    if call.running or call.number == -1 or call.name in UNINTERRUPTED:
        return RestartClass.NONE
    if (row := row_of(call)) is not None:
        return row.kind
    return RestartClass.NONE if listed(call) else RestartClass.UNKNOWN


def descriptors(process: Process) -> frozenset[int]:
    """Those on which a judgement depends: is it a socket, and which timeout has it?"""
    calls = (thread.syscall for thread in process.living if thread.syscall is not None)
    return frozenset(
        call.args[0] & 0xFFFFFFFF
        for call in calls
        if call.args and (row := row_of(call)) is not None and row.files is not Files.NONE
    )


def prospects(process: Process, ground: Ground) -> tuple[Prospect, ...]:
    """One for each living thread of a process that was looked at closely."""
    return tuple(prospect(process, thread, ground) for thread in process.living)


def prospect(process: Process, thread: Thread, ground: Ground) -> Prospect:
    """What would become of the call that this thread sits in now."""
    call = thread.syscall
    if call is None:
        return _unknown(thread, "its system call could not be read", "")
    if (why := _undisturbed(process, thread, call)) is not None:
        return Prospect(
            thread.tid, call, RestartClass.NONE, _always(RESUMES), why, "proc_pid_syscall(5)"
        )
    row = row_of(call)
    if row is None:
        name = call.name or f"system call {call.number}"
        return _unknown(thread, f"{name} is not in the table of restarts", "signal(7)")
    if row.kind is RestartClass.RESTART_BLOCK:
        return _through_restart_syscall(process, thread, call, row, ground)
    return _again(thread, call, row, ground)


def _undisturbed(process: Process, thread: Thread, call: SystemCall) -> str | None:
    """Why there is nothing to interrupt, if so."""
    if call.running:
        return "it runs, and is in no system call that waits"
    if call.number == -1:
        return "it is in no system call"
    if call.name in UNINTERRUPTED:
        return f"{call.name} is not interrupted: a stop waits until it is over"
    if thread.state is State.UNINTERRUPTIBLE and process.frozen is not Freezer.V1:
        return "its sleep is uninterruptible: a stop waits until it is over"
    if row_of(call) is None and listed(call):
        return f"{call.name} does not wait, with these arguments"
    return None


def _through_restart_syscall(
    process: Process, thread: Thread, call: SystemCall, row: Row, ground: Ground
) -> Prospect:
    found = filtered(process, thread, call, ground)
    says = f"goes on through restart_syscall with the time that is left; {found.says}"
    return Prospect(
        tid=thread.tid,
        call=call,
        kind=row.kind,
        fates=_fates(found.fates, EINTR, EINTR),
        because=says,
        source=f"{row.source}; seccomp(2)" if found.answer != "none" else row.source,
        answer=found.answer,
    )


def _again(thread: Thread, call: SystemCall, row: Row, ground: Ground) -> Prospect:
    """It starts again with its own arguments, or fails; restart_syscall is not needed."""
    again = RESUMES if row.time in (Time.KEPT, Time.REMAINING) else RESTARTS
    match row.kind:
        case RestartClass.EINTR:
            fates, says = _always(EINTR), "fails with EINTR after any interruption"
        case RestartClass.NO_HANDLER:
            fates, says = _fates(again, EINTR, EINTR), f"starts again; {row.time.value}"
        case RestartClass.NO_INTERRUPT:
            fates, says = _always(again), f"starts again; {row.time.value}"
        case _:
            fates, says = _fates(again, again, EINTR), f"starts again; {row.time.value}"
    if row.files is not Files.NONE:
        fates, says = _of_a_socket(call, row, ground, fates, says)
    return Prospect(
        tid=thread.tid,
        call=call,
        kind=row.kind if fates != _always(EINTR) else RestartClass.EINTR,
        fates=fates,
        because=says,
        source=row.source,
        partial=row.partial,
    )


def _of_a_socket(
    call: SystemCall,
    row: Row,
    ground: Ground,
    fates: Mapping[Event, Fates],
    says: str,
) -> tuple[Mapping[Event, Fates], str]:
    """A timeout of the socket makes an interrupted call fail: sock_intr_errno()."""
    number = call.args[0] & 0xFFFFFFFF if call.args else -1
    link = None if ground.files is None else ground.files.get(number)
    if not row.socket and link is not None and not link.startswith(_SOCKET):
        return fates, says
    if number in ground.timed:
        timeout = ground.timed[number][row.files is Files.SENDS]
        if not timeout:
            return fates, f"{says}; its socket has no {row.files.value}"
        return _always(EINTR), f"fails with EINTR: its socket has {row.files.value}, {timeout:g} s"
    what = "its socket has" if row.socket or link else "it is a socket with"
    doubt = f"{says}; EINTR if {what} {row.files.value}, which is not shown in /proc"
    return (
        MappingProxyType(
            {event: ways if ways == EINTR else (*ways, *EINTR) for event, ways in fates.items()}
        ),
        doubt,
    )


def _always(ways: Fates) -> Mapping[Event, Fates]:
    return _fates(ways, ways, ways)


def _fates(stopped: Fates, with_flag: Fates, without: Fates) -> Mapping[Event, Fates]:
    return MappingProxyType(
        {
            **{event: stopped for event in Event if event.is_stop},
            Event.SIGNAL_RESTART: with_flag,
            Event.SIGNAL: without,
        }
    )


def _unknown(thread: Thread, why: str, source: str) -> Prospect:
    kind = RestartClass.UNKNOWN
    return Prospect(thread.tid, thread.syscall, kind, _always(UNKNOWN), why, source)
