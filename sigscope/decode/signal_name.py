"""Signals as people type them: ``TERM``, ``sigterm``, ``15``, ``RTMIN+2``, ``RTMAX-1``."""

from __future__ import annotations

import re

from sigscope.errors import UsageError
from sigscope.model.signals import ALIASES, LAST, NAMES, NUMBERS, RTMIN, Signal

_REALTIME = r"(?a:(?:SIG)?RT(MIN\+|MAX-)(\d{1,2}))"


def parse_signal(text: str) -> Signal:
    """The signal of this name or number; a UsageError suggests the nearest.

    >>> parse_signal("term"), parse_signal("SIGRTMAX-1"), parse_signal("9")
    (<SIGTERM>, <SIGRTMIN+29>, <SIGKILL>)
    """
    word = text.strip().upper()
    if word.isascii() and word.isdigit() and len(word) < 4:
        return _within(int(word), text)
    if match := re.fullmatch(_REALTIME, word):
        offset = int(match[2])
        number = RTMIN + offset if match[1] == "MIN+" else LAST - offset
        if number >= RTMIN:
            return _within(number, text)
    name = word if word.startswith("SIG") else f"SIG{word}"
    if name in NUMBERS or name in ALIASES:
        return Signal.named(name)
    import difflib

    near = difflib.get_close_matches(name, NAMES.values(), n=1, cutoff=0.7)
    hint = f"did you mean {near[0]}?" if near else "sigscope decode ffffffffffffffff lists them all"
    raise UsageError(f"{text[:40]!r} is not a signal", hint)


def _within(number: int, text: str) -> Signal:
    try:
        return Signal(number)
    except ValueError:
        raise UsageError(
            f"{text[:40]!r} is not a signal: they are numbered 1 to {LAST}",
            "give a name (TERM, SIGTERM, RTMIN+2) or a number of kill -l",
        ) from None
