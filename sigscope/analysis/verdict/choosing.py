"""Which thread takes it, and what that makes of it.

complete_signal() and get_signal() of kernel/signal.c; fs/signalfd.c; do_sigtimedwait().
"""

from __future__ import annotations

from sigscope.analysis.verdict.along import BY_ACTION, released
from sigscope.analysis.verdict.delivery import VFORKS, Delivery, Verdict, decided
from sigscope.analysis.verdict.groups import orphaned
from sigscope.model.explanation import Outcome
from sigscope.model.process import Freezer, SignalFd
from sigscope.model.signals import EMPTY, Action
from sigscope.model.state import State
from sigscope.model.thread import Thread

_HIDDEN = "/proc does not say"


def nobody_open(delivery: Delivery) -> Verdict | None:
    """No thread wants it: it waits, unless somebody fetches it through a signalfd."""
    if delivery.candidates:
        return None
    process = delivery.process
    if any(delivery.held(thread) for thread in process.living):
        what = "held by its tracer" if delivery.in_ptrace_stop else "stopped"
        delivery.say("it waits until the process goes on", f"it is {what}")
        return decided(Outcome.PENDING)
    if woken := _masked_until_now(delivery):
        delivery.say("a thread may take it", "it goes on, and the mask of its call is over")
        return decided(Outcome.PENDING, to=(*woken, *_thieves(delivery)))
    where = _where_blocked(delivery)
    takers, idle = _signalfds(delivery)
    if takers:
        tids = ", ".join(map(str, takers))
        delivery.say("a signalfd takes it", f"{where}, and thread {tids} waits for the signalfd")
        return decided(Outcome.CONSUMED, to=takers)
    if process.signalfds is None:
        delivery.say("it stays pending", f"{where}; whether a signalfd takes it is not known")
        return decided(Outcome.PENDING)
    if idle:
        delivery.say("it stays pending", f"{where}; nobody waits for signalfd {idle[0].fd} now")
        return decided(Outcome.PENDING)
    delivery.say("it stays pending", where)
    return decided(Outcome.PENDING)


def fatal_at_once(delivery: Delivery) -> Verdict | None:
    """sig_fatal() without a core dump takes the group down at the send, wherever it sleeps."""
    if not delivery.fatal:
        return None
    process, candidates = delivery.process, delivery.candidates
    if process.frozen is Freezer.V1:
        delivery.say("it waits until the process is thawed", "a v1 cgroup freezer holds it")
        return decided(Outcome.PENDING)
    if any(delivery.awaits(thread) for thread in candidates):
        return None
    if delivery.spared:  # other kernels choose a thread
        return None if process.frozen is None else decided(*_ended(delivery), Outcome.PENDING)
    ended = _ended(delivery)
    if all(thread.state is State.UNINTERRUPTIBLE for thread in candidates):
        delivery.say(
            "or it waits", "a thread deep in the kernel that was woken before is not asked"
        )
        return decided(*ended, Outcome.PENDING, to=_tids(candidates))
    return decided(*ended, to=_tids(candidates))


def _ended(delivery: Delivery) -> tuple[Outcome, ...]:
    if not delivery.spared:
        why = f"there is no handler for {delivery.name}, and the default is to end"
        delivery.say("it is terminated", why)
        return (Outcome.TERMINATED,)
    delivery.say(
        "it is terminated",
        f"thread {delivery.process.pid} blocks {delivery.name} and another does not: since Linux"
        " 4.15 (commit 426915796cca) even an init is not spared then",
    )
    delivery.say(f"or {delivery.name} is dropped", "not every kernel does so")
    return (Outcome.TERMINATED, Outcome.DISCARDED)


def taken_by_the_chosen(delivery: Delivery) -> Verdict:
    """One of the open threads is woken, and takes it by the disposition."""
    candidates = delivery.candidates
    if len(candidates) > 1:
        deep = candidates[0].state is State.UNINTERRUPTIBLE
        delivery.say(
            f"one of {len(candidates)} threads takes it",
            f"the kernel asks thread {candidates[0].tid} first, unless it was woken before"
            if deep
            else "the kernel chooses in turn",
        )
    if delivery.process.tracer is not None:
        delivery.say("its tracer decides", f"pid {delivery.process.tracer} sees it first")
        return decided(Outcome.UNKNOWN, to=_tids(candidates))
    if delivery.process.frozen is not None:
        delivery.say("it waits until the process is thawed", "its cgroup is frozen")
        return decided(Outcome.PENDING)
    woken = tuple(dict.fromkeys((*candidates, *_readers(delivery))))
    outcomes = [outcome for thread in woken for outcome in _by_thread(delivery, thread)]
    if thieves := _thieves(delivery):
        tids = ", ".join(map(str, thieves))
        delivery.say(f"or thread {tids} is faster", "it waits for a signalfd that has the signal")
        outcomes.append(Outcome.CONSUMED)
    masked = _masked_until_now(delivery)
    return decided(*outcomes, to=tuple(dict.fromkeys((*_tids(woken), *thieves, *masked))))


