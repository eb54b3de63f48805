"""A process as far as it decides who may look at it: a few small reads, and a few trials."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable

from sigscope.decode.credentials import decode_credentials
from sigscope.decode.stat import decode_stat
from sigscope.decode.status import decode_status
from sigscope.errors import DecodeError
from sigscope.kernel.names import COMM_LENGTH
from sigscope.model.other import Other
from sigscope.model.place import Place
from sigscope.model.state import State

_STATUS = 1 << 16
_KERNEL_THREAD = 0x00200000
_MOST_ANCESTORS = 4096


def read_other(place: Place, pid: int, root: str = "", tid: int | None = None) -> Other | None:
    """None if it is not shown, or has ended. ``tid`` for one thread of it.

    Below a ``root`` that is a recorded one nothing is tried.
    """
    folder = f"{root}/proc/{pid}"
    try:
        data = _read(f"{folder}/status" if tid is None else f"{folder}/task/{tid}/status")
        status = decode_status(data)
    except (OSError, DecodeError):
        return None
    own = decode_credentials(data)
    tracer = status.tracer or 0
    space = _link(f"{folder}/ns/user")
    return Other(
        pid,
        status.name[:COMM_LENGTH],
        status.state,
        own.uids,
        own.gids,
        own.permitted or 0,
        owner=_owner(folder),
        user_namespace=space,
        foreign=None if None in (space, place.user_namespace) else space != place.user_namespace,
        itself=not root and os.getpid() in (pid, status.tgid),
        kernel_thread=status.kernel_thread or _is_kernel_thread(folder),
        dead=status.state.gone and (tid is not None or not _others_live(folder, pid)),
        ppid=status.ppid,
        tracer=tracer,
        tracer_name=_name(f"{root}/proc/{tracer}") if tracer else "",
        descendant=not root and _descends(pid),
        filters=own.filters if own.filters is not None else int(own.seccomp == 2),
        pending=own.pending,
        catches=bool(own.caught),
        inner=status.nspid,
        bits=_bits(f"{folder}/exe") if not root else None,
        granted=_granted(folder) if not root else None,
    )


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_STATUS)


def _link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None


def _owner(folder: str) -> int | None:
    """Of the files, that is; the folder itself is always the user's (task_dump_owner())."""
    try:
        return os.stat(f"{folder}/environ").st_uid
    except OSError:
        return None


def _name(folder: str) -> str:
    try:
        return decode_status(_read(f"{folder}/status")).name
    except (OSError, DecodeError):
        return ""


def _is_kernel_thread(folder: str) -> bool:
    """For kernels whose status has no Kthread line."""
    try:
        return bool(decode_stat(_read(f"{folder}/stat")).flags & _KERNEL_THREAD)
    except (OSError, DecodeError):
        return False


def _others_live(folder: str, pid: int) -> bool:
    """A leader may be dead, and its process alive in the other threads."""
    try:
        tids = [name for name in os.listdir(f"{folder}/task") if name != str(pid)]
    except OSError:
        return False
    return any(_state(f"{folder}/task/{tid}/status") for tid in tids)


def _state(path: str) -> bool:
    """Does this thread live?"""
    try:
        match = re.search(rb"^State:\t(\S)", _read(path), re.MULTILINE)
    except OSError:
        return False
    return match is not None and not State.of(match[1].decode("latin-1")).gone


def _descends(pid: int) -> bool:
    """From ourselves. A chain that changes meanwhile ends somewhere else: no harm is done."""
    for _ in range(_MOST_ANCESTORS):
        if pid == os.getpid():
            return True
        try:
            pid = decode_status(_read(f"/proc/{pid}/status")).ppid
        except (OSError, DecodeError):
            return False
        if pid < 1:
            return False
    return False


def _bits(path: str) -> int | None:
    """EI_CLASS of the program's file (elf(5))."""
    try:
        with open(path, "rb") as file:
            head = file.read(5)
    except OSError:
        return None
    return {1: 32, 2: 64}.get(head[4]) if head[:4] == b"\x7fELF" else None


def _granted(folder: str) -> frozenset[str]:
    """Which kinds of its files are for us, whatever the rules would say. A kernel that does not
    make one of them does not refuse it."""
    reads: dict[str, Callable[[], object]] = {
        "exe": lambda: os.readlink(f"{folder}/exe"),
        "fd": lambda: os.listdir(f"{folder}/fd"),
        "syscall": lambda: _read(f"{folder}/syscall"),
    }
    granted = set()
    for name, read in reads.items():
        try:
            read()
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM):
                continue
        granted.add(name)
    return frozenset(granted)
