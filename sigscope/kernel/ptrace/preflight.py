"""Before anything is stopped: would it do harm? Read from /proc alone.

A stop interrupts the call that a thread sits in. What ``laundering`` mends is fine. What it
cannot mend is told here, so that the thread can be left alone:

* a call that may already have done a part of its work: a stop makes it return the part
  (a large write or send, MSG_WAITALL, io_uring_enter that has submitted something);
* a call of which nobody has told what an interruption does to it (ioctl is as many calls
  as there are drivers);
* a thread that does not stop before something else happens (D: a disk, a vfork child).
"""

from __future__ import annotations

import time
from typing import NamedTuple

from sigscope.decode.status import decode_thread_status
from sigscope.decode.syscall import decode_syscall
from sigscope.errors import DecodeError, NoSuchTarget, NotPermitted, WouldHarm
from sigscope.kernel.directory import Directory, LiveDirectory, is_number
from sigscope.kernel.ptrace.architecture import architecture
from sigscope.kernel.ptrace.laundering import REPEATED
from sigscope.kernel.ptrace.refusing import permission_refusal, state_refusal
from sigscope.kernel.refusal import GONE, more_power
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall

FORCE = "--force looks all the same"
PAUSES = (0.002, 0.01, 0.03)
"""Seconds between looks at a thread that had better not be stopped."""
RESUMED = frozenset(
    "nanosleep clock_nanosleep clock_nanosleep_time64 poll ppoll ppoll_time64 select _newselect"
    " pselect6 pselect6_time64 futex futex_time64 futex_waitv futex_wait restart_syscall"
    " pause rt_sigsuspend sigsuspend msgrcv msgsnd wait4 waitid waitpid flock fcntl fcntl64"
    " open openat openat2 creat mq_timedreceive mq_timedsend mq_timedreceive_time64"
    " mq_timedsend_time64 getrandom pread64 preadv preadv2 ipc".split()
)
"""Calls that the kernel itself does again, or goes on with, after a stop (-512 to -516)."""
AT_ONCE = 4096
"""PIPE_BUF: a write of no more is done whole or not at all, to a pipe (pipe(7)). It is
taken for sockets, too, where it nearly always holds."""
_COUNT = {
    "write": 2,
    "pwrite64": 2,
    "sendto": 2,
    "sendfile": 3,
    "sendfile64": 3,
    "splice": 4,
    "tee": 2,
    "copy_file_range": 4,
}
"""The position of the number of bytes: these give back what they have done so far."""
_GATHERED = frozenset("writev pwritev pwritev2 vmsplice sendmsg sendmmsg".split())
_FLAGS = {"recvfrom": 3, "recvmsg": 2, "recvmmsg": 3, "recvmmsg_time64": 3}
MSG_WAITALL, MSG_WAITFORONE = 0x100, 0x10000
_HIDDEN = "what it does in the kernel is not shown to you"
"""The syscall file asks for the right that a stop needs (PTRACE_MODE_ATTACH; proc(5))."""


class Obstacle(NamedTuple):
    """Why a thread (``tid``), or the whole process (None), had better not be stopped.

    ``absolute``: it cannot be, whatever one is ready to risk.
    """

    tid: int | None
    why: str
    hint: str
    absolute: bool = False


def look_first(pid: int) -> tuple[Obstacle, ...]:
    """All that speaks against a stop. NoSuchTarget; NotSupported on other architectures.

    >>> import os
    >>> look_first(os.getpid())[0].why
    'that is this very process'
    """
    kind = architecture()
    if state := state_refusal(pid):
        return (Obstacle(None, *state, absolute=True),)
    try:
        with LiveDirectory(f"/proc/{pid}/task") as tasks:
            found = {name: "" for name in tasks.names(".") if is_number(name)}
            for pause in (0.0, *PAUSES):  # what is still so: a page fault is soon over
                time.sleep(pause)
                whys = {name: _of_thread(tasks, name, kind.name, kind.repeats) for name in found}
                if _HIDDEN in whys.values() and (refused := permission_refusal(pid)):
                    return (Obstacle(None, *refused, absolute=True),)
                found = {name: why for name, why in whys.items() if why is not None}
                if not found:
                    break
    except OSError as error:
        raise NoSuchTarget(f"there is no process {pid}", error.strerror or "") from None
    return tuple(Obstacle(int(name), why, _way_out(why)) for name, why in found.items())


