"""The ways into the kernel that one machine has: whose numbers, and which architecture value."""

from __future__ import annotations

from typing import NamedTuple


class Abi(NamedTuple):
    """``arch`` is AUDIT_ARCH_* of include/uapi/linux/audit.h, which a seccomp filter sees.

    ``bit`` is added to each number of its table. ``restart`` is the number of restart_syscall, as
    the kernel puts it into the register itself (get_nr_restart_syscall, arch/*/kernel/signal.c).
    """

    name: str
    arch: int
    restart: int
    bit: int = 0


X86_64 = Abi("x86-64", 0xC000003E, 219)
X32 = Abi("x32", 0xC000003E, 219 | 1 << 30, 1 << 30)
I386 = Abi("i386", 0x40000003, 0)
AARCH64 = Abi("aarch64", 0xC00000B7, 128)
ARM = Abi("arm", 0x40000028, 0)
RISCV64 = Abi("riscv64", 0xC00000F3, 128)

ABIS: tuple[Abi, ...] = (X86_64, X32, I386, AARCH64, ARM, RISCV64)

OF_MACHINE: dict[str, tuple[Abi, ...]] = {
    "x86_64": (X86_64, I386, X32),
    "i686": (I386,),
    "i386": (I386,),
    "aarch64": (AARCH64, ARM),
    "riscv64": (RISCV64,),
}
"""By the machine's name (uname -m): its own way first, then those of other programs there."""
