r"""/proc/PID/status and /proc/PID/task/TID/status (proc_pid_status(5), fs/proc/array.c).

A host has many more threads than it has different masks. So the five lines SigPnd to
SigCgt, which the kernel prints in one run, are cut out as one slice, and each distinct
slice is decoded once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sigscope.decode.text import decode_status_name
from sigscope.errors import DecodeError
from sigscope.model.process import Queue
from sigscope.model.signals import SignalSet
from sigscope.model.state import State

_SETS = re.compile(
    rb"SigPnd:\t([0-9a-f]{16})\n"
    rb"ShdPnd:\t([0-9a-f]{16})\n"
    rb"SigBlk:\t([0-9a-f]{16})\n"
    rb"SigIgn:\t([0-9a-f]{16})\n"
    rb"SigCgt:\t([0-9a-f]{16})\n"
)
_SETS_LENGTH = 5 * 25


@dataclass(frozen=True, slots=True)
class Sets:
    """The five signal sets of one status file, under the kernel's names."""

    sigpnd: SignalSet
    shdpnd: SignalSet
    sigblk: SignalSet
    sigign: SignalSet
    sigcgt: SignalSet


@dataclass(frozen=True, slots=True)
class Status:
    """The fields of a process's status file; None for a line that this kernel lacks."""

    name: str
    state: State
    ppid: int
    uid: int
    sets: Sets | None
    tracer: int | None
    nspid: tuple[int, ...]
    queue: Queue | None
    seccomp: int | None
    no_new_privs: bool | None
    kernel_thread: bool


def decode_thread_status(data: bytes) -> tuple[str, State, Sets | None]:
    r"""Name, state and signal sets: what differs from thread to thread.

    The sets are None where the file has no Sig lines at all (gVisor).

    >>> decode_thread_status(b"Name:\tphp-fpm\nState:\tS (sleeping)\nTgid:\t1\n")
    ('php-fpm', <State.SLEEPING: 'S'>, None)
    """
    line_end = data.find(b"\n")
    state = data.find(b"\nState:\t")
    if not data.startswith(b"Name:\t") or state < 0 or len(data) <= state + 8:
        raise DecodeError(
            "status", "no Name: and State: lines; the file is cut off or not a status"
        )
    begin = data.find(b"\nSigPnd:\t")
    sets = _decode_sets(data[begin + 1 : begin + 1 + _SETS_LENGTH]) if begin >= 0 else None
    letter = chr(data[state + 8])
    return decode_status_name(data[6:line_end]), State.of(letter), sets


@lru_cache(maxsize=4096)
def _decode_sets(lines: bytes) -> Sets:
    match = _SETS.fullmatch(lines)
    if match is None:
        raise DecodeError("status", "the lines SigPnd to SigCgt are cut off or out of order")
    return Sets(*(SignalSet(int(digits, 16)) for digits in match.groups()))


def decode_status(data: bytes) -> Status:
    """All that sigscope uses of a process's status file."""
    name, state, sets = decode_thread_status(data)
    cut = (line.partition(b":\t") for line in data.split(b"\n"))
    lines = {key: value for key, colon, value in cut if colon}
    numbers = _Numbers(lines)
    used_limit = lines.get(b"SigQ", b"").split(b"/")
    nnp = numbers.first(b"NoNewPrivs")
    return Status(
        name=name,
        state=state,
        ppid=numbers.required(b"PPid"),
        uid=numbers.required(b"Uid"),
        sets=sets,
        tracer=numbers.first(b"TracerPid") or None,
        nspid=numbers.all(b"NSpid"),
        queue=Queue(*map(_number, used_limit)) if len(used_limit) == 2 else None,
        seccomp=numbers.first(b"Seccomp"),
        no_new_privs=None if nnp is None else bool(nnp),
        kernel_thread=numbers.first(b"Kthread") == 1,
    )


class _Numbers:
    """The decimal columns behind a key."""

    def __init__(self, lines: Mapping[bytes, bytes]) -> None:
        self._lines = lines

    def all(self, key: bytes) -> tuple[int, ...]:
        return tuple(_number(word) for word in self._lines.get(key, b"").split())

    def first(self, key: bytes) -> int | None:
        return next(iter(self.all(key)), None)

    def required(self, key: bytes) -> int:
        number = self.first(key)
        if number is None:
            raise DecodeError("status", f"no line {key.decode()}:; the file is cut off")
        return number


def _number(word: bytes) -> int:
    if not word.isdigit() or len(word) > 20:
        raise DecodeError("status", f"{word[:30]!r} stands where a number belongs")
    return int(word)
