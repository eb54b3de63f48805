"""^C that ends what follows others, but cuts nothing off in the middle."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType, TracebackType


class Interruption:
    """The first ^C is kept; a second one is an ordinary one.

    A handler that runs in the middle of a lock's own code must not take that lock: so it is a
    pipe, and no event of threads.
    """

    def __init__(self) -> None:
        self._came = False
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._writes, False)

    def __enter__(self) -> Interruption:
        self._before = signal.signal(signal.SIGINT, self._first)
        return self

    def _first(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        signal.signal(signal.SIGINT, self._before)
        os.write(self._writes, b"!")

    def __bool__(self) -> bool:
        """Did it come?"""
        return self._came

    def fileno(self) -> int:
        """Becomes readable when it comes; for poll(2)."""
        return self._reads

    def wait(self, seconds: float) -> bool:
        """Until it comes, or that time is over; did it come?"""
        if not self._came:
            select.select([self._reads], [], [], seconds)
        return self._came

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)
        os.close(self._reads)
        os.close(self._writes)
