"""Where handlers lie, as a snapshot keeps it: nothing is lost, and nothing damaged is believed."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.code import decode_code, encode_code
from sigscope.errors import DecodeError
from sigscope.model.depth import ProcessDepth
from sigscope.model.location import Clues, Location
from tests.model.strategies import hostile_text

BARE = ProcessDepth("bpf")
addresses = st.integers(0, (1 << 64) - 1)
texts = st.lists(hostile_text, max_size=3).map(tuple)
clues = st.builds(
    Clues,
    st.frozensets(hostile_text, max_size=3),
    st.frozensets(hostile_text, max_size=3),
    texts,
    st.lists(st.binary(max_size=32).map(bytes.hex), max_size=3).map(tuple),
    st.lists(st.lists(addresses | hostile_text, max_size=3).map(tuple), max_size=3).map(tuple),
)
locations = st.builds(
    Location,
    addresses,
    hostile_text,
    st.none() | addresses,
    hostile_text,
    hostile_text,
    addresses,
    hostile_text,
    texts,
    hostile_text,
    st.none() | clues,
)
deferred = st.lists(st.tuples(st.integers(1, 64), addresses), max_size=3).map(tuple)


@given(st.lists(locations, max_size=4).map(tuple), deferred)
def test_what_was_kept_comes_back(
    code: tuple[Location, ...], behind: tuple[tuple[int, int], ...]
) -> None:
    depth = ProcessDepth("bpf", code=code, deferred=behind)
    assert decode_code(encode_code(depth), BARE) == depth


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile_text,
    lambda inner: st.lists(inner, max_size=11) | st.dictionaries(hostile_text, inner, max_size=3),
)


@given(anything, anything)
def test_anything_else_is_an_answer_or_damaged(code: object, behind: object) -> None:
    for content in ({"code": code, "deferred": behind}, {"code": [code], "deferred": []}, code):
        with contextlib.suppress(DecodeError):
            decode_code(json.dumps(content).encode(), BARE)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[" * 100_000,
        b'{"code": [], "deferred": [[0, 1]]}',
        b'{"code": [], "deferred": [[65, 1]]}',
        b'{"code": [], "deferred": [[true, 1]]}',
        b'{"code": [[1, "", 18446744073709551616, "", "", 0, "", [], "", null]], "deferred": []}',
        b'{"code": [[1, "", null, "", "", 0, "", [], "", [[], [], [], ["xx"], []]]],'
        b' "deferred": []}',
    ],
)
def test_damage_is_named(data: bytes) -> None:
    with pytest.raises(DecodeError, match="damaged"):
        decode_code(data, BARE)
