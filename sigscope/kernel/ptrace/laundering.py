"""Which result of an interrupted call has to be rewritten, so that the program sees no stop.

The kernel does a call again, with the arguments that it had, if its result is -ERESTARTNOHAND
(-514) when the thread goes on, and no handler runs. If one does, the call fails with EINTR, as it
would have without us. -ERESTARTSYS would not do: with SA_RESTART it would start again
calls that must not (signal(7)).

* ``-EINTR`` (-4), exactly, in a call that gives it to whoever was only stopped (signal(7),
  "Interruption of system calls and library functions by stop signals", and the socket calls
  with a timeout): nothing has been done yet, or a count would have been the result.
* ``-ERESTART_RESTARTBLOCK`` (-516), where restart_syscall(2) is not proven to be allowed by the
  filters. The call starts with its whole timeout again; restart_syscall would have kept
  the deadline.
"""

from __future__ import annotations

from functools import cache

from sigscope.decode.syscall_names import NAMES

EINTR, RESTARTNOHAND, RESTARTBLOCK = -4, -514, -516
RESTART_SYSCALL = "restart_syscall"

REPEATED = frozenset(
    "epoll_wait epoll_pwait epoll_pwait2 rt_sigtimedwait rt_sigtimedwait_time64"
    " semop semtimedop semtimedop_time64 io_getevents io_pgetevents io_pgetevents_time64"
    " io_uring_enter"
    " read readv recvfrom recvmsg recvmmsg recvmmsg_time64 accept accept4"
    " write writev sendto sendmsg sendmmsg connect socketcall".split()
)
"""Calls whose -EINTR means: interrupted before anything was done."""
_IPC_SEMAPHORES = (1, 4)
"""SEMOP and SEMTIMEDOP of include/uapi/linux/ipc.h: i386 has one call for all of System V IPC."""


@cache
def _numbers(abi: str) -> frozenset[int]:
    return frozenset(n for n, name in enumerate(NAMES.get(abi, ())) if name in REPEATED)


@cache
def _ipc(abi: str) -> int | None:
    table = NAMES.get(abi, ())
    return table.index("ipc") if "ipc" in table else None


def rewritten(
    abi: str, number: int, result: int, first_argument: int, restart_allowed: bool
) -> int | None:
    """The result to go on with; None where the one that is there does no harm.

    >>> rewritten("x86_64", 232, -4, 3, restart_allowed=True)  # epoll_wait
    -514
    >>> rewritten("x86_64", 3, -4, 3, restart_allowed=True)  # close: it has closed
    >>> rewritten("x86_64", 35, -516, 0, restart_allowed=True)  # nanosleep goes on by itself
    """
    if number < 0:
        return None
    if result == EINTR:
        again = number in _numbers(abi) or (
            number == _ipc(abi) and first_argument & 0xFFFF in _IPC_SEMAPHORES
        )
        return RESTARTNOHAND if again else None
    if result == RESTARTBLOCK and not restart_allowed:
        return RESTARTNOHAND
    return None
