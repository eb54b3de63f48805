"""/proc/PID/stat (proc_pid_stat(5)): the fields that status does not have."""

from __future__ import annotations

from typing import NamedTuple

from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Stat:
    """``start_time`` in clock ticks since boot; ``flags`` are the kernel's PF_ bits.

    ``processor`` is the CPU on which the task last ran.
    """

    pgrp: int
    session: int
    flags: int
    start_time: int
    processor: int


_WANTED = (2, 3, 6, 19, 36)
"""pgrp, session, flags, starttime and processor, counted from the state on."""
_LONGEST_NUMBER = 20


def decode_stat(data: bytes) -> Stat:
    """The comm may hold spaces and brackets: the fields begin behind the *last* one.

    >>> decode_stat(b"7 (a) b) S 1 7 7 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 4711 " + b"0 " * 16 + b"1")
    Stat(pgrp=7, session=7, flags=64, start_time=4711, processor=1)
    """
    fields = data[data.rfind(b")") + 1 :].split()
    if len(fields) <= _WANTED[-1]:
        raise DecodeError("stat", f"{len(fields) + 2} fields, and the processor is the 39th")
    try:
        wanted = [fields[index] for index in _WANTED]
        if max(map(len, wanted)) > _LONGEST_NUMBER:
            raise ValueError
        return Stat(*(int(field) for field in wanted))
    except ValueError:
        raise DecodeError("stat", "a word stands where a number belongs") from None


def decode_cpu_ticks(data: bytes) -> int:
    """utime and stime together: the clock ticks of CPU time that the whole process has used.

    >>> decode_cpu_ticks(b"7 (a) b) R 1 7 7 0 -1 64 0 0 0 0 12 30 0 0 20 0 1 0 4711")
    42
    """
    fields = data[data.rfind(b")") + 1 :].split()
    both = fields[11:13]
    if len(both) < 2 or not all(one.isdigit() and len(one) <= _LONGEST_NUMBER for one in both):
        raise DecodeError("stat", "utime and stime are missing")
    return sum(map(int, both))


class Descent(NamedTuple):
    """Who a process is to others: its comm, the pid of its parent, how many threads it has."""

    comm: str
    ppid: int
    threads: int


def decode_descent(data: bytes) -> Descent:
    """What one read of stat tells of a process's place among the others.

    >>> decode_descent(b"7 (a) b) S 1 7 7 0 -1 64 0 0 0 0 12 30 0 0 20 0 3 0 4711")
    Descent(comm='a) b', ppid=1, threads=3)
    """
    begin, end = data.find(b"("), data.rfind(b")")
    words = data[end + 2 :].split(None, 18)
    if not 0 <= begin < end or len(words) < 19:
        raise DecodeError("stat", "name, parent or the number of threads is missing")
    ppid, threads = words[1], words[17]
    if not all(one.isdigit() and len(one) <= _LONGEST_NUMBER for one in (ppid, threads)):
        raise DecodeError("stat", "a word stands where a number belongs")
    return Descent(decode_text(data[begin + 1 : end]), int(ppid), int(threads))
