r"""Who a process is, and what it may: more of /proc/PID/status (proc_pid_status(5)).

These lines are read of few processes, and a missing one is no error: old kernels lack some.
"""

from __future__ import annotations

import re

from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Credentials:
    """None for a line that is not there; ``uids`` are real, effective, saved, file system."""

    uids: tuple[int, ...]
    gids: tuple[int, ...]
    groups: tuple[int, ...]
    effective: int | None
    permitted: int | None
    bounding: int | None
    seccomp: int | None
    filters: int | None
    no_new_privs: bool | None
    pending: bool
    caught: int


def decode_credentials(status: bytes) -> Credentials:
    r"""Users, groups, capabilities and filters.

    >>> decode_credentials(b"Name:\tx\nUid:\t0\t0\t0\t0\nCapEff:\t0000000000080000\n").effective
    524288
    """
    nnp = _number(status, b"NoNewPrivs", 10)
    waiting = (_number(status, name, 16) for name in (b"SigPnd", b"ShdPnd"))
    return Credentials(
        uids=_numbers(status, b"Uid"),
        gids=_numbers(status, b"Gid"),
        groups=_numbers(status, b"Groups"),
        effective=_number(status, b"CapEff", 16),
        permitted=_number(status, b"CapPrm", 16),
        bounding=_number(status, b"CapBnd", 16),
        seccomp=_number(status, b"Seccomp", 10),
        filters=_number(status, b"Seccomp_filters", 10),
        no_new_privs=None if nnp is None else bool(nnp),
        pending=any(waiting),
        caught=_number(status, b"SigCgt", 16) or 0,
    )


def whole_uid_map(data: bytes) -> bool:
    r"""Does this map stand for all users, each as itself? Only the first namespace has that.

    >>> whole_uid_map(b"         0          0 4294967295\n")
    True
    """
    return data.split() == [b"0", b"0", b"4294967295"]


def _field(status: bytes, name: bytes) -> bytes | None:
    match = re.search(rb"^%s:[ \t]*(.*)$" % name, status, re.MULTILINE)
    return None if match is None else match[1].strip()


def _number(status: bytes, name: bytes, base: int) -> int | None:
    word = _field(status, name)
    if word is None or not re.fullmatch(rb"[0-9a-fA-F]{1,20}", word):
        return None
    try:
        return int(word, base)
    except ValueError:
        return None


def _numbers(status: bytes, name: bytes) -> tuple[int, ...]:
    words = (_field(status, name) or b"").split()
    return tuple(int(word) for word in words if word.isdigit() and len(word) <= 20)
