"""What becomes of the system call that a thread sits in, when a handler runs in it.

signal(7), "Interruption of system calls and library functions by signal handlers": some calls
start again if the handler was installed with SA_RESTART, some fail with EINTR all the same.
"""

from __future__ import annotations

from enum import Enum

from sigscope.model.syscall import SystemCall

FUTEX_TIMEOUT_ARGUMENT = 3

WITH_FLAG = frozenset(
    "read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 ioctl open openat"
    " openat2 creat wait4 waitid waitpid accept accept4 connect recv recvfrom recvmsg recvmmsg send"
    " sendto sendmsg sendmmsg flock fcntl fcntl64 mq_timedreceive mq_timedsend splice tee vmsplice"
    " sendfile getrandom futex_wait futex_waitv".split()
)
"""Start again with SA_RESTART; sockets with a timeout (SO_RCVTIMEO) do not."""

NEVER = frozenset(
    "nanosleep clock_nanosleep poll ppoll select _newselect pselect6 epoll_wait epoll_pwait"
    " epoll_pwait2 pause rt_sigsuspend rt_sigtimedwait semop semtimedop msgrcv msgsnd io_getevents"
    " io_pgetevents io_uring_enter restart_syscall".split()
)
"""Fail with EINTR after any handler, whatever its flags."""


class Interruption(Enum):
    """What the program sees of the call after a handler has run."""

    RESTARTS_WITH_FLAG = "starts again if the handler has SA_RESTART, else fails with EINTR"
    EINTR = "fails with EINTR, with SA_RESTART or without"
    UNTOUCHED = "is not in a call that a handler interrupts"
    UNKNOWN = "is in a call whose behaviour is not listed in signal(7)"


def interruption(call: SystemCall) -> Interruption:
    """By the name of the call; a futex with a timeout never starts again.

    >>> interruption(SystemCall(7, "poll")).name
    'EINTR'
    """
    if call.running or call.number == -1:
        return Interruption.UNTOUCHED
    if call.name == "futex":
        timed = len(call.args) > FUTEX_TIMEOUT_ARGUMENT and call.args[FUTEX_TIMEOUT_ARGUMENT]
        return Interruption.EINTR if timed else Interruption.RESTARTS_WITH_FLAG
    if call.name in WITH_FLAG:
        return Interruption.RESTARTS_WITH_FLAG
    return Interruption.EINTR if call.name in NEVER else Interruption.UNKNOWN
