"""A signal frame from which a thread gets its state back, whoever is still there (x86-64).

rt_sigreturn(2) loads all registers, the floating-point state and the mask from the frame that
the kernel builds when a handler runs (arch/x86/kernel/signal_64.c). We build the same, below the
thread's red zone, with the state in which it stopped.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from sigscope.decode.user_regs import OFFSET, SIZE_X86_64, X86_64
from sigscope.kernel.ptrace.laundering import EINTR, rewritten
from sigscope.model.registers import Registers

RED_ZONE = 128
"""Below the stack pointer a leaf function may keep things (System V ABI for AMD64, 3.2.2)."""
SYSCALL_LENGTH = 2
_SAVED = "r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip eflags".split()
_UC_FP_XSTATE, _UC_SIGCONTEXT_SS, _UC_STRICT_RESTORE_SS = 1, 2, 4
_NO_SUCH_STACK = 0x1234
"""ss_flags that sigaltstack(2) refuses: rt_sigreturn ignores that, and the alternate
stack stays as it is."""
_MAGIC1, _MAGIC2 = 0x46505853, 0x46505845
_SW_RESERVED = 464
"""Where fxregs_state keeps struct _fpx_sw_bytes (asm/sigcontext.h). PTRACE_GETREGSET puts the
enabled features there."""
_UCONTEXT = struct.Struct("=QQ QiiQ 18Q 4H 4Q Q 64x Q")


class Frame(NamedTuple):
    """Two pieces of memory: ``data`` at ``address``, and the floating-point state.

    With the stack pointer at ``address``, a ``ret`` goes to the restorer. ``below``
    is free: the lowest address that belongs to the frame.
    """

    address: int
    data: bytes
    state_address: int
    state: bytes

    @property
    def below(self) -> int:
        return self.address


def build(
    registers: Registers, state: bytes, mask: int, restorer: int, call: int | None = None
) -> Frame:
    """The frame for a thread that stopped with these registers.

    ``state`` is NT_X86_XSTATE, ``restorer`` the address of ``mov $15,%rax; syscall``. A call
    that was interrupted is done again by it: rt_sigreturn knows of no restart. ``call`` is the
    number of that call, where a restart_syscall has taken its place since.
    """
    raw = dict(zip(X86_64, struct.unpack(f"={len(X86_64)}Q", registers.raw), strict=True))
    if _does_again(registers):
        raw["rip"] -= SYSCALL_LENGTH
        raw["rax"] = raw["orig_rax"] if call is None else call
    state_address = (raw["rsp"] - RED_ZONE - len(state) - 4) & ~63
    extended = bytearray(state)
    (features,) = struct.unpack_from("=Q", state, _SW_RESERVED)
    struct.pack_into("=IIQI", extended, _SW_RESERVED, _MAGIC1, len(state) + 4, features, len(state))
    extended += struct.pack("=I", _MAGIC2)
    data = struct.pack("=Q", restorer) + _UCONTEXT.pack(
        _UC_FP_XSTATE | _UC_SIGCONTEXT_SS | _UC_STRICT_RESTORE_SS,
        0,
        *(0, _NO_SUCH_STACK, 0, 0),
        *(raw[name] for name in _SAVED),
        *(raw["cs"], 0, 0, raw["ss"]),
        *(0, 0, 0, 0),
        state_address,
        mask,
    )
    # The kernel wants (address + 8) to be a multiple of 16, as after a call.
    address = ((state_address - len(data)) & ~15) - 8
    return Frame(address, data, state_address, bytes(extended))


def _does_again(registers: Registers) -> bool:
    if registers.restart_code is not None:
        return True
    if registers.result != EINTR:
        return False
    return rewritten(registers.abi, registers.number, EINTR, 0, restart_allowed=True) is not None


def changed(raw: bytes, **values: int) -> bytes:
    """The same registers, but for these.

    >>> len(changed(bytes(SIZE_X86_64), rax=13, orig_rax=-1))
    216
    """
    buffer = bytearray(raw[:SIZE_X86_64])
    for name, value in values.items():
        struct.pack_into("=Q", buffer, OFFSET[name], value & (1 << 64) - 1)
    return bytes(buffer)
