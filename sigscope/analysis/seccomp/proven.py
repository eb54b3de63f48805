"""Which calls all threads of a process may make for certain: what a tracer must know beforehand."""

from __future__ import annotations

from functools import lru_cache

from sigscope.analysis.seccomp.simulate import survey
from sigscope.model.abi import AARCH64, I386, OF_MACHINE, X86_64, Abi
from sigscope.model.process import Process
from sigscope.model.seccomp import Filter

STRICT = 1
"""Seccomp of the status file (proc_pid_status(5))."""
NUMBERS: dict[Abi, dict[str, int]] = {
    X86_64: {
        "restart_syscall": 219,
        "rt_sigaction": 13,
        "rt_sigreturn": 15,
        "getitimer": 36,
        "timer_gettime": 224,
        "timer_getoverrun": 225,
    },
    I386: {
        "restart_syscall": 0,
        "rt_sigaction": 174,
        "rt_sigreturn": 173,
        "getitimer": 105,
        "timer_gettime": 261,
        "timer_getoverrun": 262,
    },
    AARCH64: {
        "restart_syscall": 128,
        "rt_sigaction": 134,
        "rt_sigreturn": 139,
        "getitimer": 102,
        "timer_gettime": 108,
        "timer_getoverrun": 109,
    },
}
"""What a tracer leaves the target to make, or makes it make."""


def proven(process: Process, machine: str) -> frozenset[str]:
    """Names of those that the filters of every living thread let pass, whatever the arguments are.

    Empty where that is not known: a filter that could not be read proves nothing. ``machine`` as
    ``uname -m`` tells it; the process must have been looked at in depth.

    >>> from sigscope.model import State, Thread
    >>> from sigscope.model.depth import ThreadDepth
    >>> free = Thread(7, "a", State.SLEEPING, None, None, depth=ThreadDepth("bpf", filters=()))
    >>> one = Process(7, 1, 1, "a", 0, State.SLEEPING, (free,), None, None, None)
    >>> {"restart_syscall", "rt_sigaction"} <= proven(one, "x86_64")
    True
    """
    if process.seccomp == STRICT:
        return frozenset()
    abis = [abi for abi in OF_MACHINE.get(machine, ()) if abi in NUMBERS]
    found: frozenset[str] | None = None
    for thread in process.living:
        if thread.depth is None or thread.depth.filters is None or not abis:
            return frozenset()
        narrow = thread.syscall is not None and thread.syscall.narrow and len(abis) > 1
        one = passing(thread.depth.filters, abis[narrow])
        found = one if found is None else found & one
    return found or frozenset()


@lru_cache(maxsize=256)
def passing(filters: tuple[Filter, ...], abi: Abi) -> frozenset[str]:
    """The same for one stack of filters, newest first.

    >>> passing((), I386) == NUMBERS[I386].keys()
    True
    """
    answers = survey(filters, tuple(NUMBERS[abi].values()), abi.arch)
    return frozenset(name for name, number in NUMBERS[abi].items() if answers[number].surely_passes)
