"""The registers of a stopped thread, as far as a system call is concerned."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from sigscope.model.syscall import SystemCall

RESTART_CODES = {
    -512: "ERESTARTSYS",
    -513: "ERESTARTNOINTR",
    -514: "ERESTARTNOHAND",
    -516: "ERESTART_RESTARTBLOCK",
}
"""include/linux/errno.h: between the call and the program, only a tracer ever sees these."""


class Registers(NamedTuple):
    """``abi`` (``x86_64``, ``i386``, ``aarch64``) decides what ``number`` means.

    ``number`` is -1 for a thread that was stopped outside of any call. ``result`` is
    the signed return register: where a call was interrupted, what the call gave. ``raw`` are
    all general registers in the kernel's layout (user_regs_struct); never shown.

    >>> Registers("x86_64", 7, -516, 0, 0, b"").restart_code
    'ERESTART_RESTARTBLOCK'
    """

    abi: str
    number: int
    result: int
    instruction_pointer: int
    stack_pointer: int
    raw: bytes

    @property
    def restart_code(self) -> str | None:
        """The name of the kernel's wish to start the call again, if that is the result."""
        return RESTART_CODES.get(self.result) if self.number >= 0 else None


class Phase(Enum):
    """Where the thread stopped (PTRACE_GET_SYSCALL_INFO of ptrace(2))."""

    NONE = 0
    ENTRY = 1
    EXIT = 2
    SECCOMP = 3


class StoppedCall(NamedTuple):
    """What the kernel says of the system call at a stop. ``call`` is given at ENTRY and SECCOMP.

    ``result`` is given at EXIT only, and ``failed`` tells that it is an errno.
    """

    phase: Phase
    abi: str
    instruction_pointer: int
    stack_pointer: int
    call: SystemCall | None = None
    result: int | None = None
    failed: bool = False