def _way_out(why: str) -> str:
    return f"{more_power('syscall')}; or not knowing: {FORCE}" if why == _HIDDEN else FORCE


def _of_thread(tasks: Directory, name: str, machine: str, repeats: bool) -> str | None:
    try:
        _, state, _ = decode_thread_status(tasks.record(f"{name}/status"))
        data = tasks.record(f"{name}/syscall")
    except OSError as error:
        return None if error.errno in GONE else _HIDDEN
    except DecodeError as error:
        return error.message
    if state.gone or state is State.STOPPED:
        return None
    try:
        call = decode_syscall(data, machine)
    except DecodeError as error:
        return error.message
    if state is State.UNINTERRUPTIBLE:
        return _uninterruptible(call)
    return harm(call, repeats)


def _uninterruptible(call: SystemCall) -> str:
    if call.name in ("vfork", "clone", "clone3"):
        return "it waits for the child of its vfork, and does not stop before that has ended"
    return "it is in uninterruptible sleep, and does not stop before that has ended"


def harm(call: SystemCall, repeats: bool = True) -> str | None:
    """What a stop would do to this call that could not be undone.

    ``repeats``: results can be laundered here.

    >>> harm(SystemCall(232, "epoll_wait", (3, 0, 1, 0xffffffff))) is None
    True
    >>> harm(SystemCall(1, "write", (3, 0, 1 << 20)))
    'write of 1048576 bytes may return early, with the part that is written'
    """
    if call.running or call.number == -1:
        return None
    name = call.name
    if name is None:
        return f"what a stop does to system call {call.number} is not known"
    if name in REPEATED and not repeats:
        return f"{name} may fail with EINTR, and this architecture does not let us undo that"
    position = _COUNT.get(name)
    if position is not None:
        count = call.args[position]
        if count > AT_ONCE:
            return f"{name} of {count} bytes may return early, with the part that is written"
        return None
    if name in _GATHERED:
        return f"{name} may return early, with the part that is written"
    if name in _FLAGS and call.args[_FLAGS[name]] & MSG_WAITALL:
        return f"{name} with MSG_WAITALL may return early, with the part that is there"
    if name.startswith("recvmmsg") and call.args[2] > 1 and not call.args[3] & MSG_WAITFORONE:
        return f"{name} may return early, with the messages that are there"
    if name.startswith("io_getevents") and call.args[1] > 1:
        return f"{name} for {call.args[1]} events may return early, with those that are there"
    if name == "io_uring_enter" and call.args[1]:
        return f"{name} has submitted requests, and would return before any is complete"
    if name in REPEATED or name in RESUMED:
        return None
    return f"what a stop does to {name} is not known"


def refuse(pid: int, obstacles: tuple[Obstacle, ...], force: bool) -> frozenset[int]:
    """Raise what cannot be overridden; the threads that are to be left alone.

    None are with ``force``.
    """
    for obstacle in obstacles:
        if obstacle.absolute:
            raise NotPermitted(f"process {pid} may not be stopped: {obstacle.why}", obstacle.hint)
    if force:
        return frozenset()
    return frozenset(obstacle.tid for obstacle in obstacles if obstacle.tid is not None)


def refuse_any(pid: int, obstacles: tuple[Obstacle, ...], force: bool) -> None:
    """The same where all threads have to be stopped: WouldHarm names the first that cannot."""
    alone = refuse(pid, obstacles, force)
    for obstacle in obstacles:
        if obstacle.tid in alone:
            raise WouldHarm(
                f"process {pid} is better not stopped: thread {obstacle.tid}: {obstacle.why}",
                obstacle.hint,
            )
