"""May the kernel go on, after a stop, with a call that it interrupted? (restart_syscall(2))"""

from __future__ import annotations

from functools import lru_cache

from sigscope.analysis.seccomp.simulate import UNKNOWN, simulate
from sigscope.model.abi import OF_MACHINE
from sigscope.model.seccomp import Answer, Filter


@lru_cache(maxsize=256)
def restart_answer(filters: tuple[Filter, ...], machine: str, narrow: bool = False) -> Answer:
    """What the filters (newest first) answer to restart_syscall on this machine (``uname -m``).

    ``narrow``: the thread runs 32-bit code. ``answer.surely_passes`` is True only if it is let
    through whatever the registers hold; they are those of the interrupted call.

    >>> restart_answer((), "x86_64").surely_passes
    True
    """
    abis = OF_MACHINE.get(machine, ())
    if narrow and len(abis) > 1:
        abis = abis[1:]
    if not abis:
        return UNKNOWN
    return simulate(filters, abis[0].restart, abis[0].arch)
