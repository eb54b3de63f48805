"""The library's three questions; everything that they return is a frozen value of ``model``."""

from __future__ import annotations

from sigscope.analysis.diagnose import diagnose as _diagnose
from sigscope.analysis.diagnose import suspects
from sigscope.kernel.closer import look_closer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family, read_host
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.host import Host
from sigscope.model.process import Process


def read_process(pid: int, procfs: ProcFS | None = None) -> Process:
    """All that /proc shows of one process, its threads' system calls included.

    Raises NoSuchTarget, NotPermitted (hidepid) or DecodeError. What alone could not be
    read is None, with a reason in ``gaps``.

    >>> import os
    >>> read_process(os.getpid()).ppid == os.getppid()
    True
    """
    procfs = procfs or ProcFS()
    return look_closer(procfs, read_family(procfs, (pid,)), (pid,)).processes[pid]


def read_all(procfs: ProcFS | None = None) -> Host:
    """Every process and thread of the host: masks, dispositions, state and kinship.

    Command lines, system calls and descriptors are left for :func:`read_process`. On a big host
    a child is forked that reads a part of /proc, and is gone when this returns; a program that has
    threads is not forked, and waits a little longer.

    >>> 1 in read_all().processes
    True
    """
    return read_host(procfs or ProcFS())


def diagnose(pid: int | None = None, procfs: ProcFS | None = None) -> Diagnosis:
    """What is wrong with a process (or with the whole host), and whose doing it is.

    >>> import os
    >>> [finding for finding in diagnose(os.getpid()).findings if finding.id == "blocked-pending"]
    []
    """
    procfs = procfs or ProcFS()
    if pid is not None:
        family = read_family(procfs, (pid,))
        return _diagnose(look_closer(procfs, family, (pid,)), (pid,))
    host = read_host(procfs)
    return _diagnose(look_closer(procfs, host, suspects(host)))
