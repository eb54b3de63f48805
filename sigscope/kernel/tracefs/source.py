"""Signals seen through an instance of tracefs: raw pages of each CPU, removed when we are done."""

from __future__ import annotations

import contextlib
import os

from sigscope.decode.trace_page import PageLayout, decode_page, decode_page_layout
from sigscope.decode.tracepoint import Record
from sigscope.kernel.closing import Closing
from sigscope.kernel.tracefs.instance import WHAT, make, refusal
from sigscope.kernel.tracefs.root import open_tracefs
from sigscope.kernel.watch.merging import Buffer, Merger
from sigscope.kernel.watch.narrowing import of_signals
from sigscope.kernel.watch.source import Wanted
from sigscope.kernel.watch.tracepoints import SIGNALS, TRACEPOINTS, Teller, read_formats
from sigscope.kernel.watch.waking import Waker
from sigscope.model.gap import Gap
from sigscope.model.watch import Event

AT_ONCE = 64
"""Pages of one CPU that are read before the others have their turn."""


class TracefsSource(Closing):
    """A ``Source`` (kernel.watch.source). NotPermitted or NotSupported tell what is missing."""

    engine = "tracefs"

    def __init__(self, wanted: Wanted) -> None:
        narrowed = of_signals(wanted.signals)
        with contextlib.ExitStack() as stack:
            tracefs = stack.enter_context(open_tracefs(WHAT))
            try:
                texts = (tracefs.read(f"events/header_{name}") for name in ("page", "event"))
                layout = decode_page_layout(*texts)
                self._teller = Teller(read_formats(tracefs))
                stack.callback(self._teller.close)
                self._instance = stack.enter_context(make(tracefs, wanted.buffers))
                stack.callback(self._count)
                self._waker = Waker(self._instance.pipes.values())
                stack.callback(self._waker.close)
                for name in TRACEPOINTS:
                    self._instance.listen(name, narrowed if name in SIGNALS else "")
            except OSError as error:
                raise refusal(error) from None
            self._merger = Merger([reading(fd, layout) for fd in self._instance.pipes.values()])
            self._teller.seed()
            self._lost = 0
            self._closed = False
            self._open = stack.pop_all()

    def _count(self) -> None:
        self._lost = self._instance.lost()

    @property
    def lost(self) -> int | None:
        """Events that were written over before we read them, so far."""
        if not self._closed:
            self._count()
        return self._lost

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What this source cannot tell."""
        return self._teller.gaps

    def fileno(self) -> int:
        """Readable at least every 20 ms; see ``kernel.watch.waking``."""
        return self._waker.fileno()

    def events(self) -> list[Event]:
        """What has happened since the last call, without waiting, in order of time."""
        self._waker.clear()
        records, left = self._merger.take()
        if left:
            self._waker.more()
        return self._teller.tell(records)

    def close(self) -> None:
        """The instance is removed. May be called twice."""
        self._open.close()
        self._closed = True


def reading(pipe: int, layout: PageLayout) -> Buffer:
    """As the merger wants it: some pages of one CPU, each by a read of its own."""

    def read() -> tuple[list[Record], bool]:
        found: list[Record] = []
        for _ in range(AT_ONCE):
            try:
                page = os.read(pipe, layout.size)
            except BlockingIOError:
                return found, True
            if not page:
                return found, True
            decode_page(layout, page, 0, found)
        return found, False

    return read
