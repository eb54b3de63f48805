"""What only a stopped thread tells: true masks, queues with their senders, sigactions.

One thread after another is stopped, asked and let go, so that each stands for some
tens of microseconds, and never all of them. Process-wide things are asked once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from sigscope.errors import DecodeError, WouldHarm
from sigscope.kernel.place import here
from sigscope.kernel.ptrace.asking import Answers, Permission, ask, plan_for
from sigscope.kernel.ptrace.preflight import look_first, refuse
from sigscope.kernel.ptrace.questions import Topic, topic_of
from sigscope.kernel.ptrace.requests import Requests
from sigscope.kernel.ptrace.senders import told_here
from sigscope.kernel.ptrace.session import Session, trace
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.model.depth import ProcessDepth, ThreadDepth
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.registers import Registers
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import SignalSet
from sigscope.model.subject import Subject

ENGINE = "ptrace"
OTHERWISE = "leave out --engine: it is read without a stop"


@dataclass
class _Seen:
    masks: dict[int, SignalSet] = field(default_factory=dict)
    queues: dict[int, tuple[SigInfo, ...]] = field(default_factory=dict)
    shared: tuple[SigInfo, ...] | None = None
    registers: dict[int, Registers] = field(default_factory=dict)
    answers: Answers = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


def inspect(
    process: Process,
    permission: Permission,
    subjects: Collection[Subject] = (),
    requests: Requests | None = None,
) -> Process:
    """The process with ``depth`` of it and its threads, engine "ptrace".

    What another engine has told before, and a stop does not tell, is kept. ``subjects`` are asked
    for, too, by calls inside the process. NoSuchTarget, NotPermitted, NotSupported;
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
    topics, unknown = _topics(process, subjects)
    plan = plan_for(process, permission, topics) if topics else None
    hand = requests or Requests()

    def work(session: Session) -> None:
        _visit_all(session, alone, seen)
        if isinstance(plan, str):
            seen.answers = {topic.subject: plan for topic in topics}
        elif plan is not None:
            seen.answers = ask(session, plan, alone, seen.registers)

    trace(process.pid, work, permission.proven, hand)
    seen.answers = {**seen.answers, **unknown}
    return _told(_filled(process, seen), topics, seen)


def _topics(
    process: Process, subjects: Collection[Subject]
) -> tuple[tuple[Topic, ...], dict[Subject, str]]:
    """What is asked, and of the rest why it is not."""
    topics, unknown = [], {}
    for subject in Subject:
        if subject in subjects:
            try:
                topics.append(topic_of(process, subject))
            except OSError as error:
                unknown[subject] = error.strerror or "it is gone"
            except DecodeError as error:
                unknown[subject] = error.message
    return tuple(topics), unknown


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
    seen.registers[tracee.tid] = tracee.registers()
    mask, queue = tracee.mask(), tracee.queue(shared=False)
    if seen.shared is None:
        seen.shared = tracee.queue(shared=True)
    seen.masks[tracee.tid], seen.queues[tracee.tid] = mask, queue


def _filled(process: Process, seen: _Seen) -> Process:
    threads = tuple(
        thread._replace(
            depth=replace(
                thread.depth or ThreadDepth(ENGINE),
                engine=ENGINE,
                blocked=seen.masks[thread.tid],
                queue=told_here(process, seen.queues[thread.tid]),
            )
        )
        if thread.tid in seen.masks
        else thread
        for thread in process.threads
    )
    depth = replace(process.depth or ProcessDepth(ENGINE), engine=ENGINE)
    if seen.shared is not None:
        shared = told_here(process, seen.shared)
        depth = replace(depth, queue=shared, queued=len(shared))
    return replace(process, threads=threads, depth=depth, gaps=(*process.gaps, *seen.gaps))


def _told(process: Process, topics: Collection[Topic], seen: _Seen) -> Process:
    """With what it answered, and a gap for each subject of which it told nothing."""
    failed = {subject: why for subject, why in seen.answers.items() if isinstance(why, str)}
    for topic in topics:
        answers = seen.answers[topic.subject]
        if not isinstance(answers, str):
            try:
                process = replace(process, depth=topic.read(process, answers))
            except OSError as error:
                failed[topic.subject] = f"its own call failed: {error.strerror}"
    if not failed:
        return process
    from sigscope.kernel.access import bpf

    shut = bpf(here())  # the other way to the same
    hint, refused = (OTHERWISE, False) if shut is None else (shut.hint, True)
    gaps = (Gap(one.of(process.pid), why, hint, refused=refused) for one, why in failed.items())
    return replace(process, gaps=(*process.gaps, *gaps))
