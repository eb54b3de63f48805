"""The signalfds of a process: what they take is blocked, and arrives all the same."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from sigscope.decode.fdinfo import decode_epoll, decode_signalfd
from sigscope.kernel.directory import Directory, is_number
from sigscope.kernel.refusal import GONE
from sigscope.model.process import SignalFd
from sigscope.model.syscall import SystemCall
from sigscope.model.thread import Thread

_SIGNALFD = "anon_inode:[signalfd]"
_EPOLL = "anon_inode:[eventpoll]"
TIMERFD = "anon_inode:[timerfd]"
USED_KINDS = (_SIGNALFD, _EPOLL, TIMERFD)
"""What the links in /proc/PID/fd say of the descriptors that matter here."""
_POLLFD = struct.Struct("=ihh")
_MOST_POLLFDS = 4096
_READS = ("read", "readv")
_POLLS = ("poll", "ppoll")
_SELECTS = ("select", "pselect6", "_newselect")
_EPOLL_WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")


def read_signalfds(
    directory: Directory, name: str, threads: Iterable[Thread]
) -> tuple[SignalFd, ...]:
    """The signalfds in the directory ``name`` ("fd"); one that is closed meanwhile is left out.

    ``threads`` with their system calls tell who waits for them. OSError where the
    descriptors are not shown to us.
    """
    sets: dict[int, bytes] = {}
    epolls: dict[int, frozenset[int]] = {}
    for number in filter(is_number, directory.names(name)):
        try:
            target = directory.link(f"{name}/{number}")
            if target == _SIGNALFD:
                sets[int(number)] = directory.read(f"{name}info/{number}")
            elif target == _EPOLL:
                epolls[int(number)] = decode_epoll(directory.read(f"{name}info/{number}"))
        except OSError as error:
            if error.errno not in GONE:
                raise
    if not sets:
        return ()
    calls = {thread.tid: thread.syscall for thread in threads if thread.syscall is not None}
    waited = {tid: _waited_for(directory, tid, call, epolls) for tid, call in calls.items()}
    return tuple(
        SignalFd(
            fd,
            decode_signalfd(data),
            polled=any(fd in watched for watched in epolls.values()),
            readers=tuple(tid for tid, call in calls.items() if _reads(call, fd)),
            pollers=tuple(tid for tid, fds in waited.items() if fd in fds),
        )
        for fd, data in sorted(sets.items())
    )


def _reads(call: SystemCall, fd: int) -> bool:
    return call.name in _READS and call.args[0] & 0xFFFFFFFF == fd


def _waited_for(
    directory: Directory, tid: int, call: SystemCall, epolls: Mapping[int, frozenset[int]]
) -> frozenset[int]:
    """The descriptors that a thread waits for; none where its memory is not shown to us."""
    memory = f"task/{tid}/mem"
    if call.name in _EPOLL_WAITS:
        return epolls.get(call.args[0] & 0xFFFFFFFF, frozenset())
    try:
        if call.name in _POLLS:
            count = min(call.args[1], _MOST_POLLFDS)
            data = directory.peek(memory, call.args[0], count * _POLLFD.size)
            whole = len(data) - len(data) % _POLLFD.size
            return frozenset(fd for fd, _, _ in _POLLFD.iter_unpack(data[:whole]))
        if call.name in _SELECTS and call.args[1]:
            size = (min(call.args[0] & 0xFFFFFFFF, _MOST_POLLFDS) + 7) // 8
            bits = int.from_bytes(directory.peek(memory, call.args[1], size), "little")
            return frozenset(fd for fd in range(size * 8) if bits >> fd & 1)
    except (OSError, OverflowError):
        pass
    return frozenset()
