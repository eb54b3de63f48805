"""What the signals and the end of a worker say about the request that it had."""

from __future__ import annotations

from collections.abc import Sequence

from sigscope.model.fcgi import Clues, Exchange, Worker
from sigscope.model.signals import Signal
from sigscope.model.traffic import Event

_EARLY = 0.9
"""php-fpm's clock is coarse: it acts at 1 to 1.33 times the limit, and a little is for rounding."""
_FATAL = frozenset(("SIGTERM", "SIGKILL", "SIGQUIT", "SIGINT", "SIGHUP", "SIGSEGV", "SIGBUS"))


def clues_of(
    exchange: Exchange, worker: Worker | None, signals: Sequence[Event], end: Event | None
) -> Clues:
    """Which signal ended the worker, who sent it first, and whether that was a limit's doing.

    A worker of php-fpm sends the SIGTERM that it got to itself once more: the first sender
    that is not the worker itself is meant.
    """
    if end is None:
        return Clues()
    number, status = end.result & 0x7F, end.result >> 8 & 0xFF
    if not number:
        text = f"worker {end.pid} ended by itself, with exit status {status}"
        return Clues(evidence=(text,))
    name = Signal(number).name
    first = _first(signals, number, end.pid)
    evidence = [f"worker {end.pid} was ended by {name}"]
    if first is None:
        evidence.append("who sent it was not seen")
        return Clues(name, "", "", tuple(evidence))
    sent = Signal(first.result).name
    sender = "the kernel" if first.by_kernel else f"{first.comm} {first.pid}"
    evidence.append(f"{sent} from {sender}")
    limit = _limit(exchange, worker, first)
    if limit:
        evidence.append(limit)
    return Clues(
        name, sender, "php-fpm's request_terminate_timeout" if limit else "", tuple(evidence)
    )


def _first(signals: Sequence[Event], number: int, pid: int) -> Event | None:
    others = [one for one in signals if one.pid != pid or one.by_kernel]
    same = [one for one in others if one.result == number]
    fatal = [one for one in others if Signal(one.result).name in _FATAL]
    found = sorted([*same, *fatal], key=lambda one: one.time)
    return found[0] if found else None


def _limit(exchange: Exchange, worker: Worker | None, first: Event) -> str:
    if worker is None or worker.limit is None or first.pid != worker.master:
        return ""
    took, limit = exchange.seconds or 0.0, worker.limit
    if took < limit.seconds * _EARLY:
        return ""
    return (
        f"the master ends what lasts longer than {limit.seconds:g} s"
        f" (request_terminate_timeout, {limit.where}); this request had lasted {took:.1f} s"
    )
