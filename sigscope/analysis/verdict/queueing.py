"""In the queue: merged with one that waits, refused for a full queue, or SIGKILL.

__send_signal_locked() of kernel/signal.c; sigqueue(3), setrlimit(2).
"""

from __future__ import annotations

from sigscope.analysis.verdict.delivery import VFORKS, Delivery, Verdict, decided
from sigscope.model.explanation import Outcome
from sigscope.model.process import Freezer
from sigscope.model.signals import EMPTY, RTMIN
from sigscope.model.state import State

KERNEL_RTMIN = 32
"""Where real-time signals begin for the kernel; glibc keeps the first two for itself."""
assert KERNEL_RTMIN < RTMIN


def already_pending(delivery: Delivery) -> Verdict | None:
    """legacy_queue(): a signal below 32 is queued once; a second one merges with it."""
    if delivery.signal >= KERNEL_RTMIN:
        return None
    if delivery.order.tid is None:
        waiting = delivery.process.pending or EMPTY
    else:
        waiting = (delivery.addressed.pending if delivery.addressed else None) or EMPTY
    if delivery.signal not in waiting or delivery.name == "SIGKILL":
        return None
    if where := _blocked(delivery):
        delivery.say("it is blocked, and the one that was sent before still waits", where)
    delivery.say("it merges with one that is pending already", "below 32 a signal is queued once")
    return decided(Outcome.PENDING)


def _blocked(delivery: Delivery) -> str:
    """Who holds back the one that waits; "" if that is not the mask."""
    process, tid = delivery.process, delivery.order.tid
    if tid is not None:
        thread = delivery.addressed
        blocks = thread is not None and delivery.signal in (thread.blocked or EMPTY)
        return f"thread {tid} blocks it" if blocks else ""
    if delivery.signal not in (process.blocked_by_all or EMPTY):
        return ""
    count = len(process.living)
    return "its only thread blocks it" if count == 1 else f"all {count} threads block it"


def repeated(delivery: Delivery) -> Verdict | None:
    """Sent several times: below 32 they merge, from 32 on each takes a place in the queue."""
    count, queue = delivery.order.count, delivery.process.queue
    if count < 2:
        return None
    if delivery.signal < KERNEL_RTMIN:
        delivery.say(f"{count} sends count as one, if none is taken between", "below 32 they merge")
    elif queue is not None and queue.used + count > queue.limit:
        room = max(0, queue.limit - queue.used)
        delivery.say(
            f"of {count} sends {room} find room", f"{queue.limit} may be queued for its user"
        )
    else:
        delivery.say(f"all {count} are queued, in order", "a real-time signal does not merge")
    return None


def queue_limit(delivery: Delivery) -> Verdict | None:
    """RLIMIT_SIGPENDING counts all signals queued for the target's real user."""
    queue = delivery.process.queue
    if delivery.signal < KERNEL_RTMIN or queue is None or queue.used < queue.limit:
        return None
    if delivery.order.queued or delivery.order.tid is not None:
        delivery.say(
            "the call fails with EAGAIN",
            f"{queue.used} of {queue.limit} signals are queued for user {delivery.process.uid}",
        )
        return decided(Outcome.REFUSED)
    delivery.say("its siginfo is lost", "the queue is full; kill(2) queues it without")
    return None


def kill(delivery: Delivery) -> Verdict | None:
    """SIGKILL ends everything that is not frozen (v1) or deep in the kernel."""
    if delivery.name != "SIGKILL":
        return None
    process = delivery.process
    if process.frozen is Freezer.V1:
        delivery.say(
            "it waits until the process is thawed", "a v1 cgroup freezer holds even SIGKILL"
        )
        return decided(Outcome.PENDING)
    deep = [
        thread
        for thread in process.living
        if thread.state is State.UNINTERRUPTIBLE
        and not (thread.syscall is not None and thread.syscall.name in VFORKS)
    ]
    if deep:
        delivery.say(
            "it ends when the kernel lets go",
            f"thread {deep[0].tid} is in uninterruptible sleep, for a moment or for ever",
        )
        return decided(Outcome.PENDING, Outcome.TERMINATED)
    delivery.say("it is terminated", "nothing blocks or handles SIGKILL")
    return decided(Outcome.TERMINATED, to=tuple(thread.tid for thread in process.living))
