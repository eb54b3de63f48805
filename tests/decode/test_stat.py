"""stat files, whose second field may hold anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.stat import decode_stat
from sigscope.errors import DecodeError
from tests.decode import samples

numbers = st.integers(0, (1 << 63) - 1)
comms = st.one_of(
    st.binary(max_size=15), st.sampled_from((b") S 1 (", b"((", b"))", b"a\nb", b" ", b""))
)


@given(comms, numbers, numbers, numbers)
def test_what_the_kernel_formats_is_what_comes_back(
    comm: bytes, pgrp: int, flags: int, start: int
) -> None:
    found = decode_stat(samples.stat(comm, pgrp=pgrp, flags=flags, start_time=start))
    assert (found.pgrp, found.flags, found.start_time) == (pgrp, flags, start)
    assert (found.session, found.processor) == (4285, 1)


def test_negative_groups_are_numbers_too() -> None:
    """A kernel thread's tpgid is -1, and so may be what another kernel writes elsewhere."""
    assert decode_stat(samples.stat(pgrp=-1)).pgrp == -1


DEFECTS = {
    "nothing": b"",
    "only-the-name": b"7 (a)",
    "cut-before-the-start-time": samples.stat().partition(b" 4711")[0],
    "word-for-the-start-time": samples.stat().replace(b"4711", b"soon"),
    "endless-number": samples.stat().replace(b"4711", b"4" * 5000),
}


@pytest.mark.parametrize("data", DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_an_error_of_stat(data: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_stat(data)
    assert caught.value.what == "stat"


def test_a_file_cut_off_anywhere_never_tells_another_start_time() -> None:
    data = samples.stat(start_time=471123)
    whole = decode_stat(data)
    answered = 0
    for end in range(len(data)):
        try:
            found = decode_stat(data[:end])
        except DecodeError:
            continue
        answered += 1
        assert found.start_time == whole.start_time
        assert (found.pgrp, found.session, found.flags) == (4285, 4285, whole.flags)
    assert answered
