"""What the tests of the BPF engine share: may it be used here, and a process seen in depth."""

from __future__ import annotations

import functools

import pytest

from sigscope.kernel.closer import look_closer
from sigscope.kernel.passive import Passive
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.model.depth import ProcessDepth
from sigscope.model.gap import Gap
from sigscope.model.process import Process


@functools.cache
def missing() -> str:
    """Why the engine cannot be used here; "" if it can."""
    tasks = Passive().tasks()
    return f"{tasks.why}; {tasks.hint}" if isinstance(tasks, Gap) else ""


def need_engine() -> None:
    """Skip where the kernel refuses: the reason is the kernel's."""
    if why := missing():
        pytest.skip(f"no BPF engine: {why}")


def seen(pid: int) -> Process:
    """The process looked at as the commands do, with its depth."""
    procfs = ProcFS(engine="bpf")
    found = look_closer(procfs, read_family(procfs, [pid]), [pid]).processes[pid]
    assert found.depth is not None
    return found


def depth(pid: int) -> ProcessDepth:
    """What its threads share."""
    found = seen(pid).depth
    assert found is not None
    return found
