"""Is nothing in flight any more? A thread that a signal has woken is not at rest.

kill(2) wakes whom it chooses before it returns (signal_wake_up), and a woken thread is in
state R until it has taken the signal and is back in the call that it is meant for.
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

from tests.differential.looking import Glance, exiting, waits

if TYPE_CHECKING:
    from tests.differential.stage import Stage

_COUNTERS = struct.Struct("=4Q")


class Rest:
    """Judges threads from one moment on: a busy one must have made a call since."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._counted = self._counters()

    def _counters(self) -> tuple[int, ...]:
        return _COUNTERS.unpack_from(self._stage.counters)

    def in_place(self, one: Glance) -> bool:
        """Is this thread where it is meant to be, stopped, held, frozen or dead?"""
        stage = self._stage
        if one.tid not in stage.tids:
            return not one.lives
        if not one.lives or one.state == "T":
            return True
        index = stage.tids.index(one.tid)
        task = stage.situation.threads[index]
        if one.state == "t":
            return stage.situation.traced == "held" or self._tracer_idle()
        if one.state == "D":
            # A frozen one may be killed all the same, and pass through D on its way out.
            frozen = stage.freezer is not None and not exiting(stage.pid, one.tid)
            return task.does == "vfork" or frozen
        if stage.situation.init and exiting(stage.pid, one.tid):
            return False
        if one.state == "S":
            if stage.freezer is not None and stage.situation.frozen == "v2":
                return True
            return waits(stage.pid, one.tid, task)
        return task.does == "busy" and self._counters()[index] > self._counted[index] + 1

    def _tracer_idle(self) -> bool:
        """A stop wakes the tracer before it can be seen: one that waits has seen them all."""
        path = f"/proc/{self._stage.pids['t']}/syscall"
        with contextlib.suppress(OSError, IndexError), open(path) as file:
            return file.read().split()[0] == "61"
        return False
