"""Whatever the bytes: a value or the error that the room promises, and soon."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.cgroup import decode_cgroup
from sigscope.decode.children import decode_children
from sigscope.decode.cmdline import decode_cmdline
from sigscope.decode.fdinfo import decode_epoll, decode_signalfd, decode_timerfd
from sigscope.decode.host import (
    decode_boot_time,
    decode_hidepid,
    decode_last_ran,
    decode_uptime,
)
from sigscope.decode.limits import decode_cpu_limit
from sigscope.decode.mask import parse_hex, parse_mask, parse_pasted
from sigscope.decode.siginfo import decode_siginfo
from sigscope.decode.signal_name import parse_signal
from sigscope.decode.stat import decode_cpu_ticks, decode_stat
from sigscope.decode.status import decode_status, decode_thread_status
from sigscope.decode.syscall import decode_syscall
from sigscope.decode.text import decode_status_name, decode_text
from sigscope.decode.user_regs import decode_aarch64, decode_syscall_info, decode_x86_64
from sigscope.errors import DecodeError, UsageError
from tests.decode import samples
from tests.model.strategies import hostile_text

Decoder = Callable[[bytes], object]


def _syscall(data: bytes) -> object:
    return decode_syscall(data, "x86_64")


DECODERS: tuple[tuple[Decoder, bytes], ...] = (
    (decode_status, samples.status()),
    (decode_thread_status, samples.status()),
    (decode_stat, samples.stat()),
    (decode_cpu_ticks, samples.stat()),
    (decode_cpu_limit, b"Max cpu time              60              unlimited       seconds   \n"),
    (
        decode_timerfd,
        b"clockid: 1\nticks: 2\nsettime flags: 00\nit_value: (4, 9)\nit_interval: (1, 0)\n",
    ),
    (decode_children, b"4285 4290 "),
    (decode_cmdline, b"sleep\0 5\0"),
    (decode_cgroup, samples.CGROUP),
    (decode_signalfd, samples.SIGNALFD),
    (decode_epoll, samples.EPOLL),
    (_syscall, samples.SYSCALL),
    (decode_boot_time, samples.HOST_STAT),
    (decode_uptime, b"12.34 5.67\n"),
    (decode_last_ran, samples.SCHED),
    (decode_hidepid, samples.MOUNTS),
    (decode_siginfo, b"\x0f" + bytes(127)),
    (decode_x86_64, bytes(216)),
    (decode_aarch64, bytes(272)),
    (decode_syscall_info, b"\x01\0\0\0\x3e\0\0\xc0" + bytes(80)),
    (decode_text, b"name"),
    (decode_status_name, rb"a\nb\\"),
)
PARSERS: tuple[Callable[[str], object], ...] = (parse_hex, parse_mask, parse_pasted, parse_signal)
BUDGET = 5.0
"""Seconds for a megabyte; all of it takes a few milliseconds where the time is linear."""

names = [function.__name__.strip("_") for function, _ in DECODERS]
each_decoder = pytest.mark.parametrize(("decode", "sample"), DECODERS, ids=names)
each_parser = pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)


@each_decoder
def test_the_sample_itself_is_understood(decode: Decoder, sample: bytes) -> None:
    decode(sample)


@each_decoder
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_decode_error(
    decode: Decoder, sample: bytes, data: bytes
) -> None:
    _outcome(decode, data)


@each_decoder
@given(st.data())
def test_a_damaged_file_is_a_value_or_a_decode_error(
    decode: Decoder, sample: bytes, data: st.DataObject
) -> None:
    """Some bytes of a real file are replaced: this gets much further in than random bytes."""
    begin = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(begin, min(len(sample), begin + 12)))
    noise = data.draw(st.one_of(st.binary(max_size=12), st.from_regex(rb"[-0-9_\t\n ]{0,40}")))
    _outcome(decode, sample[:begin] + noise + sample[end:])


@each_decoder
def test_a_file_cut_off_at_any_byte_is_a_value_or_a_decode_error(
    decode: Decoder, sample: bytes
) -> None:
    for end in range(len(sample)):
        _outcome(decode, sample[:end])


@each_parser
@given(st.one_of(hostile_text, st.from_regex(r"[-+0-9A-Fa-fxX, \n:SIGRTMINX]{0,30}")))
def test_any_text_is_a_value_or_a_usage_error(parse: Callable[[str], object], text: str) -> None:
    refused = _refusal(parse, text)
    assert refused is None or (refused.message and refused.hint)


FLOODS = {
    "zeros": b"\0" * (1 << 20),
    "digits": b"9" * (1 << 20),
    "spaces": b" " * (1 << 20),
    "lines": b"\n" * (1 << 20),
    "brackets": b"(" * (1 << 20),
    "slashes": b"/" * (1 << 20),
    "units": b"/a.service" * (1 << 16),
    "labels": b"\nSigBlk:\t" * (1 << 16),
    "mounts": b" / - proc " * (1 << 16),
    "numbers": b"1 " * (1 << 19),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
@each_decoder
def test_a_flood_is_answered_in_time_that_grows_with_its_length(
    decode: Decoder, sample: bytes, flood: bytes
) -> None:
    begun = time.process_time()
    _outcome(decode, flood)
    _outcome(decode, sample + flood)
    assert time.process_time() - begun < BUDGET


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
@each_parser
def test_a_flood_of_text_is_answered_in_time(parse: Callable[[str], object], flood: bytes) -> None:
    begun = time.process_time()
    refused = _refusal(parse, flood.decode())
    assert refused is None or len(refused.message) < 300
    assert time.process_time() - begun < BUDGET


def test_a_cgroup_path_full_of_kubepods_is_answered_in_time() -> None:
    begun = time.process_time()
    decode_cgroup(b"0::" + b"/kubepods" * 10_000)
    assert time.process_time() - begun < BUDGET / 4


def _outcome(decode: Decoder, data: bytes) -> None:
    """Any other exception goes through, and fails the test."""
    refused: DecodeError | None = None
    try:
        decode(data)
    except DecodeError as error:
        refused = error
    assert refused is None or (refused.what and refused.detail and len(refused.message) < 300)


def _refusal(parse: Callable[[str], object], text: str) -> UsageError | None:
    try:
        parse(text)
    except UsageError as error:
        return error
    return None
