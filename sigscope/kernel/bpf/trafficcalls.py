"""The program that tells of reads and writes on the connections that a process has accepted.

It runs at the end of each system call (raw tracepoint sys_exit). What was read or written is
still in the caller's memory then, and is copied from there (``trafficdata``).
"""

from __future__ import annotations

from sigscope.kernel.bpf.assembler import R0, R1, R2, R3, R4, R6, R7, R8, R9, R10
from sigscope.kernel.bpf.trafficcode import (
    ACCEPT,
    CLOSE,
    DELETE,
    DI,
    DX,
    FROM_CX,
    HEAD,
    IN,
    KEY,
    MOST,
    NUMBER,
    OUT,
    PID_TGID,
    REGS,
    TGID,
    UNCOPIED,
    UPDATE,
    VALUE,
    Maps,
    TrafficCode,
)
from sigscope.kernel.bpf.trafficdata import copy_buffer, copy_pieces

_EAGAIN, _EINTR = -11, -4
_RESTARTS = -512
"""ERESTARTSYS and its kin, -512 to -516: the call goes on or is seen again."""
_NEGATIVE = 0x7FFFFFFF
"""Results above it are errors: numbers have no sign here."""
_PEEK = 2
"""MSG_PEEK: what is read so is read again."""

_BUFFER, _PIECES, _MESSAGE, _UNSEEN = 0, 1, 2, UNCOPIED << 8
_FLAGS = 56
"""r10 in pt_regs of x86-64: the flags of recvfrom."""
_CALLS = (
    ("read", (0,), IN, _BUFFER),
    ("recvfrom", (45,), IN, _BUFFER),
    ("write sendto", (1, 44), OUT, _BUFFER),
    ("readv", (19,), IN, _PIECES),
    ("recvmsg", (47,), IN, _MESSAGE),
    ("writev", (20,), OUT, _PIECES),
    ("sendmsg", (46,), OUT, _MESSAGE),
    ("recvmmsg", (299,), IN, _UNSEEN),
    ("sendfile sendmmsg", (40, 307), OUT, _UNSEEN),
)
"""Names, numbers of x86-64, direction, and where the data is."""
_ACCEPTS, _CLOSES = (43, 288), (3,)


def system_calls(maps: Maps) -> TrafficCode:
    """At sys_exit(pt_regs, result)."""
    code = TrafficCode(maps)
    code.do(R6, "=", R1)
    code.call(PID_TGID, "get_current_pid_tgid")
    code.do(R0, ">>=", 32)
    code.store(R10, TGID, R0, 4)
    code.store(R10, KEY + 4, R0, 4)
    code.lookup(maps.targets, TGID)
    code.jump_if(R0, "==", 0, "done")
    code.load(R8, R6, 0, 8)
    code.load(R9, R6, 8, 8)
    code.read_kernel(REGS, 40, R8, FROM_CX)
    code.load(R1, R10, NUMBER, 8)
    for name, numbers, _, _ in _CALLS:
        for number in numbers:
            code.jump_if(R1, "==", number, name)
    for number in _ACCEPTS:
        code.jump_if(R1, "==", number, "accept")
    for number in _CLOSES:
        code.jump_if(R1, "==", number, "close")
    code.jump("done")
    for name, _, direction, place in _CALLS:
        code.label(name)
        _unless_peeked(code, name)
        code.do(R6, "=", direction)
        code.do(R8, "=", place)
        code.jump("moved")
    _moved(code)
    _accepted(code)
    _closed(code)
    code.label("done")
    code.leave()
    return code


def _unless_peeked(code: TrafficCode, name: str) -> None:
    if name == "recvfrom":
        code.read_kernel(VALUE, 8, R8, _FLAGS)
        code.load(R1, R10, VALUE, 8)
        code.jump_if(R1, "&", _PEEK, "done")
    elif name == "recvmsg":
        code.load(R1, R10, DX, 8)
        code.jump_if(R1, "&", _PEEK, "done")


def _moved(code: TrafficCode) -> None:
    """Something was read or written, r6 says which, r8 where it is; r9 is the result."""
    code.label("moved")
    code.load(R1, R10, DI, 8)
    code.store(R10, KEY, R1, 4)
    code.lookup(code.maps.connections, KEY)
    code.jump_if(R0, "==", 0, "done")
    for failure in (_EAGAIN, _EINTR, *range(_RESTARTS, _RESTARTS - 5, -1)):
        code.jump_if(R9, "==", failure, "done")
    code.begin(0, "done")
    _describe(code)
    code.do(R6, "=", R8)
    code.do(R8, "=", 0)
    code.jump_if(R9, ">", _NEGATIVE, "told")
    code.jump_if(R9, "==", 0, "told")
    code.jump_if(R6, "==", _UNSEEN, "not seen")
    code.jump_if(R6, "==", _PIECES, "pieces")
    code.jump_if(R6, "==", _MESSAGE, "message")
    copy_buffer(code)
    copy_pieces(code)
    code.label("copied")
    code.store(R7, 40, R8, 4)
    code.jump_if(R8, "!=", 0, "told")
    code.label("not seen")
    code.store(R7, 20, UNCOPIED, 4)
    code.label("told")
    code.do(R3, "=", R8)
    code.do(R3, "&=", MOST)
    code.do(R3, "+=", HEAD)
    code.put("done")
    code.jump("done")


def _describe(code: TrafficCode) -> None:
    """Kind, descriptor and result; r6 has the first."""
    code.store(R7, 16, R6, 4)
    code.load(R1, R10, KEY, 4)
    code.store(R7, 24, R1, 4)
    code.store(R7, 32, R9, 8)


def _accepted(code: TrafficCode) -> None:
    code.label("accept")
    code.jump_if(R9, ">", _NEGATIVE, "done")
    code.store(R10, KEY, R9, 4)
    code.store(R10, VALUE, 1, 4)
    code.map(R1, code.maps.connections)
    code.address(R2, R10, KEY)
    code.address(R3, R10, VALUE)
    code.do(R4, "=", 0)
    code.call(UPDATE, "map_update_elem")
    code.do(R6, "=", ACCEPT)
    code.jump("changed")


def _closed(code: TrafficCode) -> None:
    code.label("close")
    code.load(R1, R10, DI, 8)
    code.store(R10, KEY, R1, 4)
    code.map(R1, code.maps.connections)
    code.address(R2, R10, KEY)
    code.call(DELETE, "map_delete_elem")
    code.jump_if(R0, "!=", 0, "done")
    code.do(R6, "=", CLOSE)
    code.label("changed")
    code.begin(0, "done")
    _describe(code)
    code.do(R3, "=", HEAD)
    code.put("done")
