"""A signal was sent, and it waits for ever: the strongest evidence there is.

Among 93 healthy processes of 55 programs none had it, while 16 had something blocked in
all threads. So what is blocked *and* pending, and taken by no signalfd or sigwait, is an
error. (A thread in sigwait shows what it awaits as not blocked: it never gets here.)

Beside a container, without a capability, the masks are readable and the descriptors are not. Then
one case is left that needs no look at them: a handler, under a mask that another program made.
Who takes a signal by a signalfd blocks it himself, and installs no handler for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_

from sigscope.analysis.blame import blame, open_it, start_clean
from sigscope.analysis.case import Case
from sigscope.analysis.launder import CHLD
from sigscope.model.finding import Finding, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.signals import EMPTY, Action, SignalSet
from sigscope.model.thread import Thread

ID = "blocked-pending"
MEANS = (
    "a signal is pending, and blocked in every thread that could take it; no signalfd or"
    " sigwait of the process takes it"
)


def check(case: Case) -> Iterator[Finding | Gap]:
    process = case.process
    # make and bash block SIGCHLD at times, and fetch their children by wait(2) all the same.
    unless_inherited = CHLD - case.inherited(case.blocked & CHLD)
    matters = case.matters - unless_inherited
    stuck = (process.pending or EMPTY) & case.blocked & matters
    by_thread = {
        thread: held
        for thread in process.living
        if (held := (thread.pending or EMPTY) & (thread.blocked or EMPTY) & matters)
    }
    if not case.signalfds_known and (stuck or by_thread):
        held = reduce(or_, by_thread.values(), stuck)
        unaware = case.inherited(held & case.caught)
        if held - unaware:
            yield case.not_assessed(ID)
        stuck = stuck & unaware
        by_thread = {thread: held & unaware for thread, held in by_thread.items()}
    for signals in _by_effect(case, stuck - case.by_signalfd):
        yield _finding(case, signals, None)
    for thread, held in by_thread.items():
        for signals in _by_effect(case, held - case.by_signalfd):
            yield _finding(case, signals, thread)


def _by_effect(case: Case, signals: SignalSet) -> Iterator[SignalSet]:
    """Those with a handler, and those that would take their default action."""
    yield from filter(None, (signals & case.caught, signals - case.caught))


def _finding(case: Case, signals: SignalSet, thread: Thread | None) -> Finding:
    process = case.process
    verb = "are" if len(signals) > 1 else "is"
    alone = len(process.living) == 1
    where = (
        f"in thread {thread.tid}, to which it was sent"
        if thread and not alone
        else "in its only thread"
        if alone
        else f"in all {len(process.living)} threads"
    )
    return Finding(
        id=ID,
        severity=Severity.ERROR,
        pid=process.pid,
        tid=thread.tid if thread else None,
        signals=tuple(signals),
        title=f"{listed(signals)} {verb} pending and blocked {where}: {_effect(case, signals)}",
        detail="sent, and not delivered; it stays so until a thread opens its mask",
        evidence=(*_masks(case, thread), *_likely(case), *blame(case, signals)),
        remedies=(open_it(case, signals, thread.tid if thread else None), start_clean(case)),
    )


def _effect(case: Case, signals: SignalSet) -> str:
    comm = case.process.comm
    if signals <= case.caught:
        return f"the handler that {comm} installed cannot run"
    if all(signal.default_action is Action.STOP for signal in signals):
        return f"{comm} does not stop"
    return f"{comm} should have ended, and does not"


def _likely(case: Case) -> tuple[str, ...]:
    if case.signalfds_known:
        return ()
    return ("likely: whether a signalfd takes it could not be read; a handler says that none does",)


def _masks(case: Case, thread: Thread | None) -> tuple[str, ...]:
    process = case.process
    if thread is not None:
        pending, blocked = thread.pending or EMPTY, thread.blocked or EMPTY
        return (f"SigPnd {pending.hex} and SigBlk {blocked.hex} of thread {thread.tid}",)
    masks = {mask.hex: 0 for mask in (thread.blocked for thread in process.living) if mask}
    first = " / ".join(list(masks)[:2]) + (" ..." if len(masks) > 2 else "")
    pending = process.pending or EMPTY
    return (f"ShdPnd {pending.hex}, SigBlk {first}",)
