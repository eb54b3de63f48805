"""/proc/PID/task/TID/syscall (proc_pid_syscall(5), fs/proc/base.c)."""

from __future__ import annotations

from sigscope.decode.syscall_names import NAMES
from sigscope.errors import DecodeError
from sigscope.model.syscall import SystemCall

UNASSIGNED = "-"
_THIRTY_TWO_BITS = 1 << 32
_COMPAT = {"x86_64": "i386"}


def decode_syscall(data: bytes, machine: str) -> SystemCall:
    r"""One of three shapes: ``running``, ``-1 SP PC``, or ``NR A1 .. A6 SP PC``.

    The file does not say whether a 32-bit program made the call, and its numbers differ.
    Stack and code below 4 GiB tell: no 64-bit program of today has both there.

    >>> call = decode_syscall(b"7 0 0 ffffffff 0 0 0 7ffd00000000 7f0000000000\n", "x86_64")
    >>> call.name
    'poll'
    >>> decode_syscall(b"running\n", "x86_64").running
    True
    """
    words = data.split()
    if words == [b"running"]:
        return SystemCall(None)
    try:
        number = int(words[0])
        registers = tuple(int(word, 16) for word in words[1:])
    except (IndexError, ValueError):
        raise DecodeError("syscall", f"{data[:40]!r} is none of its three shapes") from None
    if (
        len(registers) != (2 if number == -1 else 8)
        or max(registers) >> 64
        or not -1 <= number < 1 << 31
    ):
        raise DecodeError("syscall", f"{len(registers)} registers behind the number {number}")
    *args, stack, code = registers
    narrow = 0 < stack < _THIRTY_TWO_BITS and code < _THIRTY_TWO_BITS
    table = NAMES.get(_COMPAT.get(machine, machine) if narrow else machine, ())
    known = 0 <= number < len(table) and table[number] != UNASSIGNED
    return SystemCall(number, table[number] if known else None, tuple(args), stack, code)
