"""To which addresses a piece of x86-64 machine code refers, without taking it apart.

Every place that could be the operand of a call, a jump, a lea or a mov is taken for one
(Intel SDM, volume 2). Some are none, and lead to an arbitrary place: to be used only to look
for something that is not found by accident, such as the beginning of a given function.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

_OFFSET = struct.Struct("<i")
_ABSOLUTE = struct.Struct("<I")
_CALL, _JUMP = 0xE8, 0xE9
_INDIRECT = 0xFF
_LEA = 0x8D
_ADDRESS_SIZE = 4


class Use(Enum):
    """CODE: it is called or jumped to; SLOT: what the word there points to is; DATA: the rest."""

    CODE = "code"
    SLOT = "slot"
    DATA = "data"


class Reference(NamedTuple):
    """An address, and as what it is used."""

    address: int
    use: Use


def references(code: bytes, begin: int, absolute: bool) -> Iterator[Reference]:
    """All that this code, which lies at ``begin``, may refer to.

    ``absolute``: the file is not position-independent, and loads addresses as numbers.

    >>> [hex(one.address) for one in references(bytes.fromhex("e8fb0f0000"), 0x1000, False)]
    ['0x2000']
    """
    for place in range(1, len(code) - _ADDRESS_SIZE + 1):
        before = code[place - 1]
        end = begin + place + _ADDRESS_SIZE
        target = end + _OFFSET.unpack_from(code, place)[0]
        if before in (_CALL, _JUMP) or (place > 1 and code[place - 2] == 0x0F and before >> 4 == 8):
            yield Reference(target, Use.CODE)
        elif before & 0xC7 == 0x05 and place > 1:
            indirect = code[place - 2] == _INDIRECT and before in (0x15, 0x25)
            yield Reference(target, Use.SLOT if indirect else Use.DATA)
        if absolute and before & 0xF8 == 0xB8:
            yield Reference(_ABSOLUTE.unpack_from(code, place)[0], Use.DATA)
