"""The records of a watch (``watch_records``) as events: of a ring buffer, or of a recording."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from sigscope.decode.siginfo import decode_siginfo
from sigscope.decode.text import decode_text
from sigscope.decode.watch_records import (
    BLOCKED,
    DELIVERED,
    EXECUTED,
    EXITED,
    FOLDED,
    FORKED,
    GROUP,
    HEADER,
    INSIDE,
    KEY,
    LOST,
    NO_INFO,
    PRIVATE,
    SENT,
    TAKEN,
    UNKILLABLE,
)
from sigscope.errors import DecodeError
from sigscope.model.siginfo import SI_KERNEL, SI_USER, SigInfo
from sigscope.model.signals import FIRST, LAST, Signal
from sigscope.model.watch import (
    Consumer,
    Delivered,
    Event,
    Executed,
    Exited,
    Forked,
    Missed,
    Result,
    Sent,
    Taken,
    Task,
)

SIGWAITS = frozenset((128, 137, 177, 421))
"""rt_sigtimedwait of x86-64, of arm64 and its kin, of i386, and rt_sigtimedwait_time64."""
DISCARDED, LENGTH = 1 << 30, (1 << 28) - 1
"""Of a record's first word, as the ring buffer leaves it."""
MOST_KEYS = 1 << 16
"""Of so many kinds of events the last one is kept, to tell more of their kind by it."""
MOST_NAMES = 1 << 12
_BY_WHO_RUNS = frozenset((SI_USER, -1, -6))
"""SI_USER, SI_QUEUE, SI_TKILL"""
_SIGNALS = (None, *(Signal(number) for number in range(FIRST, LAST + 1)))
_RESULTS = tuple(Result)
_KIND = struct.Struct("<I")

Bytes = bytes | memoryview
Key = tuple[int, ...]
_Foldable = Sent | Delivered | Taken


class Decoder:
    """Keeps what later records refer to; one for each stream of records, from its beginning."""

    def __init__(self) -> None:
        self._last: dict[Key, _Foldable] = {}
        self._names: dict[bytes, str] = {}
        self._table: dict[int | None, tuple[struct.Struct, Callable[..., Event]]] = {
            record.kind: (record.struct, decode)
            for record, decode in (
                (SENT, self._sent),
                (DELIVERED, self._delivered),
                (TAKEN, self._taken),
                (FORKED, self._forked),
                (EXECUTED, self._executed),
                (EXITED, self._exited),
                (FOLDED, self._folded),
                (LOST, self._lost),
            )
        }

    def event(self, data: Bytes, at: int, length: int) -> Event:
        """The record at that place; DecodeError if it is none.

        >>> Decoder().event(LOST.struct.pack(8, 0, 10**9, 3), 0, LOST.size)
        Missed(time=1000000000, events=3)
        """
        if length < _KIND.size or at + length > len(data):
            raise DecodeError("record", f"{length} bytes")
        (kind,) = _KIND.unpack_from(data, at)
        if kind not in self._table or length < self._table[kind][0].size:
            raise DecodeError("record", f"kind {kind} with {length} bytes")
        shape, decode = self._table[kind]
        try:
            return decode(*shape.unpack_from(data, at))
        except IndexError:
            detail = f"kind {kind} with a signal or result that does not exist"
            raise DecodeError("record", detail) from None

    def events(self, data: bytes) -> Iterator[Event]:
        """All of a piece of a recording; DecodeError where it is cut off, or damaged."""
        for at, length in split_records(data):
            yield self.event(data, at, length)

    def forget(self, key: bytes) -> None:
        """No more of these will be counted."""
        self._last.pop(KEY.struct.unpack(key), None)

    def _keep(self, key: Key, event: _Foldable) -> None:
        if len(self._last) >= MOST_KEYS:
            self._last.clear()
        self._last[key] = event

    def _name(self, text: bytes) -> str:
        name = self._names.get(text)
        if name is None:
            if len(self._names) >= MOST_NAMES:
                self._names.clear()
            name = self._names[text] = decode_text(text.split(b"\0", 1)[0])
        return name

    def _sent(
        self,
        kind: int,
        flags: int,
        time: int,
        tid: int,
        tgid: int,
        uid: int,
        parent: int,
        comm: bytes,
        parent_comm: bytes,
        to_tid: int,
        to_tgid: int,
        to_comm: bytes,
        number: int,
        result: int,
        content: bytes,
    ) -> Event:
        signal = _signal(number)
        sender = Task(tid, tgid, self._name(comm), uid, parent, self._name(parent_comm))
        target = Task(to_tid, to_tgid, self._name(to_comm))
        if flags & NO_INFO:
            info, origin = SigInfo(signal, SI_USER, tgid, uid), 0
        elif flags & PRIVATE:
            info, origin = SigInfo(signal, SI_KERNEL, 0, 0), 1
        else:
            info, origin = _translated(_siginfo(signal, content), flags, tgid), 2
        group = flags & GROUP != 0
        event = Sent(
            time,
            sender,
            target,
            info,
            group,
            _RESULTS[result],
            flags & BLOCKED != 0,
            flags & UNKILLABLE != 0,
        )
        code = info.code if origin == 2 else 0
        self._keep((kind, number, int(group), result, code, tgid, to_tgid, origin, 0), event)
        return event

    def _delivered(
        self,
        kind: int,
        number: int,
        time: int,
        tid: int,
        tgid: int,
        code: int,
        uid: int,
        handler: int,
        flags: int,
        comm: bytes,
    ) -> Event:
        task = Task(tid, tgid, self._name(comm), uid)
        event = Delivered(time, task, _signal(number), code, handler, flags)
        self._keep((kind, number, 0, 0, code, 0, tgid, 2, handler), event)
        return event

    def _taken(
        self, kind: int, number: int, time: int, tid: int, tgid: int, call: int, comm: bytes
    ) -> Event:
        by = None
        if call >= 0:
            by = Consumer.SIGWAIT if call in SIGWAITS else Consumer.SIGNALFD
        event = Taken(time, Task(tid, tgid, self._name(comm)), _signal(number), by)
        self._keep((kind, number, 0, 0, 0, 0, tgid, 0, 0), event)
        return event

    def _forked(
        self,
        _: int,
        uid: int,
        time: int,
        tid: int,
        tgid: int,
        to_tid: int,
        to_tgid: int,
        comm: bytes,
    ) -> Event:
        name = self._name(comm)
        thread = tgid == to_tgid
        child = Task(to_tid, to_tgid, name, uid, None if thread else tgid, None if thread else name)
        return Forked(time, Task(tid, tgid, name), child)

    def _executed(
        self,
        _: int,
        uid: int,
        time: int,
        tid: int,
        tgid: int,
        parent: int,
        length: int,
        comm: bytes,
        parent_comm: bytes,
        path: bytes,
        arguments: bytes,
    ) -> Event:
        words = arguments[:length].removesuffix(b"\0").split(b"\0") if length else None
        return Executed(
            time,
            Task(tid, tgid, self._name(comm), uid, parent, self._name(parent_comm)),
            decode_text(path.split(b"\0", 1)[0]) or None,
            None if words is None else tuple(decode_text(word) for word in words),
        )

    def _exited(
        self,
        _: int,
        process: int,
        time: int,
        tid: int,
        tgid: int,
        status: int,
        uid: int,
        parent: int,
        spare: int,
        comm: bytes,
    ) -> Event:
        return Exited(
            time, Task(tid, tgid, self._name(comm), uid, parent), status & 0xFFFF, process != 0
        )

    def _folded(self, _: int, spare: int, time: int, times: int, text: bytes) -> Event:
        key = KEY.struct.unpack(text)
        last = self._last.get(key)
        if last is None:
            last = _bare(key)
        return last._replace(time=time, times=times)

    def _lost(self, _: int, spare: int, time: int, events: int) -> Event:
        return Missed(time, events)


