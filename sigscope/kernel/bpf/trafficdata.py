"""The parts of a program that copy what a system call has read or written.

r7 is the record, r9 how much was moved; r8 becomes how much of it is copied. Then it goes on at
"copied".
"""

from __future__ import annotations

from sigscope.kernel.bpf.assembler import R0, R1, R2, R3, R6, R7, R8, R9, R10
from sigscope.kernel.bpf.trafficcode import (
    DX,
    HEAD,
    MOST,
    READ_USER,
    REGS,
    SCRATCH,
    SI,
    TrafficCode,
)

PIECES = 24
"""Of one call; of further ones only the number of bytes is told."""
LAST_PLACE = SCRATCH - HEAD - MOST - 1
"""No piece begins behind it: there the verifier would see no room for one."""

_COUNT = REGS
"""How many pieces there are: where cx was, which is not used."""
_BASE, _LENGTH = -88, -80
"""A piece: struct iovec."""
_SIZE = -96
_MSG_IOV = 16
"""struct msghdr of x86-64: msg_iov, msg_iovlen."""


def copy_buffer(code: TrafficCode) -> None:
    """From where the second argument points to."""
    code.do(R8, "=", R9)
    code.jump_if(R8, "<=", MOST, "fits")
    code.do(R8, "=", MOST)
    code.label("fits")
    code.address(R1, R7, HEAD)
    code.do(R2, "=", R8)
    code.load(R3, R10, SI, 8)
    code.call(READ_USER, "probe_read_user")
    code.jump_if(R0, "==", 0, "copied")
    code.do(R8, "=", 0)
    code.jump("copied")


def copy_pieces(code: TrafficCode) -> None:
    """r6 = the address of the iovec, r8 = how much is copied: one piece after the other.

    The loop is written out, so that the verifier need not find its end.
    """
    code.label("message")
    code.load(R3, R10, SI, 8)
    code.do(R3, "+=", _MSG_IOV)
    code.address(R1, R10, _BASE)
    code.do(R2, "=", 16)
    code.call(READ_USER, "probe_read_user")
    code.jump_if(R0, "!=", 0, "copied")
    code.load(R6, R10, _BASE, 8)
    code.load(R1, R10, _LENGTH, 8)
    code.store(R10, _COUNT, R1, 8)
    code.jump("piece 0")
    code.label("pieces")
    code.load(R6, R10, SI, 8)
    code.load(R1, R10, DX, 8)
    code.store(R10, _COUNT, R1, 8)
    for number in range(PIECES):
        code.label(f"piece {number}")
        _piece(code, number, f"piece {number + 1}")
    code.label(f"piece {PIECES}")


def _piece(code: TrafficCode, number: int, following: str) -> None:
    """As much of it as was moved, and as there is room for."""
    code.load(R1, R10, _COUNT, 8)
    code.jump_if(R1, "<=", number, "copied")
    code.jump_if(R8, ">", LAST_PLACE, "copied")
    code.do(R1, "=", R9)
    code.do(R1, "-=", R8)
    code.jump_if(R1, "==", 0, "copied")
    code.store(R10, _SIZE, R1, 8)
    code.address(R1, R10, _BASE)
    code.do(R2, "=", 16)
    code.do(R3, "=", R6)
    code.do(R3, "+=", 16 * number)
    code.call(READ_USER, "probe_read_user")
    code.jump_if(R0, "!=", 0, "copied")
    code.load(R2, R10, _SIZE, 8)
    code.load(R1, R10, _LENGTH, 8)
    code.jump_if(R2, "<=", R1, f"moved of {number}")
    code.do(R2, "=", R1)
    code.label(f"moved of {number}")
    code.jump_if(R2, "==", 0, following)
    code.do(R1, "=", MOST)
    code.do(R1, "-=", R8)
    code.jump_if(R2, "<=", R1, f"room for {number}")
    code.do(R2, "=", R1)
    code.label(f"room for {number}")
    code.do(R2, "&=", MOST)
    code.store(R10, _SIZE, R2, 8)
    code.address(R1, R7, HEAD)
    code.do(R1, "+=", R8)
    code.load(R3, R10, _BASE, 8)
    code.call(READ_USER, "probe_read_user")
    code.jump_if(R0, "!=", 0, "copied")
    code.load(R1, R10, _SIZE, 8)
    code.do(R8, "+=", R1)
