"""Users that no other process of this machine has: SigQ is counted by user."""

from __future__ import annotations

import itertools
import os

_FIRST = 3_000_000_000
_PLACES = 100
_given = itertools.count()


def own_user() -> int:
    """A uid that this run of the tests has not given away yet, and that no other run has."""
    number = next(_given)
    assert number < _PLACES, "more users than places: make _PLACES larger"
    return _FIRST + os.getpid() * _PLACES + number
