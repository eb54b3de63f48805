"""/proc/PID/stat (proc_pid_stat(5)): the fields that status does not have."""

from __future__ import annotations

from dataclasses import dataclass

from sigscope.errors import DecodeError


@dataclass(frozen=True, slots=True)
class Stat:
    """``start_time`` in clock ticks since boot; ``flags`` are the kernel's PF_ bits."""

    pgrp: int
    session: int
    flags: int
    start_time: int


_PGRP, _SESSION, _FLAGS, _START = 2, 3, 6, 19
_LONGEST_NUMBER = 20


def decode_stat(data: bytes) -> Stat:
    """The comm may hold spaces and brackets: the fields begin behind the *last* one.

    >>> decode_stat(b"7 (a) b) S 1 7 7 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 4711 0")
    Stat(pgrp=7, session=7, flags=64, start_time=4711)
    """
    fields = data[data.rfind(b")") + 1 :].split()
    if len(fields) <= _START:
        raise DecodeError("stat", f"{len(fields) + 2} fields, and the start time is the 22nd")
    try:
        wanted = [fields[index] for index in (_PGRP, _SESSION, _FLAGS, _START)]
        if max(map(len, wanted)) > _LONGEST_NUMBER:
            raise ValueError
        return Stat(*(int(field) for field in wanted))
    except ValueError:
        raise DecodeError("stat", "a word stands where a number belongs") from None
