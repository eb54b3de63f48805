"""What is wanted, as the expression of a tracepoint's filter.

Documentation/trace/events.rst, section 5: the kernel then does not even copy the others.
"""

from __future__ import annotations

from collections.abc import Collection

from sigscope.model.signals import FIRST, LAST, Signal


def of_signals(signals: Collection[Signal] | None) -> str:
    """For signal_generate and signal_deliver; empty where all are wanted.

    >>> of_signals({Signal(15), Signal(9)})
    'sig == 9 || sig == 15'
    >>> of_signals({Signal(number) for number in range(1, 65) if number not in (17, 28)})
    'sig != 17 && sig != 28'
    """
    if signals is None:
        return ""
    wanted = set(map(int, signals))
    others = set(range(FIRST, LAST + 1)) - wanted
    if not others:
        return ""
    if len(others) < len(wanted):
        return " && ".join(f"sig != {number}" for number in sorted(others))
    return " || ".join(f"sig == {number}" for number in sorted(wanted)) or "sig == 0"
