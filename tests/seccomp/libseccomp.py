"""Filters as libseccomp writes them: what runc, crun and systemd load. Through its C interface."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import struct
import tempfile
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from sigscope.model.seccomp import Filter, Instruction

ALLOW, LOG, TRAP, KILL_PROCESS, KILL_THREAD = 0x7FFF0000, 0x7FFC0000, 0x30000, 0x80000000, 0
TRACE, NOTIFY = 0x7FF00000, 0x7FC00000
NE, LT, LE, EQ, GE, GT, MASKED_EQ = range(1, 8)
"""enum scmp_compare."""

X86_64, X86, X32 = 0xC000003E, 0x40000003, 0x4000003E
"""SCMP_ARCH_*: that of x32 is libseccomp's own."""

PACKAGE = "libseccomp.so.2 is not installed: apt-get install libseccomp2"
_UNKNOWN = -1
_OPTIMIZE = 8


def errno(number: int) -> int:
    """SCMP_ACT_ERRNO."""
    return 0x50000 | number


class Compare(ctypes.Structure):
    """struct scmp_arg_cmp; ``datum_b`` only for MASKED_EQ, whose ``datum_a`` is the mask."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


class Rule(NamedTuple):
    """What these calls are answered, if all comparisons of their arguments hold."""

    action: int
    names: tuple[str, ...]
    compare: tuple[tuple[int, int, int, int], ...] = ()


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip(PACKAGE)
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def compiled(
    default: int,
    rules: Iterable[Rule],
    arches: Iterable[int] = (X86_64, X86, X32),
    tree: bool = False,
) -> Filter:
    """The program for these rules; ``tree``: as a binary tree instead of one test after another.

    Calls that this libseccomp does not know, or an architecture does not have, are left out.
    """
    library = _library()
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(default)))
    assert context
    try:
        for arch in arches:
            library.seccomp_arch_add(context, ctypes.c_uint32(arch))
        if tree:
            assert library.seccomp_attr_set(context, _OPTIMIZE, ctypes.c_uint32(2)) == 0
        for rule in rules:
            compare = (Compare * len(rule.compare))(*(Compare(*one) for one in rule.compare))
            for name in rule.names:
                number = library.seccomp_syscall_resolve_name(name.encode())
                if number != _UNKNOWN:
                    library.seccomp_rule_add_array(
                        context, ctypes.c_uint32(rule.action), number, len(compare), compare
                    )
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


def _exported(library: ctypes.CDLL, context: ctypes.c_void_p) -> Filter:
    with tempfile.TemporaryFile() as file:
        assert library.seccomp_export_bpf(context, file.fileno()) == 0
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        data = file.read()
    return Filter(tuple(Instruction(*one) for one in struct.iter_unpack("=HBBI", data)))
