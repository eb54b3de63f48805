"""Every process of the host in one walk over its tasks: no file of theirs is read.

Names of kernel threads are the short ones of the tasks themselves; a status file adds to them
what a worker is busy with.
"""

from __future__ import annotations

from collections.abc import Callable

from sigscope.decode.scan import Scan
from sigscope.kernel.bpf.tasks import Tasks
from sigscope.model.process import Process


def read_scan(
    tasks: Tasks, ticks: int, otherwise: Callable[[int], Process | None]
) -> dict[int, Process]:
    """By pid. ``otherwise`` reads one that does not fit into a record: nested very deep.

    OSError or DecodeError where the walk fails.
    """
    found = {}
    for process in Scan(tasks.scan(), ticks).processes():
        whole = process if process.nspid else otherwise(process.pid)
        if whole is not None:
            found[process.pid] = whole
    return found
