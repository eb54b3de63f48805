"""Tracepoint formats, perf rings and trace pages: made by hand, and any bytes at all."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.perf_ring import decode_ring
from sigscope.decode.trace_page import PageLayout, decode_page, decode_page_layout
from sigscope.decode.tracepoint import Record, decode_fields, decode_format, located
from sigscope.errors import DecodeError

COMMON = b"""\
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

"""
EXEC = (
    b"name: sched_process_exec\nID: 365\nformat:\n"
    + COMMON
    + b"""\
\tfield:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;
\tfield:pid_t pid;\toffset:12;\tsize:4;\tsigned:1;
\tfield:pid_t old_pid;\toffset:16;\tsize:4;\tsigned:1;

print fmt: "filename=%s pid=%d old_pid=%d", __get_str(filename), REC->pid, REC->old_pid
"""
)
HEADER_PAGE = b"""\
\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;
\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;
"""
HEADER_EVENT = b"""\
# compressed entry header
\ttype_len    :    5 bits
\ttime_delta  :   27 bits
\tarray       :   32 bits

\tpadding     : type == 29
\ttime_extend : type == 30
\ttime_stamp : type == 31
\tdata max type_len  == 28
"""
PAGE = decode_page_layout(HEADER_PAGE, HEADER_EVENT)


def page(time: int, body: bytes, flags: int = 0, behind: bytes = b"") -> bytes:
    return (struct.pack("=QQ", time, len(body) | flags) + body + behind).ljust(4096, b"\0")


def word(kind: int, delta: int) -> bytes:
    return struct.pack("=I", delta << 5 | kind)


def told(data: bytes) -> list[tuple[int, bytes]]:
    found: list[Record] = []
    decode_page(PAGE, data, 0, found)
    return [(one.time, one.data[one.at : one.end]) for one in found]


# -- formats ------------------------------------------------------------------------------------


def test_a_format_file() -> None:
    found = decode_format(EXEC)
    assert (found.name, found.number) == ("sched_process_exec", 365)
    assert found.fields["filename"].kind == "__data_loc char[]"
    record = struct.pack("=HBBiIii", 365, 0, 0, 8, 3 << 16 | 20, 7, -1) + b"ls\0"
    assert found.reader("common_type", "pid", "old_pid").unpack(record, 0) == (365, 7, -1)
    assert found.reader("pid", "common_pid").unpack(record, 0) == (7, 8)
    location = found.reader("filename").unpack(record, 0)[0]
    assert located(record, 0, len(record), location) == b"ls"


def test_a_reader_goes_by_the_offsets_of_the_file() -> None:
    moved = EXEC.replace(b"pid;\toffset:12", b"pid;\toffset:32")
    assert decode_format(moved).reader("pid").unpack(bytes(32) + b"\5\0\0\0", 0) == (5,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "it does not begin with name: and ID:"),
        (b"name: x\nID: 5\nformat:\n", "it has no fields"),
        (EXEC.replace(b"offset:12", b"offset:99999"), "a field ends at byte 100003"),
    ],
)
def test_a_format_that_is_none(text: bytes, said: str) -> None:
    with pytest.raises(DecodeError, match=said):
        decode_format(text)


def test_a_field_that_this_kernel_does_not_have() -> None:
    with pytest.raises(DecodeError, match="no field 'group_dead'"):
        decode_format(EXEC).reader("group_dead")
    with pytest.raises(DecodeError, match="over one another"):
        decode_format(EXEC.replace(b"offset:16", b"offset:13")).reader("pid", "old_pid")


@given(st.binary(), st.integers(0, 1 << 32))
def test_a_place_outside_of_the_record_is_empty(data: bytes, location: int) -> None:
    assert located(data, 0, len(data), location) in data


@given(st.binary())
def test_any_bytes_as_a_format(data: bytes) -> None:
    for text in (data, EXEC[: len(data)] + data, EXEC + data):
        try:
            decode_format(text)
        except DecodeError:
            continue
    decode_fields(data)


# -- perf ---------------------------------------------------------------------------------------


def sample(time: int, tgid: int, raw: bytes) -> bytes:
    body = struct.pack("=IIQIII", tgid, tgid + 1, time, 0, 0, len(raw)) + raw
    return struct.pack("=IHH", 9, 1, 8 + len(body)) + body


def test_a_ring() -> None:
    lost = struct.pack("=IHHQQIIQII", 2, 0, 48, 1, 77, 5, 6, 2000, 0, 0)
    other = struct.pack("=IHHQ", 5, 0, 16, 0)
    first, loss, second = decode_ring(sample(1000, 7, b"abc") + lost + other + sample(3000, 8, b""))
    assert (first.time, first.tgid, first.data[first.at : first.end]) == (1000, 7, b"abc")
    assert (loss.time, loss.at, loss.end) == (2000, 77, -1)
    assert (second.time, second.at) == (3000, second.end)


@pytest.mark.parametrize(
    "data",
    [
        sample(1, 1, b"abcd")[:-1],
        struct.pack("=IHH", 9, 0, 8),
        struct.pack("=IHH", 9, 0, 0),
        struct.pack("=IHH", 2, 0, 8),
        struct.pack("=IHHIIQIII", 9, 0, 36, 1, 1, 1, 0, 0, 500),
        b"\0\0\0",
    ],
)
def test_a_ring_that_is_damaged(data: bytes) -> None:
    with pytest.raises(DecodeError, match="perf ring"):
        decode_ring(data)


@given(st.binary(), st.integers(0, 100))
def test_any_bytes_as_a_ring(data: bytes, cut: int) -> None:
    for bytes_ in (data, sample(1, 2, data)[cut:], sample(1, 2, b"") + data):
        try:
            found = decode_ring(bytes_)
        except DecodeError:
            continue
        assert all(one.end <= len(bytes_) for one in found)


# -- trace pages ----------------------------------------------------------------------------------


def test_the_layout_of_a_page() -> None:
    assert (PAGE.size, PAGE.start, PAGE.header.size) == (4096, 16, 16)
    narrow = HEADER_PAGE.replace(b"offset:8;\tsize:8", b"offset:8;\tsize:4")
    narrow = narrow.replace(b"offset:16;\tsize:4080", b"offset:12;\tsize:4084")
    assert decode_page_layout(narrow, HEADER_EVENT).header.size == 12


@pytest.mark.parametrize(
    ("page_text", "event_text"),
    [
        (b"", HEADER_EVENT),
        (HEADER_PAGE.replace(b"commit;\toffset:8", b"commit;\toffset:4"), HEADER_EVENT),
        (HEADER_PAGE.replace(b"offset:16", b"offset:10"), HEADER_EVENT),
        (HEADER_PAGE, HEADER_EVENT.replace(b"type == 30", b"type == 31")),
        (HEADER_PAGE, b""),
    ],
)
def test_a_layout_that_is_not_known(page_text: bytes, event_text: bytes) -> None:
    with pytest.raises(DecodeError, match="events/header"):
        decode_page_layout(page_text, event_text)


def test_records_of_a_page_and_their_times() -> None:
    body = word(2, 5) + b"abcdefgh"  # two words
    body += word(0, 7) + struct.pack("=I", 4 + 4) + b"long"  # a length of its own
    body += word(30, 3) + struct.pack("=I", 1)  # more time than 27 bits hold
    body += word(1, 0) + b"next"
    body += word(29, 1) + struct.pack("=I", 8) + b"gone"  # thrown away by its writer
    body += word(31, 42) + struct.pack("=I", 2)  # an absolute time
    body += word(1, 1) + b"last"
    far = (1 << 27) + 3
    assert told(page(1000, body)) == [
        (1005, b"abcdefgh"),
        (1012, b"long"),
        (1012 + far, b"next"),
        ((2 << 27) + 43, b"last"),
    ]


def test_padding_ends_a_page() -> None:
    assert told(page(1, word(1, 0) + b"only" + word(29, 0) + b"\xff" * 8)) == [(1, b"only")]


def test_a_page_tells_what_was_lost_before_it() -> None:
    for flags, behind, count in (
        (1 << 31, b"", 0),
        (1 << 31 | 1 << 30, struct.pack("=Q", 99), 99),
    ):
        found: list[Record] = []
        decode_page(PAGE, page(7, word(1, 0) + b"next", flags, behind), 0, found)
        assert [(one.time, one.at if one.end < 0 else -1) for one in found] == [(7, count), (7, -1)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        page(1, b"")[:12],
        struct.pack("=QQ", 1, 4081).ljust(4096, b"\0"),
        page(1, word(28, 0) + b"short"),
        page(1, word(0, 0) + struct.pack("=I", 0)),
        page(1, word(0, 0) + struct.pack("=I", 1 << 31)),
    ],
)
def test_a_page_that_is_damaged(data: bytes) -> None:
    with pytest.raises(DecodeError, match="trace page"):
        told(data)


@given(st.binary(max_size=200), st.integers(0, (1 << 64) - 1), st.integers(0, 4200))
def test_any_bytes_as_a_page(data: bytes, commit: int, cut: int) -> None:
    small = PageLayout(64, struct.Struct("=QQ"), 16)
    whole = struct.pack("=QQ", 5, commit) + data
    for layout, content, base in (
        (PAGE, page(5, data), 0),
        (PAGE, whole.ljust(4096, b"\0")[:cut], 0),
        (small, data + whole, len(data)),
        (small, data, 0),
    ):
        found: list[Record] = []
        try:
            decode_page(layout, content, base, found)
        except DecodeError:
            continue
        assert all(one.end <= len(content) for one in found)
