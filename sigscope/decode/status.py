r"""/proc/PID/status and /proc/PID/task/TID/status (proc_pid_status(5), fs/proc/array.c).

A host has many more threads than it has different masks. So the five lines SigPnd to
SigCgt, which the kernel prints in one run, are cut out as one slice, and each distinct
slice is decoded once.
"""

from __future__ import annotations

import re
from functools import lru_cache

from sigscope.decode.text import decode_status_name
from sigscope.errors import DecodeError
from sigscope.model.process import Queue
from sigscope.model.signals import SignalSet
from sigscope.model.state import State
from sigscope.model.value import dataclass

_LABELS = [b"SigPnd", b"ShdPnd", b"SigBlk", b"SigIgn", b"SigCgt"]
_SETS_LENGTH = 5 * 25
_DIGITS = b"0123456789abcdef"
_CAPABLE = rb"(?m)^CapEff:\t([0-9a-f]{16})$"
CAP_SYS_PTRACE = 19
_LONGEST_NUMBER = 20


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
    tgid: int
    ppid: int
    uid: int
    saved_uid: int
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
    begin = data.find(b"\nSigPnd:\t") + 1
    lines = data[begin : begin + _SETS_LENGTH] if begin else b""
    return _decode_look(data[: data.find(b"\nTgid:")], lines)


@lru_cache(maxsize=4096)
def _decode_look(head: bytes, lines: bytes) -> tuple[str, State, Sets | None]:
    name, *rest = head.split(b"\n")
    state = next((line for line in rest if not line.startswith(b"Umask:")), b"")
    letter = state[7:8]
    if not (name.startswith(b"Name:\t") and state.startswith(b"State:\t") and letter):
        raise DecodeError("status", "it does not begin with Name: and State:")
    sets = _decode_sets(lines) if lines else None
    return decode_status_name(name[6:]), State.of(letter.decode("latin-1")), sets


@lru_cache(maxsize=4096)
def _decode_sets(lines: bytes) -> Sets:
    *words, end = lines.replace(b":\t", b"\n").split(b"\n")
    labels, masks = words[::2], words[1::2]
    whole = len(masks) == len(_LABELS) and all(
        len(mask) == 16 and not mask.translate(None, _DIGITS) for mask in masks
    )
    if labels != _LABELS or not whole or end:
        raise DecodeError("status", "the lines SigPnd to SigCgt are cut off or out of order")
    return Sets(*(SignalSet(int(mask, 16)) for mask in masks))


def decode_status(data: bytes) -> Status:
    """All that sigscope uses of a process's status file."""
    name, state, sets = decode_thread_status(data)
    queue = _numbers(data, b"\nSigQ:\t", b"/")
    uids = _numbers(data, b"\nUid:\t")
    if len(uids) != 4:
        raise DecodeError("status", "the line Uid: does not have its four numbers")
    nnp = _number(data, b"\nNoNewPrivs:\t")
    return Status(
        name=name,
        state=state,
        tgid=_required(data, b"\nTgid:\t"),
        ppid=_required(data, b"\nPPid:\t"),
        uid=uids[0],
        saved_uid=uids[2],
        sets=sets,
        tracer=_number(data, b"\nTracerPid:\t") or None,
        nspid=_numbers(data, b"\nNSpid:\t"),
        queue=Queue(*queue) if len(queue) == 2 else None,
        seccomp=_number(data, b"\nSeccomp:\t"),
        no_new_privs=None if nnp is None else bool(nnp),
        kernel_thread=_number(data, b"\nKthread:\t") == 1,
    )


def decode_seccomp(data: bytes) -> int | None:
    """The mode alone: 0 none, 1 strict, 2 a filter; None on a kernel without seccomp(2)."""
    return _number(data, b"\nSeccomp:\t")


def decode_capable(data: bytes) -> bool:
    """Has it CAP_SYS_PTRACE in its effective set, and so sees through hidepid (proc(5))?"""
    return bool(decode_effective(data) >> CAP_SYS_PTRACE & 1)


def decode_effective(data: bytes) -> int:
    """Its effective capabilities, a bit each; 0 where they are not shown."""
    match = re.search(_CAPABLE, data)
    return 0 if match is None else int(match[1], 16)


def _field(data: bytes, label: bytes) -> bytes | None:
    """What stands behind a label; None where the line is missing."""
    begin = data.find(label)
    if begin < 0:
        return None
    begin += len(label)
    end = data.find(b"\n", begin)
    if end < 0:
        raise DecodeError("status", f"cut off behind {label.strip().decode()}")
    return data[begin:end]


def _numbers(data: bytes, label: bytes, separator: bytes | None = None) -> tuple[int, ...]:
    """The decimal columns behind a label; none where the line is missing."""
    field = _field(data, label)
    words = [] if field is None else field.split(separator)
    if not all(map(_is_number, words)):
        raise _no_number(label)
    return tuple(map(int, words))


def _number(data: bytes, label: bytes) -> int | None:
    """The only one behind a label."""
    word = _field(data, label)
    if word is None:
        return None
    if not _is_number(word):
        raise _no_number(label)
    return int(word)


def _is_number(word: bytes) -> bool:
    return word.isdigit() and len(word) <= _LONGEST_NUMBER


def _no_number(label: bytes) -> DecodeError:
    return DecodeError("status", f"no number stands behind {label.strip().decode()}")


def _required(data: bytes, label: bytes) -> int:
    number = _number(data, label)
    if number is None:
        raise DecodeError("status", f"no line {label.strip().decode()} the file is cut off")
    return number
