"""Where an address of a running process lies, asked of the code under test without any engine."""

from __future__ import annotations

from dataclasses import replace

from sigscope.kernel.handlers import read_handlers
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.model.depth import ProcessDepth
from sigscope.model.location import Location
from sigscope.model.process import Process
from sigscope.model.sigaction import SigAction
from sigscope.model.signals import SignalSet


def looked_at(pid: int, *addresses: int) -> Process:
    """The process, as if its first signals had handlers at these addresses."""
    handlers = (*addresses, *(0 for _ in range(64 - len(addresses))))
    actions = tuple(SigAction(address, 0, SignalSet()) for address in handlers)
    procfs = ProcFS()
    host = read_family(procfs, (pid,))
    process = replace(host.processes[pid], depth=ProcessDepth("test", actions))
    host = replace(host, processes={**host.processes, pid: process})
    return read_handlers(procfs, host, (pid,)).processes[pid]


def place(pid: int, address: int) -> Location:
    """What is at this address."""
    process = looked_at(pid, address)
    assert process.depth is not None
    assert process.depth.code is not None, process.gaps
    (found,) = process.depth.code
    return found
