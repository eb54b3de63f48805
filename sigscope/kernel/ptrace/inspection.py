"""What only a stopped thread tells: true masks, queues with their senders, sigactions.

One thread after another is stopped, asked and let go, so that each stands for some
tens of microseconds, and never all of them. Process-wide things are asked once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sigscope.errors import WouldHarm
from sigscope.kernel.ptrace.asking import Permission, ask, plan_for
from sigscope.kernel.ptrace.preflight import look_first, refuse
from sigscope.kernel.ptrace.requests import Requests
from sigscope.kernel.ptrace.senders import told_here
from sigscope.kernel.ptrace.session import Session, trace
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.model.depth import ProcessDepth, ThreadDepth
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.sigaction import SIG_DFL, SIG_IGN, SigAction
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import EMPTY, FIRST, LAST, SignalSet

ENGINE = "ptrace"
OTHERWISE = "root reads them without a stop: sudo sigscope handlers"


@dataclass
class _Seen:
    masks: dict[int, SignalSet] = field(default_factory=dict)
    queues: dict[int, tuple[SigInfo, ...]] = field(default_factory=dict)
    shared: tuple[SigInfo, ...] | None = None
    actions: MappingProxyType[int, SigAction] | None = None
    gaps: list[Gap] = field(default_factory=list)


def inspect(
    process: Process,
    permission: Permission,
    actions: bool = False,
    requests: Requests | None = None,
) -> Process:
    """The process with ``depth`` of it and its threads, engine "ptrace".

    ``actions`` asks for the sigactions, too. NoSuchTarget, NotPermitted, NotSupported;
    WouldHarm where not one thread can be looked at. A thread that is left alone is a gap.
    """
    obstacles = look_first(process.pid)
    alone = refuse(process.pid, obstacles, permission.force)
    seen = _Seen()
    reasons = {obstacle.tid: obstacle for obstacle in obstacles if obstacle.tid in alone}
    for tid, obstacle in reasons.items():
        seen.gaps.append(
            Gap(f"mask and queue of thread {tid} of {process.pid}", obstacle.why, obstacle.hint)
        )
    if reasons and not [one for one in process.living if one.tid not in alone]:
        first = next(iter(reasons.values()))
        raise WouldHarm(f"process {process.pid} is better not stopped: {first.why}", first.hint)
    plan = plan_for(process, permission) if actions else None
    hand = requests or Requests()

    def work(session: Session) -> None:
        _visit_all(session, alone, seen)
        if plan is not None:
            found = plan if isinstance(plan, str) else ask(session, plan, alone)
            if isinstance(found, str):
                seen.gaps.append(Gap(f"handlers of {process.pid}", found, OTHERWISE))
            else:
                seen.actions = found

    trace(process.pid, work, permission.proven, hand)
    return _filled(process, seen)


def _visit_all(session: Session, alone: frozenset[int], seen: _Seen) -> None:
    """Until a look at the threads finds no new one."""
    done = set(alone)
    while new := [tid for tid in session.tids() if tid not in done]:
        for tid in new:
            done.add(tid)
            try:
                with session.visit(tid) as tracee:
                    _read(tracee, seen)
            except ProcessLookupError:
                continue
            except TimeoutError as error:
                what = f"mask and queue of thread {tid} of {session.pid}"
                seen.gaps.append(Gap(what, str(error), "try again when it does something else"))
            else:
                if tracee.hurt is not None:
                    what = f"the call of thread {tid} of {session.pid}"
                    seen.gaps.append(Gap(what, "it may have failed with EINTR for this look"))


def _read(tracee: Tracee, seen: _Seen) -> None:
    """All of it, or nothing: a thread that is killed meanwhile answers no more."""
    tracee.registers()
    mask, queue = tracee.mask(), tracee.queue(shared=False)
    if seen.shared is None:
        seen.shared = tracee.queue(shared=True)
    seen.masks[tracee.tid], seen.queues[tracee.tid] = mask, queue


def _filled(process: Process, seen: _Seen) -> Process:
    threads = tuple(
        thread._replace(
            depth=ThreadDepth(
                ENGINE,
                blocked=seen.masks[thread.tid],
                queue=told_here(process, seen.queues[thread.tid]),
            )
        )
        if thread.tid in seen.masks
        else thread
        for thread in process.threads
    )
    shared = None if seen.shared is None else told_here(process, seen.shared)
    depth = ProcessDepth(
        ENGINE,
        actions=_all_actions(process, seen.actions),
        queue=shared,
        queued=None if shared is None else len(shared),
    )
    return replace(process, threads=threads, depth=depth, gaps=(*process.gaps, *seen.gaps))


def _all_actions(
    process: Process, found: MappingProxyType[int, SigAction] | None
) -> tuple[SigAction, ...] | None:
    """64 of them. Only caught signals were asked for: the others have no flags to speak of."""
    if found is None or process.ignored is None:
        return None
    ignored = process.ignored
    return tuple(
        found.get(number) or SigAction(SIG_IGN if number in ignored else SIG_DFL, 0, EMPTY)
        for number in range(FIRST, LAST + 1)
    )
