"""At the send: is there anybody, may we, and does the kernel drop it at once?

check_kill_permission() and prepare_signal() of kernel/signal.c.
"""

from __future__ import annotations

from sigscope.analysis.verdict.delivery import Delivery, Verdict, decided
from sigscope.analysis.verdict.queueing import queue_limit
from sigscope.model.explanation import Outcome
from sigscope.model.naming import listed
from sigscope.model.signals import EMPTY, Action, Signal, SignalSet
from sigscope.model.thread import Thread

KILL = Signal.named("SIGKILL")
CONT = SignalSet.of("SIGCONT")
STOPS = SignalSet.of("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")


def existence(delivery: Delivery) -> Verdict | None:
    """The dead take nothing, and kill(2) succeeds all the same."""
    process, addressed = delivery.process, delivery.addressed
    if process.kernel_thread:
        delivery.say("nothing happens", "a kernel thread ignores all signals (ignore_signals)")
        return decided(Outcome.DISCARDED)
    if process.zombie:
        delivery.say("nothing happens", "it is a zombie: it has ended, and waits to be reaped")
        return decided(Outcome.DISCARDED)
    if addressed is None:
        delivery.say("not known", "the thread was not seen")
        return decided(Outcome.UNKNOWN)
    if delivery.order.tid is not None and addressed.state.gone:
        return _to_dead_thread(delivery)
    return None


def _to_dead_thread(delivery: Delivery) -> Verdict:
    """A dead leader stays while other threads live; not every kernel looks before it drops.

    On some Linux 6.18 nothing at all happens, on others SIGCONT still wakes the others, and
    a signal that is not ignored still has to find room in the queue.
    """
    tid, outcomes = delivery.order.tid, []
    if delivery.signal.default_action is Action.CONTINUE and delivery.stopped:
        delivery.say("the process goes on", "SIGCONT wakes all threads, to whichever it is sent")
        outcomes.append(Outcome.CONTINUED)
    elif not _ignored_by(delivery, delivery.addressed):
        refused = queue_limit(delivery)
        outcomes += refused.outcomes if refused else ()
    what = "or nothing happens" if outcomes else "nothing happens"
    delivery.say(what, f"thread {tid} has ended, though others live on")
    return decided(*outcomes, Outcome.DISCARDED)


def _ignored_by(delivery: Delivery, thread: Thread | None) -> bool:
    """Does it neither block the signal nor make anything of it?"""
    blocked = (thread.blocked if thread else None) or EMPTY
    return delivery.signal not in blocked and (delivery.does_nothing or delivery.spared)


def permission(delivery: Delivery) -> Verdict | None:
    """kill_ok_by_cred(): the sender's uid is the target's real or saved one, or 0."""
    process, uid = delivery.process, delivery.order.uid
    if uid in (0, process.uid, process.saved_uid):
        return None
    if delivery.name == "SIGCONT" and delivery.order.session == process.session:
        delivery.say("permitted", "SIGCONT may be sent to any process of one's own session")
        return None
    delivery.say("kill fails with EPERM", f"user {uid} may not signal a process of {process.uid}")
    return decided(Outcome.REFUSED)


def known(delivery: Delivery) -> Verdict | None:
    """Everything from here on rests on masks and dispositions."""
    process = delivery.process
    if delivery.kernel_only:
        return None
    if process.blocked_by_some is None or process.pending is None:
        delivery.say("not known", "the masks of the process could not be read")
        return decided(Outcome.UNKNOWN)
    if delivery.disposition == "unknown":
        delivery.say("not known", "the dispositions of the process could not be read")
        return decided(Outcome.UNKNOWN)
    return None


def dying(delivery: Delivery) -> Verdict | None:
    """SIGNAL_GROUP_EXIT: a fatal signal was taken before, and shows as SIGKILL in each thread."""
    process = delivery.process
    pending = [thread.pending or EMPTY for thread in process.living]
    if not any(KILL in mask for mask in (*pending, process.pending or EMPTY)):
        return None
    delivery.say("nothing more happens", "a fatal signal is pending already: it is about to die")
    return decided(Outcome.DISCARDED)


def stop_and_continue(delivery: Delivery) -> Verdict | None:
    """Side effects that come before everything else, even if the signal is blocked or ignored."""
    action = delivery.signal.default_action
    pending = delivery.process.pending or EMPTY
    cancelled = CONT if action is Action.STOP else STOPS if action is Action.CONTINUE else EMPTY
    if lost := pending & cancelled:
        delivery.say(
            f"{listed(lost)}, pending, is discarded", "stop signals and SIGCONT cancel each other"
        )
    if action is not Action.CONTINUE:
        return None
    if delivery.process.tracer is not None:
        return _to_traced(delivery)
    if delivery.stopped:
        delivery.continued = True
        delivery.say("the process goes on", "SIGCONT continues even where it is blocked or ignored")
    return None


def _to_traced(delivery: Delivery) -> Verdict:
    """ptrace_trap_notify(): the tracer hears of it. In a group stop or another one? Both are t."""
    delivery.say(
        "its tracer decides", f"SIGCONT wakes all threads, and pid {delivery.process.tracer}"
    )
    tids = tuple(thread.tid for thread in delivery.process.living)
    if delivery.in_ptrace_stop:
        # A dead leader is not traced any more: what it ignores is dropped.
        gone = delivery.addressed is not None and delivery.addressed.state.gone
        dropped = (Outcome.DISCARDED,) if gone else ()
        return decided(Outcome.PENDING, Outcome.CONTINUED, *dropped, to=tids)
    return decided(Outcome.UNKNOWN, to=tids)


def ignored(delivery: Delivery) -> Verdict | None:
    """sig_ignored(): blocked beats ignored, and both look at the addressed thread only."""
    process, addressed = delivery.process, delivery.addressed
    assert addressed is not None
    if delivery.signal in (addressed.blocked or EMPTY) and not delivery.kernel_only:
        return None
    if delivery.awaits(addressed) and (before := delivery.blocked_before(addressed)) is not False:
        delivery.perhaps_dropped = before is None and (delivery.does_nothing or delivery.spared)
        return None
    if delivery.machine_init and delivery.kernel_only:
        delivery.say("nothing happens", "nobody can kill or stop the init of the host")
        return decided(Outcome.DISCARDED)
    # A tracer wants to hear of ignored signals, too; of a dead leader it has let go.
    if process.tracer is not None and not addressed.state.gone and delivery.name != "SIGKILL":
        return None
    if delivery.spared and not delivery.forced:
        where = "the host" if delivery.machine_init else "its pid namespace"
        delivery.say("nothing happens", f"it is the init of {where}, and has no handler for it")
        return decided(Outcome.DISCARDED)
    if delivery.does_nothing:
        why = (
            "it ignores it" if delivery.disposition == "ignored" else "the default is to do nothing"
        )
        delivery.say(
            f"{delivery.name} is dropped", f"{why}, and {_who(delivery)} does not block it"
        )
        return decided(Outcome.DISCARDED)
    return None


def _who(delivery: Delivery) -> str:
    single = len(delivery.process.living) == 1
    return "its only thread" if single else f"thread {delivery.order.tid or delivery.process.pid}"
