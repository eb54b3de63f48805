"""The restart table: what each system call answers when it is interrupted, as data.

Every row was tried on a real kernel (tests/differential/test_restarts.py): the calls of a row,
interrupted by stops, freezes, attaches and signals. Of several rows for one call, the first
whose condition holds counts; a call that has rows, none of which holds, does not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from sigscope.model.restart import RestartClass
from sigscope.model.syscall import SystemCall


class Time(Enum):
    """What becomes of the timeout of a call that starts again."""

    NONE = "it has no timeout"
    KEPT = "its deadline is kept"
    REMAINING = "the time that is left was written back, and counts on"
    WHOLE = "its timeout starts over"


class Files(Enum):
    """Which timeout of a socket makes the call fail with EINTR instead (socket(7))."""

    NONE = "none"
    RECEIVES = "SO_RCVTIMEO"
    SENDS = "SO_SNDTIMEO"


class Row(NamedTuple):
    """``partial``: what it has transferred so far is returned instead, if there is some.

    ``files`` names the timeout of a socket that changes the answer; ``socket``: it takes nothing
    but sockets.
    """

    calls: tuple[str, ...]
    kind: RestartClass
    time: Time
    source: str
    when: str = ""
    partial: bool = False
    files: Files = Files.NONE
    socket: bool = False


TIMER_ABSTIME = 1
FUTEX_COMMANDS = 127
WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2 = 0, 6, 9, 11, 13
"""Operations of futex(2) that wait (include/uapi/linux/futex.h)."""
SETLKW, SETLKW64, OFD_SETLKW = 7, 14, 38
SEMOP, SEMTIMEDOP, MSGSND, MSGRCV = 1, 4, 11, 12
"""First argument of ipc(2), which i386 has for the calls of System V (linux/ipc.h)."""

PIPE_BUF = 4096
"""What a pipe takes whole or not at all (pipe(7))."""
MSG_WAITALL = 0x100


def _argument(call: SystemCall, position: int) -> int:
    return call.args[position] if len(call.args) > position else 0


def _futex(call: SystemCall) -> int:
    return _argument(call, 1) & FUTEX_COMMANDS


def _ipc(call: SystemCall) -> int:
    return _argument(call, 0) & 0xFFFF


CONDITIONS: Mapping[str, Callable[[SystemCall], bool]] = {
    "TIMER_ABSTIME": lambda call: bool(_argument(call, 1) & TIMER_ABSTIME),
    "FUTEX_WAIT with a timeout": lambda call: (
        _futex(call) in (WAIT, WAIT_BITSET) and _argument(call, 3) != 0
    ),
    "FUTEX_WAIT": lambda call: _futex(call) in (WAIT, WAIT_BITSET),
    "FUTEX_LOCK_PI": lambda call: _futex(call) in (LOCK_PI, LOCK_PI2, WAIT_REQUEUE_PI),
    "F_SETLKW": lambda call: _argument(call, 1) & 0xFFFFFFFF in (SETLKW, SETLKW64, OFD_SETLKW),
    "at most PIPE_BUF": lambda call: _argument(call, 2) <= PIPE_BUF,
    "not MSG_WAITALL": lambda call: (
        not _argument(call, 2 if call.name == "recvmsg" else 3) & MSG_WAITALL
    ),
    "SEMOP": lambda call: _ipc(call) in (SEMOP, SEMTIMEDOP),
    "MSGRCV": lambda call: _ipc(call) in (MSGSND, MSGRCV),
}


def _row(
    calls: str,
    kind: RestartClass,
    time: Time,
    source: str,
    when: str = "",
    partial: bool = False,
    files: Files = Files.NONE,
    socket: bool = False,
) -> Row:
    return Row(tuple(calls.split()), kind, time, source, when, partial, files, socket)


_BLOCK, _NO_HAND, _NO_INTR, _SYS, _EINTR = (
    RestartClass.RESTART_BLOCK,
    RestartClass.NO_HANDLER,
    RestartClass.NO_INTERRUPT,
    RestartClass.RESTART,
    RestartClass.EINTR,
)

ROWS: tuple[Row, ...] = (
    # Go on through restart_syscall, with the deadline that the kernel has kept.
    _row("nanosleep", _BLOCK, Time.KEPT, "hrtimer_nanosleep of kernel/time/hrtimer.c"),
    _row(
        "clock_nanosleep clock_nanosleep_time64",
        _NO_HAND,
        Time.KEPT,
        "hrtimer_nanosleep of kernel/time/hrtimer.c",
        "TIMER_ABSTIME",
    ),
    _row(
        "clock_nanosleep clock_nanosleep_time64",
        _BLOCK,
        Time.KEPT,
        "hrtimer_nanosleep of kernel/time/hrtimer.c",
    ),
    _row("poll", _BLOCK, Time.KEPT, "SYSCALL_DEFINE3(poll) of fs/select.c"),
    _row(
        "futex futex_time64",
        _BLOCK,
        Time.KEPT,
        "futex_wait of kernel/futex/waitwake.c",
        "FUTEX_WAIT with a timeout",
    ),
    _row("restart_syscall", _BLOCK, Time.KEPT, "restart_syscall(2)"),
    # Start again, unless a handler has run.
    _row(
        "select _newselect pselect6 pselect6_time64 ppoll ppoll_time64",
        _NO_HAND,
        Time.REMAINING,
        "poll_select_finish of fs/select.c",
    ),
    _row("pause rt_sigsuspend sigsuspend", _NO_HAND, Time.NONE, "kernel/signal.c; pause(2)"),
    _row("msgrcv msgsnd", _NO_HAND, Time.NONE, "do_msgrcv and do_msgsnd of ipc/msg.c"),
    _row("ipc", _NO_HAND, Time.NONE, "do_msgrcv and do_msgsnd of ipc/msg.c", "MSGRCV"),
    _row("io_pgetevents", _NO_HAND, Time.WHOLE, "io_pgetevents of fs/aio.c", partial=True),
    # Start again, whatever has run.
    _row(
        "futex futex_time64",
        _NO_INTR,
        Time.KEPT,
        "futex_lock_pi of kernel/futex/pi.c",
        "FUTEX_LOCK_PI",
    ),
    # Start again, unless a handler without SA_RESTART has run.
    _row(
        "futex futex_time64", _SYS, Time.NONE, "futex_wait of kernel/futex/waitwake.c", "FUTEX_WAIT"
    ),
    _row("futex_wait futex_waitv", _SYS, Time.KEPT, "kernel/futex/waitwake.c; futex(2)"),
    _row(
        "read readv pread64 preadv preadv2",
        _SYS,
        Time.NONE,
        "signal(7); sock_intr_errno of include/net/sock.h",
        files=Files.RECEIVES,
    ),
    _row(
        "write pwrite64",
        _SYS,
        Time.NONE,
        "pipe_write of fs/pipe.c; sock_intr_errno of include/net/sock.h",
        "at most PIPE_BUF",
        files=Files.SENDS,
    ),
    _row(
        "write writev pwrite64 pwritev pwritev2",
        _SYS,
        Time.NONE,
        "signal(7); sock_intr_errno of include/net/sock.h",
        partial=True,
        files=Files.SENDS,
    ),
    _row(
        "recv recvfrom recvmsg",
        _SYS,
        Time.NONE,
        "sock_intr_errno of include/net/sock.h; signal(7)",
        "not MSG_WAITALL",
        files=Files.RECEIVES,
        socket=True,
    ),
    _row(
        "recv recvfrom recvmsg recvmmsg recvmmsg_time64",
        _SYS,
        Time.NONE,
        "sock_intr_errno of include/net/sock.h; signal(7)",
        partial=True,
        files=Files.RECEIVES,
        socket=True,
    ),
    _row(
        "accept accept4",
        _SYS,
        Time.NONE,
        "sock_intr_errno of include/net/sock.h; signal(7)",
        files=Files.RECEIVES,
        socket=True,
    ),
    _row(
        "send sendto sendmsg sendmmsg",
        _SYS,
        Time.NONE,
        "sock_intr_errno of include/net/sock.h; signal(7)",
        partial=True,
        files=Files.SENDS,
        socket=True,
    ),
    _row(
        "connect",
        _SYS,
        Time.NONE,
        "sock_intr_errno of include/net/sock.h; signal(7)",
        files=Files.SENDS,
        socket=True,
    ),
    _row("wait4 waitid waitpid", _SYS, Time.NONE, "do_wait of kernel/exit.c"),
    _row("flock", _SYS, Time.NONE, "flock_lock_inode_wait of fs/locks.c; signal(7)"),
    _row("fcntl fcntl64", _SYS, Time.NONE, "posix_lock_inode_wait of fs/locks.c", "F_SETLKW"),
    _row("open openat openat2 creat", _SYS, Time.NONE, "fifo_open of fs/pipe.c; signal(7)"),
    _row("splice tee vmsplice sendfile sendfile64", _SYS, Time.NONE, "fs/splice.c", partial=True),
    _row(
        "mq_timedreceive mq_timedsend mq_timedreceive_time64 mq_timedsend_time64",
        _SYS,
        Time.KEPT,
        "wq_sleep of ipc/mqueue.c",
    ),
    _row("getrandom", _SYS, Time.NONE, "wait_for_random_bytes of drivers/char/random.c"),
    _row("ioctl", _SYS, Time.NONE, "signal(7), calls on slow devices; a driver may differ"),
    # Fail, although no handler has run.
    _row(
        "epoll_wait epoll_pwait epoll_pwait2",
        _EINTR,
        Time.NONE,
        "ep_poll of fs/eventpoll.c; signal(7)",
    ),
    _row(
        "rt_sigtimedwait rt_sigtimedwait_time64",
        _EINTR,
        Time.NONE,
        "do_sigtimedwait of kernel/signal.c; signal(7)",
    ),
    _row(
        "semop semtimedop semtimedop_time64",
        _EINTR,
        Time.NONE,
        "__do_semtimedop of ipc/sem.c; signal(7)",
    ),
    _row("ipc", _EINTR, Time.NONE, "__do_semtimedop of ipc/sem.c; signal(7)", "SEMOP"),
    _row("io_getevents", _EINTR, Time.NONE, "read_events of fs/aio.c", partial=True),
    _row(
        "io_uring_enter", _EINTR, Time.NONE, "io_cqring_wait of io_uring/io_uring.c", partial=True
    ),
)

UNINTERRUPTED = frozenset(("vfork", "clone", "clone3", "exit", "exit_group"))
"""A parent in vfork(2) stops when its child has let it go; the others do not wait."""


def row_of(call: SystemCall) -> Row | None:
    """The row that counts for this call with these arguments.

    >>> row = row_of(SystemCall(7, "poll", (0, 0, 0xffffffff, 0, 0, 0)))
    >>> row.kind.name if row else None
    'RESTART_BLOCK'
    """
    rows = _BY_NAME.get(call.name or "", ())
    return next((row for row in rows if not row.when or CONDITIONS[row.when](call)), None)


def listed(call: SystemCall) -> bool:
    """Does the table know the call, with other arguments perhaps?"""
    return (call.name or "") in _BY_NAME


_BY_NAME: Mapping[str, tuple[Row, ...]] = {
    name: tuple(row for row in ROWS if name in row.calls)
    for name in sorted({name for row in ROWS for name in row.calls})
}
