"""Signals seen through perf events: a ring buffer for each CPU, gone when we are."""

from __future__ import annotations

import contextlib
import time

from sigscope.decode.perf_ring import decode_ring
from sigscope.decode.tracepoint import Record
from sigscope.kernel.closing import Closing
from sigscope.kernel.perf.refusal import WHAT, refusal
from sigscope.kernel.perf.ring import GONE, Ring
from sigscope.kernel.tracefs.root import open_tracefs
from sigscope.kernel.watch.cpus import online
from sigscope.kernel.watch.merging import Buffer, Merger
from sigscope.kernel.watch.narrowing import of_signals
from sigscope.kernel.watch.source import Wanted
from sigscope.kernel.watch.tracepoints import SIGNALS, TRACEPOINTS, Teller, read_formats
from sigscope.kernel.watch.waking import Waker
from sigscope.model.gap import Gap
from sigscope.model.watch import Event, Missed

AT_ONCE = 1 << 18
"""Bytes of one buffer that are read before the others have their turn."""
_LOOK_EVERY = 1.0
"""Seconds between looks at which CPUs there are."""


class PerfSource(Closing):
    """A ``Source`` (kernel.watch.source). NotPermitted or NotSupported tell what is missing."""

    engine = "perf"

    def __init__(self, wanted: Wanted) -> None:
        with open_tracefs(f"{WHAT}, which takes the numbers of tracepoints") as tracefs:
            formats = read_formats(tracefs)
        self._teller = Teller(formats)
        self.lost: int | None = 0
        self._late: frozenset[int] = frozenset()
        self._cpus = online()
        self._looked = time.monotonic()
        narrowed = of_signals(wanted.signals)
        filters = {
            formats[name].number: narrowed if name in SIGNALS else "" for name in TRACEPOINTS
        }
        size = wanted.buffers // max(1, len(self._cpus))
        with contextlib.ExitStack() as stack:
            try:
                rings = self._rings(stack, filters, size)
                self._waker = Waker(ring.fd for ring in rings)
                stack.callback(self._waker.close)
                for ring in rings:
                    ring.enable()
            except OSError as error:
                raise refusal(error) from None
            self._merger = Merger([reading(ring) for ring in rings])
            stack.callback(self._teller.close)
            self._teller.seed()
            self._open = stack.pop_all()

    def _rings(self, stack: contextlib.ExitStack, filters: dict[int, str], size: int) -> list[Ring]:
        rings = []
        for cpu in sorted(self._cpus):
            try:
                ring = Ring(cpu, filters, size)
            except OSError as error:
                if error.errno in GONE:
                    self._late |= {cpu}
                    continue
                raise
            stack.callback(ring.close)
            rings.append(ring)
        return rings

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What this source cannot tell."""
        if not self._late:
            return self._teller.gaps
        cpus = ", ".join(map(str, sorted(self._late)))
        late = Gap(
            f"signals on CPU {cpus}",
            "it was switched on after the watch began",
            "start the watch again, or use --engine bpf or tracefs",
        )
        return (late, *self._teller.gaps)

    def fileno(self) -> int:
        """Readable at least every 20 ms; see ``kernel.watch.waking``."""
        return self._waker.fileno()

    def events(self) -> list[Event]:
        """What has happened since the last call, without waiting, in order of time."""
        self._waker.clear()
        records, left = self._merger.take()
        if left:
            self._waker.more()
        if time.monotonic() - self._looked > _LOOK_EVERY:
            self._looked = time.monotonic()
            self._late |= online() - self._cpus
        found = self._teller.tell(records)
        self.lost = (self.lost or 0) + sum(
            event.events or 0 for event in found if isinstance(event, Missed)
        )
        return found

    def close(self) -> None:
        """The kernel takes the events off. May be called twice."""
        self._open.close()


def reading(ring: Ring) -> Buffer:
    """As the merger wants it."""

    def read() -> tuple[list[Record], bool]:
        data, whole = ring.read(AT_ONCE)
        return decode_ring(data), whole

    return read
