"""The best source of a watch: programs at the tracepoints of signals, and a ring buffer.

Everything that is opened here ends with this process, however it ends: the kernel then takes
the programs off by itself. Nobody is ever stopped or made to wait: an event for which there is no
room is counted.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
import time

from sigscope.decode.watch import Decoder, frame
from sigscope.decode.watch_records import FOLDED, LOST
from sigscope.errors import NotSupported
from sigscope.kernel.bpf import syscall, watchprocesses, watchsignals
from sigscope.kernel.bpf.folds import MOST, Folds
from sigscope.kernel.bpf.layouts import Layout, Table, read_layout
from sigscope.kernel.bpf.namespace import nested
from sigscope.kernel.bpf.pace import Pace
from sigscope.kernel.bpf.ring import Ring
from sigscope.kernel.bpf.syscall import Descriptor, VerifierError
from sigscope.kernel.bpf.watchcode import CONTROL, Maps
from sigscope.kernel.closing import Closing
from sigscope.kernel.opening import hosting
from sigscope.kernel.place import here
from sigscope.kernel.watch.source import Wanted
from sigscope.model.gap import Gap
from sigscope.model.signals import SignalSet
from sigscope.model.watch import Event

TRACEPOINTS = (
    "signal_generate",
    "signal_deliver",
    "sched_process_fork",
    "sched_process_exec",
    "sched_process_exit",
)
DEQUEUE, EXIT = "dequeue_signal", "btf_trace_sched_process_exit"
TABLE = Table(
    (*watchsignals.FIELDS, *watchprocesses.FIELDS),
    (DEQUEUE, *(f"btf_trace_{name}" for name in TRACEPOINTS)),
    (f"{DEQUEUE}()", f"{EXIT}()"),
)
MOST_TARGETS = 1 << 16
_ONE = struct.pack("=I", 1)
_CLEANING = 10**9
"""Nanoseconds between two looks for keys that are idle, once there are many."""
SINGLY, WINDOW = 64, 100_000_000
"""So many events of a kind are told in a window of so many nanoseconds, the others counted."""
PRESSED_SINGLY, PRESSED_WINDOW = 1, 1_000_000_000
"""The same when there is too much of too many kinds."""
PRESSURE = 1 << 20
"""Bytes that wait for the reader: more than it can tell one by one."""
_RELIEF = 2_000_000_000
"""Nanoseconds without pressure, before things are told as usual."""


class BpfSource(Closing):
    """Use it in ``with``. OSError where the kernel refuses, NotSupported where it lacks something,
    or we are inside a pid namespace: the programs see the pids of the host.

    ``targets`` may change while it runs: :meth:`add`, :meth:`remove`.
    """

    engine = "bpf"

    def __init__(self, wanted: Wanted) -> None:
        if nested():
            raise NotSupported(
                "signals cannot be watched with BPF from inside a pid namespace",
                hosting(here()),
            )
        self._open = contextlib.ExitStack()
        self._decoder = Decoder()
        self._lost = self._cleaned = self._collected = self._came = self._keys = 0
        self._pressed = 0
        self._gaps: list[Gap] = []
        try:
            try:
                self._start(wanted, read_layout(TABLE))
            except VerifierError:  # it may be the layout of another kernel that was kept
                self._open.close()
                self._start(wanted, read_layout(TABLE, fresh=True))
        except BaseException:
            self._open.close()
            raise

    def _start(self, wanted: Wanted, layout: Layout) -> None:
        self._gaps.clear()
        self._ring = Ring(1 << max(wanted.buffers.bit_length() - 1, 16))
        self._open.callback(self._ring.close)
        control = self._keep(
            syscall.create_map(syscall.MAP_ARRAY, CONTROL.size, flags=syscall.MAP_MMAPABLE)
        )
        memory = mmap.mmap(control.number, mmap.PAGESIZE)
        self._open.callback(memory.close)
        self._halves = memoryview(memory).cast("I")
        self._control = memoryview(memory).cast("Q")
        self._open.callback(self._halves.release)
        self._open.callback(self._control.release)
        self._calm()
        self._folds = None if wanted.every else Folds()
        if self._folds is not None:
            self._open.callback(self._folds.close)
        self._targets = None
        if wanted.targets is not None:
            self._targets = self._keep(syscall.create_hash(4, 4, MOST_TARGETS))
            for pid in wanted.targets:
                self.add(pid)
        if wanted.signals is not None:
            self._control[_word("signals")] = SignalSet.containing(wanted.signals).mask
        self._pace = Pace(self._ring.map.number)
        self._open.callback(self._pace.close)
        maps = Maps(
            self._ring.map.number,
            control.number,
            None if self._folds is None else self._folds.map.number,
            None if self._targets is None else self._targets.number,
            wanted.signals is not None,
            wanted.descendants,
        )
        self._attach(layout, maps)

    def _keep(self, descriptor: Descriptor) -> Descriptor:
        return self._open.enter_context(descriptor)

    def _attach(self, layout: Layout, maps: Maps) -> None:
        """Processes first: then nobody sends a signal of whose beginning nothing was told."""
        ends = (layout.values[f"{EXIT}()"] or 2) - 1  # one is for the tracepoint itself
        for name, code in (
            ("sched_process_exit", watchprocesses.exited(layout, maps, ends)),
            ("sched_process_exec", watchprocesses.executed(layout, maps)),
            ("sched_process_fork", watchprocesses.forked(layout, maps)),
        ):
            self._tracepoint(name, code, layout)
        self._dequeue(layout, maps)
        for name, code in (
            ("signal_deliver", watchsignals.delivered(layout, maps)),
            ("signal_generate", watchsignals.sent(layout, maps)),
        ):
            self._tracepoint(name, code, layout)

    def _tracepoint(self, name: str, code: bytes, layout: Layout) -> None:
        self._load(name, code, syscall.ATTACH_TRACEPOINT, layout.function(f"btf_trace_{name}"))

    def _load(self, name: str, code: bytes, where: int, what: int) -> None:
        program = self._keep(syscall.load_program(name, code, syscall.PROG_TRACING, where, what))
        self._keep(syscall.attach(program))

    def _dequeue(self, layout: Layout, maps: Maps) -> None:
        """Who takes signals without a handler; not every kernel lets a function be watched."""
        parameters = layout.values[f"{DEQUEUE}()"]
        try:
            if parameters is None:
                raise NotSupported(f"this kernel's BTF has no function {DEQUEUE}")
            code = watchsignals.taken(layout, maps, parameters)
            self._load("signal_taken", code, syscall.ATTACH_EXIT, layout.function(DEQUEUE))
        except (OSError, NotSupported) as error:
            why = "this kernel does not let a program watch the return of its functions"
            hint = ""
            if not isinstance(error, PermissionError):
                from sigscope.kernel.bpf.refusal import explain

                why, hint = explain(error)
            self._gaps.append(Gap("signals taken by sigwait or signalfd", why, hint))

    @property
    def lost(self) -> int | None:
        return self._control[_word("lost")]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(self._gaps)

    def add(self, pid: int) -> None:
        """Tell of signals to this process, too."""
        if self._targets is not None:
            syscall.put(self._targets, struct.pack("=I", pid), _ONE)

    def remove(self, pid: int) -> None:
        """Tell no more of signals to this process."""
        if self._targets is not None:
            syscall.remove(self._targets, struct.pack("=I", pid))

    def fileno(self) -> int:
        return self._pace.fileno()

    def events(self) -> list[Event]:
        """In order of time, but for events of several CPUs that a call later are found earlier."""
        self._pace.consume()
        self._press()
        decode, data = self._decoder.event, self._ring.data
        found = [decode(data, at, length) for at, length in self._ring.records()]
        extra = [self._decoder.event(record, 0, len(record)) for record in self._own()]
        self._schedule(bool(found))
        found += extra
        found.sort(key=_time)
        return found

    def raw(self) -> bytes:
        """The same as records, for ``decode.watch.Decoder.events``; what this gives, ``events``
        does not."""
        self._pace.consume()
        self._press()
        data = self._ring.whole()
        own = b"".join(frame(record) for record in self._own())
        self._schedule(bool(data))
        return data + own

    def _calm(self) -> None:
        self._window = self._control[_word("window")] = WINDOW
        self._control[_word("singly")] = SINGLY

    def _press(self) -> None:
        """Where more comes than can be told, more is only counted."""
        now = time.monotonic_ns()
        if self._ring.waiting() > PRESSURE:
            self._pressed = now
            self._window = self._control[_word("window")] = PRESSED_WINDOW
            self._control[_word("singly")] = PRESSED_SINGLY
        elif self._window != WINDOW and now - self._pressed > _RELIEF:
            self._calm()

    def _own(self) -> list[bytes]:
        """Records that no program writes: what was lost, and what was folded."""
        now = time.monotonic_ns()
        records = []
        lost = self._control[_word("lost")]
        if lost != self._lost:
            records.append(LOST.struct.pack(LOST.kind, 0, now, lost - self._lost))
            self._lost = lost
        folds = self._folds
        if folds is None or now - self._collected < self._window:
            return records
        many = self._control[_word("keys")] - self._keys > MOST // 4
        old = many and now - self._cleaned > _CLEANING
        if self._control[_word("folded")] != folds.total or old:
            self._collected = now
            records += [
                FOLDED.struct.pack(FOLDED.kind, 0, last, times, key)
                for key, times, last in folds.collect()
            ]
        if old:
            self._cleaned = now
            for key in folds.clean(now):
                self._keys += 1
                self._decoder.forget(key)
        return records

    def _schedule(self, came: bool) -> None:
        """When to look again."""
        if came or self._ring.waiting():
            self._came = time.monotonic_ns()
            self._halves[0] = 1
            self._pace.again()
            return
        self._halves[0] = 0
        if self._ring.waiting():
            self._halves[0] = 1
            self._pace.again()
        elif self._folds is not None and (
            self._control[_word("folded")] != self._folds.total
            or time.monotonic_ns() - self._came < 2 * WINDOW
        ):
            self._pace.again(WINDOW)

    def close(self) -> None:
        """Takes everything off again; may be called twice."""
        self._open.close()


def _word(name: str) -> int:
    return CONTROL.offset(name) // 8


def _time(event: Event) -> int:
    return event.time
