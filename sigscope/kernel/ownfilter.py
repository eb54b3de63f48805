"""Which system calls a seccomp filter of our own does not let through.

Only the call itself tells: a filter may not be read by those who are under it. A call that
could do nothing is made, and from what the kernel answers to *that* one knows that it was
asked. A filter may also kill who calls: a child does it.
"""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import suppress

from sigscope.decode.syscall_names import NAMES

_NOBODY = 0x7FFFFFF0
"""No pid: pid_max is at most 2^22."""
_PTRACE_DETACH = 17
_TRIALS: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = (
    ("ptrace", (_PTRACE_DETACH, _NOBODY, 0, 0), (errno.ESRCH,)),
    ("bpf", (0, 0, 0), (errno.EINVAL, errno.EFAULT)),
    ("perf_event_open", (0, _NOBODY, -1, -1, 0), (errno.EFAULT, errno.EINVAL)),
    ("fsopen", (0, 0), (errno.EFAULT, errno.EINVAL)),
)
"""Name, arguments, and what a kernel answers that was asked: no such process, no such memory.

A kernel that lets nobody but CAP_BPF call bpf, and CAP_SYS_ADMIN fsopen, answers EPERM first.
"""


def refused_calls() -> frozenset[str]:
    """Those of ptrace, bpf, perf_event_open and fsopen that are answered by somebody else.

    Of bpf and fsopen that can be told only with the capability that they ask for.
    """
    names = NAMES.get(os.uname().machine, ())
    return frozenset(
        name
        for name, arguments, answers in _TRIALS
        if name in names and _answer(names.index(name), arguments) not in answers
    )


def _answer(number: int, arguments: tuple[int, ...]) -> int:
    """The errno of the call, made by a child; 0 if it succeeded, -1 if that was killed."""
    child = os.fork()
    if child == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        with suppress(BaseException):
            if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) != -1:
                os._exit(0)
            os._exit(ctypes.get_errno())
        os._exit(255)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else -1