def _thieves(delivery: Delivery) -> tuple[int, ...]:
    """signalfd_notify() wakes whoever waits for a signalfd: it may be there before the chosen."""
    return () if delivery.order.tid is not None else _signalfds(delivery)[0]


def _readers(delivery: Delivery) -> tuple[Thread, ...]:
    """All readers of any signalfd are woken, and an open one takes what it finds on its way out."""
    if delivery.order.tid is not None:
        return ()
    tids = {tid for fd in delivery.process.signalfds or () for tid in fd.readers}
    return tuple(one for one in delivery.process.living if one.tid in tids and delivery.wants(one))


def _by_thread(delivery: Delivery, thread: Thread) -> tuple[Outcome, ...]:
    if delivery.awaits(thread):
        return _by_sigwait(delivery, thread)
    if delivery.fatal:
        deep = thread.state is State.UNINTERRUPTIBLE and delivery.spared
        return (*_ended(delivery), *((Outcome.PENDING,) if deep else ()))
    if thread.state is State.UNINTERRUPTIBLE:
        vfork = thread.syscall is not None and thread.syscall.name in VFORKS
        why = "it waits for its vfork child" if vfork else "it is in uninterruptible sleep"
        delivery.say(f"it waits for thread {thread.tid}", f"the kernel chose that one, and {why}")
        return (Outcome.PENDING,) if vfork else (Outcome.PENDING, _by_disposition(delivery))
    reading = [fd for fd in delivery.process.signalfds or () if thread.tid in fd.readers]
    if any(delivery.signal in fd.signals for fd in reading):
        delivery.say(f"thread {thread.tid} takes it from its signalfd", "it sits in a read of it")
        return (Outcome.CONSUMED, _by_disposition(delivery))
    outcome = _by_disposition(delivery)
    if outcome in (Outcome.DISCARDED, Outcome.HANDLED):
        return (outcome, *released(delivery, thread))
    return (outcome,)


def _by_sigwait(delivery: Delivery, thread: Thread) -> tuple[Outcome, ...]:
    """do_sigtimedwait() opens the awaited set; /proc does not show what it was before."""
    before = delivery.blocked_before(thread)
    if before is False and delivery.fatal:
        return _ended(delivery)  # at the send: complete_signal() looks at real_blocked
    delivery.say(f"thread {thread.tid} takes it", "it waits for it in sigwait")
    if before is not None:
        return (Outcome.CONSUMED,)
    if delivery.perhaps_dropped:
        delivery.say("or it is dropped", f"if the thread did not block it before; {_HIDDEN}")
        return (Outcome.CONSUMED,)
    default_end = delivery.signal.default_action is Action.TERMINATE
    if delivery.disposition == "default" and default_end:
        delivery.say(
            "or it ends the process",
            f"if the thread did not block it before, as POSIX demands; {_HIDDEN}",
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


def _masked_until_now(delivery: Delivery) -> tuple[int, ...]:
    """A process that goes on leaves ppoll, sigwait and their kin, and the mask of that call.

    A sigwait that had the signal in its set finds it on the way out.
    """
    if not delivery.continued:
        return ()
    named = delivery.order.tid
    return tuple(
        thread.tid
        for thread in delivery.process.living
        if named in (None, thread.tid)
        and thread.syscall is not None
        and (thread.syscall.opens_mask or thread.syscall.waits_for_signals)
        and not (thread.depth is not None and delivery.signal in (thread.depth.saved or EMPTY))
    )


def _where_blocked(delivery: Delivery) -> str:
    count = len(delivery.process.living)
    if delivery.order.tid is not None:
        return f"thread {delivery.order.tid} blocks it"
    return "its only thread blocks it" if count == 1 else f"all {count} threads block it"


def _tids(threads: tuple[Thread, ...]) -> tuple[int, ...]:
    return tuple(thread.tid for thread in threads)
