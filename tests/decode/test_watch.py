"""Records of a watch: whole, cut off, damaged, and those that stand for many."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.watch import Decoder, frame, split_records
from sigscope.decode.watch_records import (
    BLOCKED,
    DELIVERED,
    EXECUTED,
    EXITED,
    FOLDED,
    FORKED,
    GROUP,
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
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal
from sigscope.model.watch import (
    Consumer,
    Delivered,
    Executed,
    Exited,
    Forked,
    Missed,
    Result,
    Sent,
    Taken,
    Task,
)


def info(number: int, code: int, pid: int = 0, uid: int = 0, value: int = 0) -> bytes:
    return struct.pack("=iii4xiIQ", number, 0, code, pid, uid, value).ljust(48, b"\0")


def sent(flags: int = 0, number: int = 15, result: int = 0, content: bytes = bytes(48)) -> bytes:
    return SENT.struct.pack(
        SENT.kind, flags, 5, 10, 11, 12, 13, b"sh", b"crond", 20, 21, b"php\nfpm", number, result,
        content,
    )  # fmt: skip


def decoded(record: bytes) -> object:
    return Decoder().event(record, 0, len(record))


def test_a_signal_with_all_that_is_known_of_it() -> None:
    event = decoded(sent(GROUP | BLOCKED | UNKILLABLE, content=info(15, 0, 11, 12)))
    assert event == Sent(
        5,
        Task(10, 11, "sh", 12, 13, "crond"),
        Task(20, 21, "php\nfpm"),
        SigInfo(Signal(15), 0, 11, 12),
        True,
        Result.QUEUED,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("flags", "content", "expected"),
    [
        (NO_INFO, bytes(48), SigInfo(Signal(15), 0, 11, 12)),
        (PRIVATE, bytes(48), SigInfo(Signal(15), 128, 0, 0)),
        (NO_INFO | INSIDE, bytes(48), SigInfo(Signal(15), 0, 11, 12)),
        (INSIDE, info(15, 0, 0), SigInfo(Signal(15), 0, 11, 0)),
        (INSIDE, info(15, -6, 3), SigInfo(Signal(15), -6, 11, 0)),
        (INSIDE, info(15, -1, 3, 0, 9), SigInfo(Signal(15), -1, 11, 0, 9)),
        (INSIDE, info(15, -3, 3, 0, 9), SigInfo(Signal(15), -3, 3, 0, 9, inside=True)),
        (0, info(15, -1, 3, 0, 9), SigInfo(Signal(15), -1, 3, 0, 9)),
        (0, info(17, 1, 3), SigInfo(Signal(15), 1)._replace(pid=3, uid=0)),
        (0, info(0, 7), SigInfo(Signal(15), 7)),
    ],
    ids=["kill by the kernel", "the kernel", "no info", "from outside", "tgkill", "sigqueue",
         "mq", "ours", "another number", "no number"],
)  # fmt: skip
def test_where_a_signal_comes_from(flags: int, content: bytes, expected: SigInfo) -> None:
    event = decoded(sent(flags, content=content))
    assert isinstance(event, Sent)
    assert event.info == expected


def test_deliveries_and_what_is_taken() -> None:
    record = DELIVERED.struct.pack(2, 15, 5, 10, 11, -6, 12, 0x1000, 0x4000000, b"php")
    task = Task(10, 11, "php", 12)
    assert decoded(record) == Delivered(5, task, Signal(15), -6, 0x1000, 0x4000000)
    for call, by in ((128, Consumer.SIGWAIT), (0, Consumer.SIGNALFD), (-1, None)):
        record = TAKEN.struct.pack(3, 15, 5, 10, 11, call, b"php")
        assert decoded(record) == Taken(5, Task(10, 11, "php"), Signal(15), by)


def test_processes_and_threads() -> None:
    child = decoded(FORKED.struct.pack(4, 0, 5, 10, 11, 20, 20, b"sh"))
    assert child == Forked(5, Task(10, 11, "sh"), Task(20, 20, "sh", 0, 11, "sh"))
    thread = decoded(FORKED.struct.pack(4, 0, 5, 10, 11, 20, 11, b"sh"))
    assert thread == Forked(5, Task(10, 11, "sh"), Task(20, 11, "sh", 0))
    end = decoded(EXITED.struct.pack(6, 1, 5, 10, 11, 0x10007F00, 0, 1, 0, b"sh"))
    assert end == Exited(5, Task(10, 11, "sh", 0, 1), 0x7F00, True)


@pytest.mark.parametrize(
    ("length", "arguments", "expected"),
    [
        (0, b"", None),
        (1, b"\0", ("",)),
        (5, b"a\0b\0\0", ("a", "b", "")),
        (4, b"a\0b\0rest", ("a", "b")),
        (900, b"x" * 256, ("x" * 256,)),
        (3, b"\x1b\n\0", ("\x1b\n",)),
    ],
)
def test_arguments(length: int, arguments: bytes, expected: tuple[str, ...] | None) -> None:
    record = EXECUTED.struct.pack(5, 0, 5, 1, 1, 2, length, b"a", b"b", b"/bin/a", arguments)
    event = decoded(record)
    assert isinstance(event, Executed)
    assert event.path == "/bin/a"
    assert event.cmdline == expected


def test_more_of_a_kind_are_told_by_the_last_one() -> None:
    decoder = Decoder()
    one = sent(GROUP, content=info(15, 0, 11, 12))
    first = decoder.event(one, 0, len(one))
    key = KEY.struct.pack(1, 15, 1, 0, 0, 11, 21, 2, 0)
    more = FOLDED.struct.pack(7, 0, 99, 1000, key)
    assert isinstance(first, Sent)
    assert decoder.event(more, 0, len(more)) == first._replace(time=99, times=1000)
    decoder.forget(key)
    told = decoder.event(more, 0, len(more))
    assert isinstance(told, Sent)
    assert (told.sender, told.target, told.times) == (Task(11, 11), Task(21, 21), 1000)


@pytest.mark.parametrize("kind", [2, 3])
def test_more_of_a_kind_of_which_none_was_told(kind: int) -> None:
    key = KEY.struct.pack(kind, 15, 0, 0, -6, 0, 21, 2, 7)
    told = decoded(FOLDED.struct.pack(7, 0, 99, 1000, key))
    assert isinstance(told, Delivered | Taken)
    assert (told.task, told.signal, told.times) == (Task(21, 21), 15, 1000)


def test_the_kernel_itself_as_the_sender_of_many() -> None:
    key = KEY.struct.pack(1, 14, 1, 2, 0, 0, 21, 1, 0)
    told = decoded(FOLDED.struct.pack(7, 0, 99, 3, key))
    assert isinstance(told, Sent)
    assert (told.info.code, told.result) == (128, Result.PENDING)


def test_a_recording_is_read_back() -> None:
    records = [sent(), LOST.struct.pack(8, 0, 6, 3), TAKEN.struct.pack(3, 1, 7, 1, 1, 0, b"")]
    data = b"".join(frame(one) for one in records)
    kinds = [type(one) for one in Decoder().events(data)]
    assert kinds == [Sent, Missed, Taken]
    discarded = bytearray(data)
    discarded[3] |= 0x40
    assert [type(one) for one in Decoder().events(bytes(discarded))] == [Missed, Taken]


@pytest.mark.parametrize("length", [3, 9, 100, 8 + SENT.size - 1])
def test_a_recording_that_is_cut_off(length: int) -> None:
    with pytest.raises(DecodeError, match="cut off"):
        list(split_records(frame(sent())[:length]))


@pytest.mark.parametrize(
    "record",
    [b"", b"\x01", struct.pack("<I", 99), sent()[:-1], sent(number=0), sent(number=65),
     sent(result=5), FOLDED.struct.pack(7, 0, 1, 1, KEY.struct.pack(1, 77, 0, 0, 0, 1, 1, 0, 0))],
    ids=["empty", "a byte", "kind", "short", "signal 0", "signal 65", "result", "folded"],
)  # fmt: skip
def test_a_damaged_record(record: bytes) -> None:
    with pytest.raises(DecodeError):
        Decoder().event(record, 0, len(record))


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigscope.decode.watch.MOST_KEYS", 4)
    monkeypatch.setattr("sigscope.decode.watch.MOST_NAMES", 4)
    decoder = Decoder()
    for number in range(1, 32):
        record = DELIVERED.struct.pack(2, number, 5, 1, number, 0, 0, 0, 0, b"%d" % number)
        decoder.event(record, 0, len(record))
    assert len(decoder._last) <= 4
    assert len(decoder._names) <= 4


@given(st.binary(max_size=600))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        list(Decoder().events(data))


@given(st.integers(1, 8), st.binary(min_size=596, max_size=596))
def test_any_record_is_decoded_or_refused(kind: int, data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        Decoder().event(struct.pack("<I", kind) + data, 0, 600)
