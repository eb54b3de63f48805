"""Read a source until it has told what a test waits for."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

from sigscope.kernel.watch.source import Source
from sigscope.model.watch import Event, Sent

PATIENCE = 30.0
"""Seconds; far more than needed, for a machine under load."""


def gather(
    source: Source, until: Callable[[list[Event]], object], timeout: float = PATIENCE
) -> list[Event]:
    """All events until this is true of them; AssertionError if it never is."""
    found: list[Event] = []
    poll = select.poll()
    poll.register(source.fileno(), select.POLLIN)
    deadline = time.monotonic() + timeout
    while not until(found):
        assert time.monotonic() < deadline, f"not within {timeout} s; {len(found)} events came"
        poll.poll(200)
        found += source.events()
    return found


def sent_to(found: list[Event], pid: int) -> list[Sent]:
    """What this process, or thread, was sent."""
    return [event for event in found if isinstance(event, Sent) and event.target.tid == pid]
