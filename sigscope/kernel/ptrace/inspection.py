"""What only a stopped thread tells: true masks, queues with their senders, sigactions.

One thread after another is stopped, asked and let go, so that each stands for some
tens of microseconds, and never all of them. Process-wide things are asked once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sigscope.decode.status import decode_status
from sigscope.decode.syscall import decode_syscall
from sigscope.errors import DecodeError, WouldHarm
from sigscope.kernel.directory import LiveDirectory
from sigscope.kernel.ptrace.ground import Ground, find_ground
from sigscope.kernel.ptrace.injection import NEEDS, CannotInject, read_actions
from sigscope.kernel.ptrace.preflight import look_first, refuse
from sigscope.kernel.ptrace.requests import Requests
from sigscope.kernel.ptrace.senders import told_here
from sigscope.kernel.ptrace.session import Session, trace
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.model.depth import ProcessDepth, ThreadDepth
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.seccomp import Filter
from sigscope.model.sigaction import SIG_DFL, SIG_IGN, SigAction
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import EMPTY, FIRST, LAST, SignalSet
from sigscope.model.state import State

ENGINE = "ptrace"
TRIES = 3


@dataclass(frozen=True)
class Permission:
    """What the caller has found out, and what the user has asked for.

    ``proven``: names of the system calls that all filters of the process are known to allow.
    ``judge`` tells the same of the filters of a thread, where it takes a stop to read them.
    ``force``: threads whose call would notice the stop are looked at all the same.
    """

    proven: frozenset[str] = frozenset()
    force: bool = False
    judge: Callable[[tuple[Filter, ...]], frozenset[str]] | None = None


@dataclass
class _Seen:
    masks: dict[int, SignalSet] = field(default_factory=dict)
    queues: dict[int, tuple[SigInfo, ...]] = field(default_factory=dict)
    shared: tuple[SigInfo, ...] | None = None
    actions: MappingProxyType[int, SigAction] | None = None
    gaps: list[Gap] = field(default_factory=list)


def inspect(
    process: Process,
    permission: Permission = Permission(),
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
    plan = _plan(process, permission, seen) if actions else None
    hand = requests or Requests()

    def work(session: Session) -> None:
        _visit_all(session, alone, seen)
        if plan is not None:
            _ask(session, plan, alone, seen, permission if process.seccomp else None)

    trace(process.pid, work, permission.proven, hand)
    return _filled(process, seen)


def inspect_host(
    host: Host,
    permissions: MappingProxyType[int, Permission] | dict[int, Permission],
    actions: bool = False,
) -> Host:
    """The same for several processes of a host, by pid."""
    seen = dict(host.processes)
    for pid, permission in permissions.items():
        if pid in seen:
            seen[pid] = inspect(seen[pid], permission, actions)
    return replace(host, processes=MappingProxyType(seen))


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
    tracee.registers()
    seen.masks[tracee.tid] = tracee.mask()
    seen.queues[tracee.tid] = tracee.queue(shared=False)
    if seen.shared is None:
        seen.shared = tracee.queue(shared=True)


@dataclass(frozen=True)
class _Plan:
    ground: Ground
    signals: tuple[int, ...]
    order: tuple[int, ...]


def _plan(process: Process, permission: Permission, seen: _Seen) -> _Plan | None:
    """Who is asked for which sigactions; None, and a gap, where it had better not be done."""
    caught = tuple(process.caught or ())
    if not caught:
        seen.actions = MappingProxyType({})
        return None
    why = _forbidden(process, permission)
    try:
        ground = None if why else find_ground(process.pid, Requests())
    except (OSError, DecodeError) as error:
        why = f"its memory map cannot be read: {error}"
    if why is None and ground is None:
        why = "its code has none of the few instructions that are needed"
    if why is not None or ground is None:
        what = f"handlers of {process.pid}"
        seen.gaps.append(Gap(what, why or "", "sudo sigscope handlers reads them without a stop"))
        return None
    return _Plan(ground, caught, _order(process, ground))


def _forbidden(process: Process, permission: Permission) -> str | None:
    if process.state is State.STOPPED:
        return "it is stopped, and its parent would be told of another stop"
    if process.frozen is not None:
        return "it is frozen"
    if process.seccomp and not permission.proven >= NEEDS and permission.judge is None:
        return "a seccomp filter is not known to let rt_sigaction and rt_sigreturn pass"
    try:
        with LiveDirectory(f"/proc/{process.pid}") as directory:
            status = directory.record("status")
    except OSError as error:
        return error.strerror or "it is gone"
    for line in status.splitlines():
        if line.startswith(b"x86_Thread_features:") and b"shstk" in line:
            return "it runs on shadow stacks, which a return that we made would break"
    if decode_status(status).state.gone:
        return "its main thread has ended"
    return None


def _order(process: Process, ground: Ground) -> tuple[int, ...]:
    """Threads that sleep in a call on their own stack first: nothing can be half done there."""
    found: list[tuple[int, int]] = []
    for thread in process.living:
        path = f"/proc/{process.pid}/task/{thread.tid}"
        try:
            with LiveDirectory(path) as directory:
                call = decode_syscall(directory.record("syscall"), "x86_64")
        except (OSError, DecodeError):
            continue
        stands = ground.is_stack(call.stack_pointer)
        if call.running or stands:
            found.append((0 if stands and (call.number or 0) >= 0 else 1, thread.tid))
    return tuple(tid for _, tid in sorted(found))


def _ask(
    session: Session,
    plan: _Plan,
    alone: frozenset[int],
    seen: _Seen,
    filtered: Permission | None,
) -> None:
    why = "no thread stands on a stack of its own"
    for tid in [tid for tid in plan.order if tid not in alone][: 4 * TRIES]:
        for _ in range(TRIES):
            try:
                if filtered is not None:
                    _check_filters(session, tid, filtered)
                with session.visit(tid) as tracee:
                    seen.actions = read_actions(tracee, plan.ground, plan.signals)
                return
            except CannotInject as error:
                why = f"thread {tid}: {error}"
            except (ProcessLookupError, TimeoutError) as error:
                why = f"thread {tid}: {error}"
                break
    hint = "sudo sigscope handlers reads them without a stop"
    seen.gaps.append(Gap(f"handlers of {session.pid}", why, hint))


def _check_filters(session: Session, tid: int, permission: Permission) -> None:
    """The thread that is to make the call has to be allowed to, by its own filters."""
    if permission.proven >= NEEDS:
        return
    if permission.judge is None:
        raise CannotInject("its seccomp filter is not known to let rt_sigaction pass")
    with session.visit(tid) as tracee:
        try:
            filters = tracee.filters()
        except OSError as error:
            raise CannotInject(f"its seccomp filter cannot be read: {error.strerror}") from None
    if not permission.judge(filters) >= NEEDS:
        raise CannotInject("its seccomp filter does not let rt_sigaction or rt_sigreturn pass")


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


def threads_of(processes: Iterable[Process]) -> int:
    """How many threads an inspection of these would stop."""
    return sum(len(process.living) for process in processes)
