"""Who is to blame: the way of a blocked or ignored signal up the process tree.

A mask belongs to a thread; fork(2) gives the child that of the forking thread, and execve(2)
keeps it (signal(7)). Dispositions belong to the process, and what is ignored survives both:
there the nearest ancestors that ignore the signal now are likely, and never exact, for an
ancestor may have changed its mind since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sigscope.analysis.inheritance import Step, passed_on
from sigscope.analysis.launder import BACKGROUND_JOB, habit, in_background
from sigscope.model.host import Host
from sigscope.model.lineage import Confidence, Kind, Lineage, Link
from sigscope.model.process import Process
from sigscope.model.signals import Signal

SHELLS = frozenset(("sh", "dash", "bash", "busybox", "ksh", "mksh", "zsh", "ash"))


def trace(host: Host, process: Process, signal: int, kind: Kind) -> Lineage:
    """Where the process has this blocked (or ignored) signal from.

    ``because`` says in a sentence how that is known, or why it is not.
    """
    walk = _blocked if kind is Kind.BLOCKED else _ignored
    steps = list(walk(host, process, Signal(signal)))
    chain = tuple(step.link for step in steps if step.link is not None)
    foreign = any(
        not same_program(process, ancestor)
        for link in chain
        if (ancestor := host.processes.get(link.pid)) is not None
    )
    first = steps[0] if steps else Step(_no_parent(process))
    return Lineage(process.pid, signal, kind, chain, first.confidence, first.because, foreign)


def same_program(one: Process, other: Process) -> bool:
    """By the executable where both are known, else by the name."""
    if one.exe is not None and other.exe is not None:
        return one.exe == other.exe
    return one.comm == other.comm


def _blocked(host: Host, process: Process, signal: Signal) -> Iterator[Step]:
    """Upwards as long as the bit was passed on.

    Where only some threads of an ancestor have it, it was set in there: the way ends. A parent
    that restores the mask which it was given (tini) is passed over: its own says nothing.
    """
    child = process
    passed_over: Process | None = None
    for parent in host.ancestors(process):
        if parent.kernel_thread:
            return
        if habit(parent.comm).restores and not parent.threads_blocking(signal):
            child, passed_over = replace(child, forked_by=parent.forked_by), parent
            continue
        passed_over = None
        step = passed_on(parent, child, signal)
        yield step
        if step.link is None or step.link.holders < step.link.threads:
            return
        child = parent
    if passed_over is not None:
        who = f"{passed_over.comm} {passed_over.pid}"
        yield Step(f"{who} gave it the mask it was itself started with, and by whom is not shown")


def _ignored(host: Host, process: Process, signal: Signal) -> Iterator[Step]:
    child = process
    for parent in host.ancestors(process):
        step = _also_ignored(parent, child, signal)
        yield step
        if step.link is None or parent.ignored is None or signal not in parent.ignored:
            return
        child = parent


def _also_ignored(parent: Process, child: Process, signal: Signal) -> Step:
    who = f"{parent.comm} {parent.pid}"
    if parent.ignored is None:
        return Step(f"the dispositions of {who} could not be read")
    link = Link(parent.pid, None, parent.comm)
    if signal in parent.ignored:
        because = f"{who} ignores it, too, and execve keeps that"
        return Step(because, Confidence.LIKELY, replace(link, holders=1, threads=1))
    if parent.comm in SHELLS and in_background(child, parent) and signal in BACKGROUND_JOB:
        because = "a shell without job control ignores SIGINT and SIGQUIT in what it starts with &"
        return Step(because, Confidence.LIKELY, link)
    return Step(
        f"{who} does not ignore it now: {child.comm} did it itself,"
        " or whoever started it did, between fork and exec"
    )


def _no_parent(process: Process) -> str:
    if process.ppid == 0:
        return "it has no parent in this pid namespace"
    return f"its parent {process.ppid} could not be read"
