"""Registers, behind one interface for each architecture."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from functools import cache

from sigscope.decode.user_regs import (
    OFFSET,
    SIZE_AARCH64,
    SIZE_X86_64,
    decode_aarch64,
    decode_x86_64,
)
from sigscope.errors import NotSupported
from sigscope.kernel.ptrace.requests import GETREGS, POKEUSER, SETREGS, Requests
from sigscope.model.registers import Registers

_NT_PRSTATUS = 1
_ALL_BITS = (1 << 64) - 1


class Architecture(ABC):
    """How registers are read and written. ``repeats`` tells whether a call can be done again.

    Where it cannot, an interrupted call can be seen, but not mended.
    """

    name: str
    repeats: bool

    @abstractmethod
    def read(self, requests: Requests, tid: int) -> Registers:
        """Of a stopped thread."""

    @abstractmethod
    def write(self, requests: Requests, tid: int, raw: bytes) -> None:
        """All of them, as ``Registers.raw`` has them."""

    @abstractmethod
    def set_result(self, requests: Requests, tid: int, registers: Registers, value: int) -> None:
        """The return register alone."""


class X8664(Architecture):
    """x86-64, and the 32-bit programs that run there (their registers look the same to us)."""

    name = "x86_64"
    repeats = True

    def read(self, requests: Requests, tid: int) -> Registers:
        return decode_x86_64(requests.get(GETREGS, tid, 0, SIZE_X86_64))

    def write(self, requests: Requests, tid: int, raw: bytes) -> None:
        requests.set(SETREGS, tid, 0, raw)

    def set_result(self, requests: Requests, tid: int, registers: Registers, value: int) -> None:
        requests(POKEUSER, tid, OFFSET["rax"], value & _ALL_BITS)


class AArch64(Architecture):
    """Untested: written from arch/arm64/kernel/signal.c and ptrace(2), run by nobody yet.

    Before the stop is seen, do_signal() has already put the first argument and the address of
    the call back, and forgotten the number: what the call gave cannot be rewritten from here.
    """

    name = "aarch64"
    repeats = False

    def read(self, requests: Requests, tid: int) -> Registers:
        return decode_aarch64(requests.get_set(tid, _NT_PRSTATUS, SIZE_AARCH64))

    def write(self, requests: Requests, tid: int, raw: bytes) -> None:
        requests.put_set(tid, _NT_PRSTATUS, raw)

    def set_result(self, requests: Requests, tid: int, registers: Registers, value: int) -> None:
        raw = (value & _ALL_BITS).to_bytes(8, "little") + registers.raw[8:]
        self.write(requests, tid, raw)


ARCHITECTURES: tuple[type[Architecture], ...] = (X8664, AArch64)


@cache
def architecture(machine: str = "") -> Architecture:
    """That of this host, by the name that uname(2) gives.

    >>> architecture("riscv64")
    Traceback (most recent call last):
        ...
    sigscope.errors.NotSupported: stopping a process is not supported on riscv64
    """
    machine = machine or os.uname().machine
    for kind in ARCHITECTURES:
        if kind.name == machine:
            return kind()
    raise NotSupported(
        f"stopping a process is not supported on {machine}",
        "what /proc tells is: leave --attach out",
    )
