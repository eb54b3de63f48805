"""What one event says of a signal: the result of its send, its delivery, the end of its process.

prepare_signal(), __send_signal_locked() and get_signal() of kernel/signal.c.
"""

from __future__ import annotations

from collections.abc import Sequence

from sigscope.analysis.watch.record import Record
from sigscope.model.sigaction import SIG_DFL, SIG_IGN
from sigscope.model.signals import NAMES, Action, Signal
from sigscope.model.story import Fate
from sigscope.model.watch import Delivered, Result

KILL, STOP = Signal.named("SIGKILL"), Signal.named("SIGSTOP")
CORE_DUMPED = 0x80
ENDING = (Action.TERMINATE, Action.CORE)
_HARMLESS = (Action.IGNORE, Action.CONTINUE)
_DYING = "it was about to die already"

Decision = tuple[Fate, str]


def at_send(record: Record, may_be_dying: bool) -> Decision | None:
    """What is settled by the send; None: it waits, or it has yet to be told apart."""
    sent, target = record.sent, record.target
    signal = sent.info.signal
    if sent.result is Result.PENDING:
        return Fate.MERGED, "one is pending already"
    if sent.result is Result.OVERFLOW:
        return Fate.LOST, "the queue of its user is full (ulimit -i)"
    if sent.result is not Result.IGNORED:
        return None
    if target.doomed or target.ended is not None:
        return Fate.LATE, _DYING
    if sent.init and signal.default_action not in _HARMLESS:
        return Fate.DROPPED, "it is the init of its pid namespace, and has no handler for it"
    if signal == KILL:
        return Fate.LATE, _DYING
    if signal.default_action is Action.CONTINUE:
        if target.stopped:
            target.stopped = False
            return Fate.CONTINUED, ""
        record.perhaps = True
        return None
    if may_be_dying:
        record.perhaps = True
        return None
    return dropped(record)


def dropped(record: Record) -> Decision:
    """sig_ignored(), unless it was about to die."""
    if record.target.doomed:
        return Fate.LATE, _DYING
    return _by_disposition(record)


def _by_disposition(record: Record) -> Decision:
    action = record.sent.info.signal.default_action
    if action is Action.IGNORE:
        return Fate.IGNORED, "the default is to do nothing"
    if action is Action.CONTINUE:
        return Fate.IGNORED, "it was not stopped, as far as was seen"
    return Fate.IGNORED, "it is set to be ignored (SIG_IGN)"


def at_delivery(event: Delivered) -> Decision:
    """TERMINATED here means: the default is to end; how it ends, its exit tells."""
    if event.handler not in (SIG_DFL, SIG_IGN):  # CAUGHT is one, too
        return Fate.HANDLED, ""
    if event.handler == SIG_IGN:
        return Fate.IGNORED, "taken, and ignored"
    action = event.signal.default_action
    if action in ENDING:
        return Fate.TERMINATED, ""
    if action is Action.STOP:
        return Fate.STOPPED, ""
    return Fate.IGNORED, "taken; the default is to do nothing"


def killer_of(mine: Sequence[Record], signal: int | None) -> Record | None:
    """Which of the open ones ended the process; ``signal`` is that of its exit status.

    None: the status is not known. Of several alike the first did it: the others came too late.
    """
    if signal == 0:
        return None
    fitting = [
        one
        for one in mine
        if (one.sent.info.signal == signal if signal else _may_end(one)) and not one.perhaps
    ]
    return min(fitting, key=lambda one: (not one.fatal, one.waits, one.number), default=None)


def _may_end(record: Record) -> bool:
    """Without an exit status: a fatal signal ends all threads by a SIGKILL, which was seen."""
    signal = record.sent.info.signal
    if record.fatal or signal == KILL:
        return True
    return record.target.doomed and signal.default_action in ENDING and not record.waits


def ends_it(status: int | None) -> Decision:
    """The fate of the one that ended its process."""
    if status is not None and status & CORE_DUMPED:
        return Fate.DUMPED, "core dumped"
    return Fate.TERMINATED, ""


def left_over(record: Record, killer: Record | None, status: int | None, told: bool) -> Decision:
    """The fate of what was not taken when its process ended.

    ``told``: a sigwait, or the read of a signalfd, would have been told of.
    """
    if record.perhaps:
        if killer is None:  # who exits by itself dies within moments
            died = status is not None and status & 0x7F
        else:
            died = killer.sent.time <= record.sent.time
        return (Fate.LATE, _DYING) if died else _by_disposition(record)
    if killer is not None:
        if record.sent.time >= killer.sent.time and not record.waits:
            return Fate.LATE, _DYING
        return Fate.ENDED, f"{killer.sent.info.signal.name} ended it first"
    if status is None:
        return Fate.ENDED, "it ended, and had not taken it"
    if signal := status & 0x7F:
        return Fate.ENDED, f"{NAMES.get(signal, signal)} ended it, and it had not taken this"
    if record.sent.info.signal == STOP and not record.waits:  # no sigwait gets that one
        return (
            Fate.UNKNOWN,
            f"it exited with {status >> 8}; its tracer, or a SIGCONT, took this away",
        )
    if not told and not record.waits:  # daemons that sigwait for SIGTERM, and go
        return Fate.UNKNOWN, f"it exited with {status >> 8}; a sigwait for it would not be told"
    return Fate.ENDED, f"it exited with {status >> 8}, and had not taken it"
