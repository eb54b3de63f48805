"""An assembler for BPF programs that are meant to be read.

A program is written as calls that name what they do, jumps go to labels, and ``listing`` shows
the result in the notation of the kernel's verifier, so that its log can be held against it
(Documentation/bpf/standardization/instruction-set.rst).

>>> code = Assembler()
>>> code.load(R1, R6, 8, 8)
>>> code.jump_if(R1, "==", 0, "end")
>>> code.label("end")
>>> code.leave()
>>> print(code.listing())
   0: r1 = *(u64 *)(r6 + 8)
   1: if r1 == 0 goto end
end:
   2: r0 = 0
   3: exit
"""

from __future__ import annotations

import struct
from enum import IntEnum


class Register(IntEnum):
    """r1 to r5 are arguments and lost in a call, r6 to r9 survive one, r10 is the frame."""

    R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = range(11)

    def __str__(self) -> str:
        return f"r{int(self)}"


R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = Register

Operand = Register | int
_INSTRUCTION = struct.Struct("<BBhi")
_SIZES = {1: (0x10, "u8"), 2: (0x08, "u16"), 4: (0x00, "u32"), 8: (0x18, "u64")}
_OPERATIONS = {
    "+=": 0x00,
    "-=": 0x10,
    "*=": 0x20,
    "|=": 0x40,
    "&=": 0x50,
    "<<=": 0x60,
    ">>=": 0x70,
    "^=": 0xA0,
    "=": 0xB0,
}
_CONDITIONS = {"==": 0x10, ">": 0x20, ">=": 0x30, "&": 0x40, "!=": 0x50, "<": 0xA0, "<=": 0xB0}
_ALU64, _JUMP, _REGISTER = 0x07, 0x05, 0x08
_LOAD, _STORE_IMMEDIATE, _STORE, _LOAD_WIDE = 0x61, 0x62, 0x63, 0x18
_ATOMIC = {4: 0xC3, 8: 0xDB}
"""BPF_STX | BPF_ATOMIC; 0 in the immediate is BPF_ADD."""
_MAP_VALUE = 2
"""BPF_PSEUDO_MAP_VALUE: the address of a map's memory."""
_MAP = 1
"""BPF_PSEUDO_MAP_FD: the map itself."""


class Assembler:
    """Instructions in the order in which they are asked for."""

    def __init__(self) -> None:
        self._code: list[tuple[int, int, int, int]] = []
        self._text: list[str] = []
        self._labels: dict[str, int] = {}
        self._jumps: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._code)

    def _put(
        self, text: str, code: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0
    ) -> None:
        self._code.append((code, dst | src << 4, off, imm))
        self._text.append(text)

    def load(self, dst: Register, base: Register, offset: int, size: int) -> None:
        """``dst = *(base + offset)``"""
        code, word = _SIZES[size]
        self._put(f"{dst} = *({word} *)({_place(base, offset)})", _LOAD | code, dst, base, offset)

    def store(self, base: Register, offset: int, value: Operand, size: int) -> None:
        """``*(base + offset) = value``"""
        code, word = _SIZES[size]
        text = f"*({word} *)({_place(base, offset)}) = {value}"
        if isinstance(value, Register):
            self._put(text, _STORE | code, base, value, offset)
        else:
            self._put(text, _STORE_IMMEDIATE | code, base, 0, offset, value)

    def do(self, dst: Register, operation: str, value: Operand) -> None:
        """``dst += value`` and its kin, in 64 bits; ``=`` moves."""
        code = _ALU64 | _OPERATIONS[operation]
        text = f"{dst} {operation} {value}"
        if isinstance(value, Register):
            self._put(text, code | _REGISTER, dst, value)
        else:
            self._put(text, code, dst, 0, 0, value)

    def negate(self, dst: Register) -> None:
        """``dst = -dst``"""
        self._put(f"{dst} = -{dst}", _ALU64 | 0x80, dst)

    def add_to(self, base: Register, offset: int, value: Register, size: int = 8) -> None:
        """``*(base + offset) += value``, undivided even if several CPUs do it at once."""
        _, word = _SIZES[size]
        text = f"lock *({word} *)({_place(base, offset)}) += {value}"
        self._put(text, _ATOMIC[size], base, value, offset)

    def address(self, dst: Register, base: Register, offset: int) -> None:
        """``dst = base + offset``"""
        self.do(dst, "=", base)
        if offset:
            self.do(dst, "+=", offset)

    def jump(self, label: str) -> None:
        """Go on at a label."""
        self._jumps.append((len(self._code), label))
        self._put(f"goto {label}", _JUMP)

    def jump_if(self, register: Register, condition: str, value: Operand, label: str) -> None:
        """Go on at a label if that holds (numbers without sign)."""
        self._jumps.append((len(self._code), label))
        code = _JUMP | _CONDITIONS[condition]
        text = f"if {register} {condition} {value} goto {label}"
        if isinstance(value, Register):
            self._put(text, code | _REGISTER, register, value)
        else:
            self._put(text, code, register, 0, 0, value)

    def label(self, name: str) -> None:
        """Here jumps to ``name`` go on."""
        assert name not in self._labels, f"{name} stands twice"
        self._labels[name] = len(self._code)

    def call(self, helper: int, name: str) -> None:
        """A function of the kernel: its arguments are in r1 to r5, the result comes in r0."""
        self._put(f"call {name}#{helper}", 0x85, 0, 0, 0, helper)

    def map_value(self, dst: Register, descriptor: int, offset: int = 0) -> None:
        """The address of the memory of an array map with one entry."""
        self._put(f"{dst} = map value +{offset}", _LOAD_WIDE, dst, _MAP_VALUE, 0, descriptor)
        self._put("", 0, 0, 0, 0, offset)

    def map(self, dst: Register, descriptor: int) -> None:
        """A map, as an argument of a helper."""
        self._put(f"{dst} = map", _LOAD_WIDE, dst, _MAP, 0, descriptor)
        self._put("", 0)

    def leave(self, result: int = 0) -> None:
        """Return from the program."""
        self.do(R0, "=", result)
        self._put("exit", 0x95)

    def assemble(self) -> bytes:
        """The program as bpf(2) takes it: 8 bytes an instruction."""
        code = list(self._code)
        for place, label in self._jumps:
            operation, registers, _, immediate = code[place]
            code[place] = operation, registers, self._labels[label] - place - 1, immediate
        return b"".join(_INSTRUCTION.pack(*one) for one in code)

    def listing(self) -> str:
        """What it does, an instruction a line."""
        labels: dict[int, list[str]] = {}
        for name, place in self._labels.items():
            labels.setdefault(place, []).append(name)
        lines = []
        for place, text in enumerate(self._text):
            lines += [f"{name}:" for name in labels.get(place, ())]
            if text:
                lines.append(f"{place:4}: {text}")
        return "\n".join(lines)


def _place(base: Register, offset: int) -> str:
    return f"{base} {'-' if offset < 0 else '+'} {abs(offset)}"
