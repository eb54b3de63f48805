"""Processes by name: the one file ``comm`` of each, and the command line where that is cut."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.decode.cmdline import LIMIT, decode_cmdline
from sigscope.decode.text import decode_text
from sigscope.kernel.procfs import ProcFS

COMM_LENGTH = 15
"""TASK_COMM_LEN - 1 of include/linux/sched.h: a longer name is cut."""


def read_names(procfs: ProcFS) -> Iterator[tuple[int, str]]:
    """(pid, comm) of every process; comm is the program's choice, and may hold anything."""
    for pid in procfs.pids():
        name = read_name(procfs, pid)
        if name is not None:
            yield pid, name


def read_name(procfs: ProcFS, pid: int) -> str | None:
    """The comm of one process; None if it has ended, or may not be seen."""
    try:
        with procfs.enter(pid) as directory:
            return decode_text(directory.record("comm").removesuffix(b"\n"))
    except OSError:
        return None


def read_program(procfs: ProcFS, pid: int) -> str:
    """The last part of the first argument: the whole name, where comm is cut; "" if unreadable."""
    try:
        with procfs.enter(pid) as directory:
            words = decode_cmdline(directory.read("cmdline", LIMIT))
    except OSError:
        return ""
    return words[0].rsplit("/", 1)[-1] if words else ""
