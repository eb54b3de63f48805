"""Which thread takes it, and what that makes of it.

complete_signal() and get_signal() of kernel/signal.c; fs/signalfd.c; do_sigtimedwait().
"""

from __future__ import annotations

from sigscope.analysis.verdict.delivery import VFORKS, Delivery, Verdict, decided
from sigscope.analysis.verdict.groups import orphaned
from sigscope.model.explanation import Outcome
from sigscope.model.process import Freezer, SignalFd
from sigscope.model.signals import Action
from sigscope.model.state import State
from sigscope.model.thread import Thread

BY_ACTION = {
    Action.TERMINATE: Outcome.TERMINATED,
    Action.CORE: Outcome.DUMPED,
    Action.STOP: Outcome.STOPPED,
    Action.IGNORE: Outcome.DISCARDED,
    Action.CONTINUE: Outcome.DISCARDED,
}


def nobody_open(delivery: Delivery) -> Verdict | None:
    """No thread wants it: it waits, unless somebody fetches it through a signalfd."""
    if delivery.candidates:
        return None
    process = delivery.process
    if any(delivery.held(thread) for thread in process.living):
        what = "held by its tracer" if _traced_stop(delivery) else "stopped"
        delivery.say("it waits until the process goes on", f"it is {what}")
        return _waits(delivery)
    where = _where_blocked(delivery)
    takers, idle = _signalfds(delivery)
    if takers:
        tids = ", ".join(map(str, takers))
        delivery.say("a signalfd takes it", f"{where}, and thread {tids} waits for the signalfd")
        return decided(Outcome.CONSUMED, to=takers)
    if process.signalfds is None:
        delivery.say("it stays pending", f"{where}; whether a signalfd takes it is not known")
        return _waits(delivery)
    if idle:
        delivery.say("it stays pending", f"{where}; nobody waits for signalfd {idle[0].fd} now")
        return _waits(delivery)
    delivery.say("it stays pending", where)
    return _waits(delivery)


def fatal_at_once(delivery: Delivery) -> Verdict | None:
    """sig_fatal() without a core dump takes the group down at the send, wherever it sleeps."""
    fatal = delivery.disposition == "default" and delivery.signal.default_action is Action.TERMINATE
    process = delivery.process
    if not fatal or process.tracer is not None or delivery.spared:
        return None
    if process.frozen is Freezer.V1:
        delivery.say("it waits until the process is thawed", "a v1 cgroup freezer holds it")
        return decided(Outcome.PENDING)
    waiting = [thread for thread in delivery.candidates if delivery.awaits(thread)]
    if waiting:
        return None
    delivery.say(
        "it is terminated", f"there is no handler for {delivery.name}, and the default is to end"
    )
    return decided(Outcome.TERMINATED, to=_tids(delivery.candidates))


def taken_by_the_chosen(delivery: Delivery) -> Verdict:
    """One of the open threads is woken, and takes it by the disposition."""
    candidates = delivery.candidates
    if len(candidates) > 1:
        delivery.say(f"one of {len(candidates)} threads is chosen", "the leader does not want it")
    if delivery.process.tracer is not None:
        delivery.say("its tracer decides", f"pid {delivery.process.tracer} sees it first")
        return decided(Outcome.UNKNOWN, to=_tids(candidates))
    if delivery.process.frozen is not None:
        delivery.say("it waits until the process is thawed", "its cgroup is frozen")
        return decided(Outcome.PENDING)
    outcomes = [outcome for thread in candidates for outcome in _by_thread(delivery, thread)]
    if delivery.continued:
        outcomes.insert(0, Outcome.CONTINUED)
    return decided(*outcomes, to=_tids(candidates))


def _by_thread(delivery: Delivery, thread: Thread) -> tuple[Outcome, ...]:
    if delivery.awaits(thread):
        return _by_sigwait(delivery, thread)
    if thread.state is State.UNINTERRUPTIBLE:
        vfork = thread.syscall is not None and thread.syscall.name in VFORKS
        why = "it waits for its vfork child" if vfork else "it is in uninterruptible sleep"
        delivery.say(f"it waits for thread {thread.tid}", f"the kernel chose that one, and {why}")
        return (Outcome.PENDING,) if vfork else (Outcome.PENDING, _by_disposition(delivery))
    reading = [fd for fd in delivery.process.signalfds or () if thread.tid in fd.readers]
    if any(delivery.signal in fd.signals for fd in reading):
        delivery.say(f"thread {thread.tid} takes it from its signalfd", "it sits in a read of it")
        return (Outcome.CONSUMED, _by_disposition(delivery))
    return (_by_disposition(delivery),)


def _by_sigwait(delivery: Delivery, thread: Thread) -> tuple[Outcome, ...]:
    """do_sigtimedwait() opens the awaited set; /proc does not show what it was before."""
    delivery.say(f"thread {thread.tid} takes it", "it waits for it in sigwait")
    default_end = delivery.signal.default_action is Action.TERMINATE
    if delivery.disposition == "default" and default_end and not delivery.spared:
        delivery.say(
            "or it ends the process",
            "if the thread did not block it before, as POSIX demands; /proc does not say",
        )
        return (Outcome.CONSUMED, Outcome.TERMINATED)
    return (Outcome.CONSUMED,)


def _by_disposition(delivery: Delivery) -> Outcome:
    name = delivery.name
    if delivery.disposition == "caught":
        delivery.say("its handler runs", f"a handler for {name} is installed")
        return Outcome.HANDLED
    if delivery.does_nothing:
        delivery.say(f"{name} is taken and dropped", "its disposition is to do nothing")
        return Outcome.DISCARDED
    if delivery.spared and not delivery.kernel_only:
        delivery.say(f"{name} is taken and dropped", "an init gets no default action")
        return Outcome.DISCARDED
    action = delivery.signal.default_action
    if action is Action.STOP and name != "SIGSTOP":
        alone = orphaned(delivery.host, delivery.process)
        if alone is None:
            delivery.say("not known", "the rest of its process group was not seen")
            return Outcome.UNKNOWN
        if alone:
            delivery.say(
                f"{name} is dropped", "its process group is orphaned: no shell to continue it"
            )
            return Outcome.DISCARDED
    delivery.say(f"the default is to {action.value}", f"there is no handler for {name}")
    return BY_ACTION[action]


def _signalfds(delivery: Delivery) -> tuple[tuple[int, ...], tuple[SignalFd, ...]]:
    """Threads that fetch it, and signalfds that have it while nobody waits.

    A signalfd gives its reader what is pending for the process, or for that thread itself.
    """
    fds = [fd for fd in delivery.process.signalfds or () if delivery.signal in fd.signals]
    takers = {tid for fd in fds for tid in (*fd.readers, *fd.pollers)}
    if delivery.order.tid is not None:
        takers &= {delivery.order.tid}
    frozen = delivery.process.frozen is not None
    return tuple(sorted(takers)) if not frozen else (), tuple(fd for fd in fds if not fd.attended)


def _where_blocked(delivery: Delivery) -> str:
    count = len(delivery.process.living)
    if delivery.order.tid is not None:
        return f"thread {delivery.order.tid} blocks it"
    return "its only thread blocks it" if count == 1 else f"all {count} threads block it"


def _waits(delivery: Delivery) -> Verdict:
    return decided(Outcome.CONTINUED if delivery.continued else Outcome.PENDING)


def _traced_stop(delivery: Delivery) -> bool:
    return any(thread.state is State.TRACED for thread in delivery.process.living)


def _tids(threads: tuple[Thread, ...]) -> tuple[int, ...]:
    return tuple(thread.tid for thread in threads)
