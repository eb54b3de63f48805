"""The names of system calls, for rooms that know a number from a register only."""

from __future__ import annotations

from sigscope.decode.syscall import UNASSIGNED
from sigscope.decode.syscall_names import NAMES


def call_name(abi: str, number: int) -> str | None:
    """The name of a number in the table of this ABI; None where it has none.

    >>> call_name("x86_64", 219), call_name("x86_64", -1)
    ('restart_syscall', None)
    """
    table = NAMES.get(abi, ())
    known = 0 <= number < len(table) and table[number] != UNASSIGNED
    return table[number] if known else None
