"""What a thread takes along when a signal wakes it: others that waited, and were open to it.

get_signal() of kernel/signal.c goes on until the queues hold nothing that is not blocked.
"""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.verdict.delivery import Delivery, Verdict
from sigscope.model.explanation import Outcome
from sigscope.model.signals import EMPTY, Action, Signal
from sigscope.model.thread import Thread

BY_ACTION = {
    Action.TERMINATE: Outcome.TERMINATED,
    Action.CORE: Outcome.DUMPED,
    Action.STOP: Outcome.STOPPED,
    Action.IGNORE: Outcome.DISCARDED,
    Action.CONTINUE: Outcome.DISCARDED,
}
_DOES = {Outcome.TERMINATED: "ends", Outcome.DUMPED: "ends", Outcome.STOPPED: "stops"}


def taken_along(delivery: Delivery, verdict: Verdict) -> tuple[Outcome, ...]:
    """A thread that wakes takes all that it finds, what waited for another thread included."""
    outcomes: list[Outcome] = []
    for thread in delivery.process.living:
        if thread.tid not in verdict.receivers or delivery.held(thread):
            continue
        found = (delivery.process.pending or EMPTY) | (thread.pending or EMPTY)
        for signal in found - (thread.blocked or EMPTY):
            if signal == delivery.signal or not (acts := _acts(delivery, signal)):
                continue
            delivery.say(
                f"{signal.name}, pending, {_DOES[acts]} it", f"thread {thread.tid} takes that along"
            )
            outcomes += (acts, Outcome.PENDING) if acts is Outcome.STOPPED else (acts,)
    return tuple(outcomes)


def released(delivery: Delivery, thread: Thread) -> Iterator[Outcome]:
    """A signal that is handled, or dropped, ends ppoll and its kin, and their mask with it.

    What only that mask held back is then delivered; whether it did /proc does not show, and
    the mask that comes back does.
    """
    if thread.syscall is None or not thread.syscall.opens_mask:
        return
    waiting = (delivery.process.pending or EMPTY) | (thread.pending or EMPTY)
    back = thread.depth.saved if thread.depth is not None else None
    for signal in waiting & (thread.blocked or EMPTY) - (back or EMPTY):
        if outcome := _acts(delivery, signal):
            delivery.say(
                f"but {signal.name}, pending, may be let in",
                f"it ends the {thread.syscall.name} of thread {thread.tid}, and its mask",
            )
            yield outcome


def _acts(delivery: Delivery, signal: Signal) -> Outcome | None:
    """What another signal, which waits, does to the process by default."""
    if signal.name == "SIGSTOP":  # one that is queued stops an init, too
        return Outcome.STOPPED
    if delivery.process.disposition(signal) != "default" or delivery.process.unkillable:
        return None
    outcome = BY_ACTION[signal.default_action]
    return None if outcome is Outcome.DISCARDED else outcome
