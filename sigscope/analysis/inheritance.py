"""One step of a lineage: did this parent give its child a blocked bit, and how is that known?

The kernel lists a child under the thread that forked it (/proc/PID/task/TID/children). When
that thread ends, its children move to another thread of the process (find_alive_thread of
kernel/exit.c): so the thread must block the signal now, and the child must still block *all*
that this thread blocks, or nothing is claimed.
"""

from __future__ import annotations

from sigscope.analysis.launder import CHLD, habit
from sigscope.model.lineage import Confidence, Link
from sigscope.model.process import Process
from sigscope.model.signals import LIBC_OWN, Signal, SignalSet
from sigscope.model.thread import Thread
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """``link`` is None where an inheritance from this parent is not shown."""

    because: str
    confidence: Confidence = Confidence.UNKNOWN
    link: Link | None = None


def passed_on(parent: Process, child: Process, signal: Signal) -> Step:
    """The step from a parent to its child, for one signal that the child blocks."""
    who = f"{parent.comm} {parent.pid}"
    opens = habit(parent.comm).opens
    if signal in opens:
        whole = "the mask" if habit(parent.comm).clears else signal.name
        return Step(
            f"{child.comm} blocked it itself: {parent.comm} opens {whole} in what it starts"
        )
    holders = parent.threads_blocking(signal)
    if not holders:
        return Step(_not_held(parent, child, signal))
    forker = parent.thread(child.forked_by) if child.forked_by is not None else None
    if forker is not None and forker not in holders:
        return Step(
            f"thread {forker.tid} of {who} has it as its child, and does not block {signal.name}"
            " now: it was blocked later, or the thread that forked it has ended"
        )
    kept = [thread for thread in ((forker,) if forker else holders) if _kept(thread, child, opens)]
    if not kept:
        return Step(
            f"{who} blocks {signal.name}, too, but also signals that {child.comm} does not block:"
            " the mask is not the one it was started with"
        )
    first = kept[0].tid
    link = Link(parent.pid, first, parent.comm, len(holders), len(parent.living))
    if forker is not None:
        because = f"the kernel lists it as a child of thread {first} of {who}"
        return Step(because, Confidence.EXACT, link)
    if len(parent.living) == 1:
        return Step(f"the only thread of {who} blocks it", Confidence.EXACT, link)
    because = f"which thread of {who} forked it is not shown; thread {first} has the same mask"
    return Step(because, Confidence.LIKELY, link)


def _kept(thread: Thread, child: Process, opens: SignalSet) -> bool:
    """Does the child still have all that it was given? Else its mask was made anew.

    SIGCHLD does not count: bash opens it, and may have stood in between (bash -c 'exec ...').
    """
    given = thread.lasting_mask
    return given is not None and any(
        mask is not None and given - LIBC_OWN - CHLD - opens <= mask
        for mask in (own.lasting_mask for own in child.living)
    )


def _not_held(parent: Process, child: Process, signal: Signal) -> str:
    who = f"{parent.comm} {parent.pid}"
    if parent.blocked_by_some is None:
        return f"the masks of {who} could not be read"
    if parent.pid == 1:
        return f"its parent is {who} now, which may have adopted it: who started it is gone"
    return (
        f"no thread of {who} blocks {signal.name} now: {child.comm} blocked it itself,"
        f" or {who} has changed since"
    )
