"""What a process does with each signal, which function it is, whose that is, and what it means.

Functions that no table names are known again by what their code refers to
(``derived``); ``owners`` knows the handlers of the runtimes; ``meaning`` reads the flags.
"""

from __future__ import annotations

from dataclasses import replace

from sigscope.analysis.handlers.derived import derive
from sigscope.analysis.handlers.meaning import meaning
from sigscope.analysis.handlers.owners import owner
from sigscope.model.depth import ProcessDepth
from sigscope.model.handler import Handler
from sigscope.model.process import Process
from sigscope.model.sigaction import SIG_DFL, SIG_IGN, SigAction
from sigscope.model.signals import EVERYTHING, UNBLOCKABLE, Signal


def handlers(process: Process) -> tuple[Handler, ...]:
    """One for each of the 64 signals. Where no engine told the actions, what /proc tells.

    >>> from sigscope.model import Process, SignalSet, State
    >>> masks = SignalSet(), SignalSet(1), SignalSet(2)
    >>> process = Process(7, 1, 1, "a", 0, State.SLEEPING, (), *masks)
    >>> [handler.disposition for handler in handlers(process)[:3]]
    ['ignored', 'caught', 'default']
    """
    return tuple(_handler(process, signal) for signal in EVERYTHING)


def _handler(process: Process, signal: Signal) -> Handler:
    depth = process.depth
    action = depth.action(signal) if depth is not None else None
    if depth is None or action is None or signal in UNBLOCKABLE:
        return Handler(signal, process.disposition(signal), action)
    found = _caught(depth, signal, action)
    deferred = dict(depth.deferred).get(signal)
    if deferred is None:
        return found
    words = {SIG_DFL: "default", SIG_IGN: "ignored"}
    behind = words.get(deferred) or _caught(depth, signal, action._replace(handler=deferred))
    return replace(found, behind=behind)


def _caught(depth: ProcessDepth, signal: Signal, action: SigAction) -> Handler:
    location = depth.located(action.handler)
    derived = derive(location, signal) if location is not None else None
    found = Handler(
        signal, action.disposition, action, location, derived, means=meaning(signal, action)
    )
    return replace(found, owner=owner(found))


__all__ = ["handlers"]
