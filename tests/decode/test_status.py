"""status files: what the kernel formats comes back, and what is missing is missing, not empty."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.status import Sets, decode_status, decode_thread_status
from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError
from sigscope.model.process import Queue
from sigscope.model.signals import SignalSet
from sigscope.model.state import State
from tests.decode import samples
from tests.model.strategies import masks

comms = st.binary(max_size=15).map(lambda name: name.replace(b"\0", b""))
five = st.tuples(masks, masks, masks, masks, masks)
pids = st.integers(0, (1 << 22) - 1)


@given(comms, st.sampled_from("RSDTtZXIP"), five, pids, pids)
def test_what_the_kernel_formats_is_what_comes_back(
    name: bytes, letter: str, sets: tuple[int, ...], ppid: int, uid: int
) -> None:
    data = samples.status(name, f"{letter} (word)", sets, ppid=ppid, uid=uid)
    found = decode_status(data)
    assert found.name == decode_text(name)
    assert found.state is State(letter)
    assert found.sets == Sets(*map(SignalSet, sets))
    assert (found.ppid, found.uid) == (ppid, uid)
    assert decode_thread_status(data) == (found.name, found.state, found.sets)


@given(pids, st.integers(0, 1 << 31), st.integers(0, 1 << 31), st.lists(pids, min_size=1))
def test_numbers_come_back(tracer: int, used: int, limit: int, nspid: list[int]) -> None:
    found = decode_status(
        samples.status(tracer=tracer, queue=f"{used}/{limit}", nspid="\t".join(map(str, nspid)))
    )
    assert found.tracer == (tracer or None)
    assert found.queue == Queue(used, limit)
    assert found.nspid == tuple(nspid)
    assert (found.seccomp, found.no_new_privs, found.kernel_thread) == (0, False, False)


@pytest.mark.parametrize(
    ("comm", "text"),
    [
        (b"a\nSigBlk:\tff", "a\nSigBlk:\tff"),
        (b"\\n", "\\n"),
        (b"\\\n\\\\", "\\\n\\\\"),
        (b"\x1b[31mred", "\x1b[31mred"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b") R 1 (", ") R 1 ("),
        (b"Name:\tx", "Name:\tx"),
        (b"\r\x0b\x0c\x1c\xc2\x85", "\r\x0b\x0c\x1c\x85"),
        (b"", ""),
        (b"  ", "  "),
    ],
)
def test_a_hostile_name_stays_a_name(comm: bytes, text: str) -> None:
    found = decode_status(samples.status(comm, sets=(1, 2, 4, 8, 16)))
    assert found.name == text
    assert found.sets is not None
    assert found.sets.sigblk == SignalSet(4)


def test_no_sig_lines_at_all_are_no_sets_and_not_empty_ones() -> None:
    found = decode_status(samples.status(sets=None))
    assert found.sets is None
    assert found.name == "daemon"


def test_lines_that_an_older_kernel_lacks_are_none() -> None:
    found = decode_status(
        b"Name:\ta\nState:\tS (sleeping)\nTgid:\t7\nPid:\t7\nPPid:\t1\nUid:\t0\t0\t0\t0\n"
    )
    assert (found.queue, found.seccomp, found.no_new_privs, found.tracer) == (None,) * 4
    assert found.nspid == ()
    assert not found.kernel_thread


DEFECTS = {
    "nothing": (b"", "begin"),
    "no-name": (samples.status().partition(b"\n")[2], "begin"),
    "no-state": (samples.status().replace(b"State:", b"Stale:"), "begin"),
    "no-ppid": (samples.status().replace(b"\nPPid:", b"\nQQid:"), "PPid"),
    "no-uid": (samples.status().replace(b"\nUid:", b"\nVid:"), "Uid"),
    "word-for-ppid": (samples.status().replace(b"PPid:\t1", b"PPid:\tone"), "PPid"),
    "endless-uid": (samples.status().replace(b"Uid:\t0", b"Uid:\t" + b"9" * 5000), "Uid"),
    "short-mask": (samples.status().replace(b"SigBlk:\t0", b"SigBlk:\t"), "SigPnd to SigCgt"),
    "upper-case-mask": (samples.status(sets=(10,) * 5).replace(b"a\n", b"A\n"), "SigCgt"),
    "sets-out-of-order": (samples.status().replace(b"ShdPnd", b"SigXXX"), "out of order"),
    "sets-cut-off": (samples.status().partition(b"SigIgn")[0], "cut off"),
}


@pytest.mark.parametrize(("data", "says"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_called_by_its_name(data: bytes, says: str) -> None:
    with pytest.raises(DecodeError, match=says) as caught:
        decode_status(data)
    assert caught.value.what == "status"


def test_a_file_cut_off_anywhere_never_tells_another_value() -> None:
    """Each field is as in the whole file, or None (its line is missing), or an error."""
    data = samples.status(b"daemon", sets=(1, 2, 4, 8, 16), ppid=1234, uid=1000, tracer=77)
    whole = asdict(decode_status(data))
    for end in range(len(data)):
        try:
            part = asdict(decode_status(data[:end]))
        except DecodeError:
            continue
        for field, value in part.items():
            assert value in (whole[field], None, (), False), f"{field} of {data[:end][-30:]!r}"
