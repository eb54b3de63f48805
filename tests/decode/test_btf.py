"""Fields by name, in a BTF made by hand, and in files that are damaged or from the future."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.btf import FUNCTION, STRUCT, Btf, Field
from sigscope.errors import DecodeError
from tests.decode.btf_maker import CONST, UNION, BtfMaker

UNKNOWN_KIND = 27


def task() -> BtfMaker:
    """A small task_struct with all that is odd about the real one."""
    made = BtfMaker()
    word, half = made.number(8), made.number(4)
    set_of = made.struct("", 8, ("sig", made.array(word, 1), 0))
    sigset = made.alias(made.alias(set_of, CONST))
    pending = made.struct(
        "sigpending", 24, ("list", made.array(word, 2), 0), ("signal", sigset, 16)
    )
    signal = made.struct("signal_struct", 16, ("flags", half, 4), ("live", half, 8))
    inner = made.struct("", 16, ("pid", half, 4), ("comm", made.array(made.number(1), 16), 8))
    either = made.struct("", 16, ("one", inner, 0), ("", inner, 0), kind=UNION)
    made.struct(
        "task_struct",
        128,
        ("pending", pending, 8),
        ("signal", made.alias(made.pointer(made.alias(signal, CONST))), 40),
        ("", either, 64),
        ("blocked", sigset, 96),
    )
    made.bits("flags", 8, ("plain", half, 32, 0), ("first", half, 0, 1), ("later", half, 13, 1))
    made.enum("pid_type", PIDTYPE_PID=0, PIDTYPE_MAX=4)
    made.function("bpf_iter_task")
    return made


NAMES = ("task_struct", "flags", "pid_type", "bpf_iter_task", "signal_struct")


@pytest.fixture
def btf() -> Btf:
    return Btf(bytes(task()), NAMES)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("task_struct.pending.signal", Field(24, 8)),
        ("task_struct.pending.list", Field(8, 16)),
        ("task_struct.signal", Field(40, 8)),
        ("task_struct.signal->flags", Field(4, 4)),
        ("task_struct.pid", Field(68, 4)),
        ("task_struct.one.pid", Field(68, 4)),
        ("task_struct.comm", Field(72, 16)),
        ("task_struct.blocked", Field(96, 8)),
        ("flags.plain", Field(4, 4)),
        ("flags.first", Field(0, 1, 0)),
        ("flags.later", Field(1, 1, 5)),
        ("task_struct.absent", None),
        ("task_struct.pid.below", None),
        ("task_struct.pid->below", None),
        ("absent.pid", None),
    ],
)
def test_a_field_is_found_by_its_name(btf: Btf, path: str, field: Field | None) -> None:
    assert btf.field(path) == field


def test_functions_and_values_have_numbers(btf: Btf) -> None:
    assert btf.id_of("bpf_iter_task", FUNCTION) is not None
    assert btf.id_of("bpf_iter_task", STRUCT) is None
    assert btf.enumerator("pid_type.PIDTYPE_MAX") == 4
    assert btf.enumerator("pid_type.PIDTYPE_NONE") is None
    assert btf.enumerator("absent.PIDTYPE_MAX") is None


def test_a_kind_that_is_not_known_does_not_matter_behind_what_is_wanted() -> None:
    made = task()
    made.raw("future", UNKNOWN_KIND, 3, 9, bytes(20))
    assert Btf(bytes(made), NAMES).field("task_struct.pid") == Field(68, 4)


def test_a_kind_that_is_not_known_before_what_is_wanted_is_no_guess() -> None:
    made = task()
    made.raw("future", UNKNOWN_KIND, 3, 9, bytes(20))
    made.function("late")
    with pytest.raises(DecodeError, match="kind 27"):
        Btf(bytes(made), (*NAMES, "late"))


def _patched(at: int, value: bytes) -> bytes:
    data = bytearray(bytes(task()))
    data[at : at + len(value)] = value
    return bytes(data)


CIRCLE = BtfMaker()
CIRCLE.raw("task_struct", STRUCT, 1, 8, struct.pack("<III", CIRCLE.text("pid"), 2, 0))
CIRCLE.alias(2)
NEST = BtfMaker()
NEST.raw("task_struct", STRUCT, 1, 8, struct.pack("<III", 0, 1, 0))

DEFECTS = {
    "nothing": b"",
    "only-a-header": bytes(task())[:24],
    "cut": bytes(task())[:-40],
    "another-byte-order": _patched(0, b"\xeb\x9f"),
    "another-version": _patched(2, b"\x07"),
    "types-beyond-the-end": _patched(12, struct.pack("<I", 1 << 20)),
    "strings-beyond-the-end": _patched(20, struct.pack("<I", 1 << 20)),
    "types-cut-within-one": _patched(12, struct.pack("<I", 20)),
    "typedefs-in-a-circle": bytes(CIRCLE),
    "a-struct-within-itself": bytes(NEST),
}


@pytest.mark.parametrize("data", DEFECTS.values(), ids=DEFECTS)
def test_a_damaged_file_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        Btf(data, NAMES).field("task_struct.pid.x")


@given(st.integers(24, 600), st.binary(min_size=1, max_size=8))
def test_a_few_wrong_bytes_do_no_harm(at: int, value: bytes) -> None:
    try:
        btf = Btf(_patched(at, value), NAMES)
        for path in ("task_struct.pid", "task_struct.signal->flags", "flags.later"):
            btf.field(path)
        btf.enumerator("pid_type.PIDTYPE_MAX")
    except DecodeError:
        pass
