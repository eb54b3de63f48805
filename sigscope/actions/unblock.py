"""Opening signals in the masks of another process's threads, live; and closing them again.

Each thread is stopped for a moment, its mask set (PTRACE_SETSIGMASK of ptrace(2)), read back, and
let go as if nothing had been (``kernel.ptrace``). If we are killed in between, the thread goes
on with the one mask or the other; the record for the undo was written before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sigscope.errors import NoSuchTarget
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.ptrace.session import Session, trace
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.kernel.undoing import forget, load, save
from sigscope.model.signals import EMPTY, SignalSet
from sigscope.model.unblock import Change, Done, Plan, Record

NewMask = Callable[[SignalSet], SignalSet]


def unblock(plan: Plan, proven: frozenset[str] = frozenset()) -> tuple[Done, ...]:
    """Do what is planned; what was done to each thread, read back from the kernel.

    NoSuchTarget (another process has its pid), NotPermitted (who refused is said), NotSupported.
    """
    opened = tuple((change.tid, change.opened) for change in plan.changes)
    before = _recorded(plan)
    save(Record(plan.pid, plan.start_time, plan.comm, opened))
    masks = {tid: _without(bits) for tid, bits in opened}
    done: list[Done] = []
    try:
        _each(plan.pid, plan.start_time, masks, proven, done)
    finally:
        if not any(one.change is not None for one in done):  # nothing to undo but what was
            forget(Record(plan.pid, plan.start_time, plan.comm, ()))
            if before is not None:
                save(before)
    return tuple(done)


def _recorded(plan: Plan) -> Record | None:
    """What is recorded of this process already."""
    try:
        return load(plan.pid, plan.start_time)
    except NoSuchTarget:
        return None


def undo(record: Record, proven: frozenset[str] = frozenset()) -> tuple[Done, ...]:
    """Block again what was opened; the record is forgotten once every thread is done."""
    masks = {tid: _with(bits) for tid, bits in record.opened}
    done: list[Done] = []
    _each(record.pid, record.start_time, masks, proven, done)
    if all(one.change is not None or one.why == _GONE for one in done):
        forget(record)
    return tuple(done)


_GONE = "it has ended"


def _without(bits: SignalSet) -> NewMask:
    return lambda mask: mask - bits


def _with(bits: SignalSet) -> NewMask:
    return lambda mask: mask | bits


def _each(
    pid: int,
    start_time: int,
    masks: dict[int, NewMask],
    proven: frozenset[str],
    done: list[Done],
) -> None:
    def work(session: Session) -> None:
        # The session holds on to this very process: whoever comes later is another one.
        if read_status(ProcFS(engine="proc"), pid).start_time != start_time:
            raise NoSuchTarget(f"process {pid} has ended meanwhile", "its pid is used again")
        for tid, new in masks.items():
            done.append(_one(session, tid, new))

    trace(pid, work, proven)


def _one(session: Session, tid: int, new: NewMask) -> Done:
    try:
        with session.visit(tid) as tracee:
            return Done(tid, _set(tracee, new))
    except ProcessLookupError:
        return Done(tid, None, _GONE)
    except TimeoutError as error:
        return Done(tid, None, str(error))


def _set(tracee: Tracee, new: NewMask) -> Change:
    before = tracee.mask()
    if new(before) != before:
        tracee.set_mask(new(before))
    return Change(tracee.tid, before, tracee.mask())


def blocked_again(pid: int, changes: Iterable[Change]) -> dict[int, SignalSet]:
    """What of the opened is blocked again, by thread: the program sets its mask itself."""
    process = read_status(ProcFS(engine="proc"), pid)
    found = {}
    for change in changes:
        thread = process.thread(change.tid)
        if thread is None or thread.state.gone:
            continue
        if bits := (thread.blocked or EMPTY) & change.opened:
            found[change.tid] = bits
    return found