def split_records(data: bytes) -> Iterator[tuple[int, int]]:
    """(place, length) of each record of a recording; DecodeError where it is cut off."""
    at = 0
    while at < len(data):
        if at + HEADER > len(data):
            raise DecodeError("recording", "it is cut off in the length of a record")
        (word,) = _KIND.unpack_from(data, at)
        length = word & LENGTH
        if at + HEADER + length > len(data):
            raise DecodeError("recording", "it is cut off in a record")
        if not word & DISCARDED:
            yield at + HEADER, length
        at += length + HEADER + 7 & ~7


def frame(record: bytes) -> bytes:
    """A record as it stands in a recording.

    >>> frame(b"12345678").hex()
    '08000000000000003132333435363738'
    """
    return _KIND.pack(len(record)).ljust(HEADER, b"\0") + record.ljust(len(record) + 7 & ~7, b"\0")


def _signal(number: int) -> Signal:
    signal = _SIGNALS[number]
    if signal is None:
        raise DecodeError("record", "a signal 0")
    return signal


def _siginfo(signal: Signal, content: bytes) -> SigInfo:
    """Some kinds of the kernel's own carry another number, or none: the signal is what was sent."""
    try:
        info = decode_siginfo(content)
    except DecodeError:
        return SigInfo(signal, int(struct.unpack_from("<i", content, 8)[0]))
    return info if info.signal == signal else info._replace(signal=signal)


def _translated(info: SigInfo, flags: int, sender: int) -> SigInfo:
    """si_pid is as the namespaces of the two see it, 0 where they do not; but for what kill(2),
    tgkill(2) and sigqueue(3) send, it stands for the one who is running."""
    if not flags & INSIDE:
        return info
    if info.code in _BY_WHO_RUNS:
        return info._replace(pid=sender)
    return info._replace(inside=True) if info.pid else info


def _bare(key: Key) -> _Foldable:
    """What the key alone tells: the event that was told singly was lost."""
    kind, number, group, result, code, tgid, to_tgid, origin, handler = key
    signal, target = _signal(number), Task(to_tgid, to_tgid)
    if kind == DELIVERED.kind:
        return Delivered(0, target, signal, code, handler, 0)
    if kind == TAKEN.kind:
        return Taken(0, target, signal, None)
    info = SigInfo(signal, SI_KERNEL if origin == 1 else code)
    return Sent(0, Task(tgid, tgid), target, info, group != 0, _RESULTS[result])
