"""What /proc says of a signal that nobody was seen to take: is it held back, and by whom?"""

from __future__ import annotations

from sigscope.analysis.watch.record import Record
from sigscope.model.signals import EMPTY, Action, Signal
from sigscope.model.story import Fate, Look, LookedThread

_STOPPED, _TRACED, _DEEP = "T", "t", "D"


def still_pending(record: Record, look: Look) -> bool | None:
    """None where /proc does not tell."""
    signal = record.sent.info.signal
    if record.sent.group:
        return None if look.pending is None else signal in look.pending
    thread = _thread(record, look)
    if thread is None or thread.pending is None:
        return None
    return signal in thread.pending


def held_back(record: Record, look: Look) -> tuple[Fate, str] | None:
    """Why it waits; None if nothing holds it back."""
    signal = record.sent.info.signal
    threads = look.threads
    if not record.sent.group:
        thread = _thread(record, look)
        threads = () if thread is None else (thread,)
    if not threads:
        return None
    if any(one.state == _TRACED for one in threads):
        who = f" (pid {look.tracer})" if look.tracer else ""
        return Fate.HELD, f"its tracer holds it{who}"
    if all(one.state == _STOPPED for one in threads):
        return Fate.HELD, "it is stopped, and takes it when it goes on"
    if look.frozen:
        return Fate.HELD, "its cgroup is frozen"
    if all(signal in (one.blocked or EMPTY) for one in threads):
        return Fate.QUEUED, _who_blocks(record, look)
    return None


def why_not(look: Look) -> str:
    """What is remarkable about a process that does not take what it does not block."""
    if any(one.state == _DEEP for one in look.threads):
        return "it is in uninterruptible sleep (state D)"
    return "it does not block it, and has not taken it"


def why_taken(look: Look, signal: Signal) -> tuple[Fate, str]:
    """It waits no more, and no event told who took it."""
    if look.tracer:
        return Fate.TRACED, f"its tracer (pid {look.tracer}) took it, or it was not told"
    if signal.default_action is Action.STOP:  # prepare_signal() drops these
        return Fate.TAKEN, "by a SIGCONT, which takes stops away, or not told by whom"
    if signal in (look.caught or EMPTY):
        return Fate.TAKEN, "by its handler, a sigwait or a signalfd: that was not told"
    return Fate.TAKEN, "by a sigwait or a signalfd: that was not told"


def _thread(record: Record, look: Look) -> LookedThread | None:
    return next((one for one in look.threads if one.tid == record.sent.target.tid), None)


def _who_blocks(record: Record, look: Look) -> str:
    if not record.sent.group and len(look.threads) > 1:
        return f"thread {record.sent.target.tid} blocks it"
    if len(look.threads) == 1:
        return "its only thread blocks it"
    return f"all its {len(look.threads)} threads block it"
