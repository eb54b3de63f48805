"""No garbage collection, where one would only stand in the way."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Collects nothing in between, and leaves it as it was.

    A scan makes ten thousands of values and keeps them all: there is no garbage to look for.
    And while a target stands still, a collection would take longer than the whole stop.

    >>> with no_collection():
    ...     gc.isenabled()
    False
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
