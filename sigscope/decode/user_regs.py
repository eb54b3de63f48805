"""user_regs_struct and ptrace_syscall_info: what a tracer reads of a stopped thread (ptrace(2)).

x86-64 is arch/x86/include/asm/user_64.h; a 64-bit tracer gets the same for a 32-bit target, with
its result sign-extended. aarch64 is struct user_pt_regs of arch/arm64/include/uapi/asm/ptrace.h,
written from that file and untested.
"""

from __future__ import annotations

import struct

from sigscope.decode.syscall_names import NAMES
from sigscope.errors import DecodeError
from sigscope.model.registers import Phase, Registers, StoppedCall
from sigscope.model.syscall import SystemCall

X86_64 = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss"
    " fs_base gs_base ds es fs gs"
).split()
SIZE_X86_64 = 8 * len(X86_64)
SIZE_AARCH64 = 8 * 34
OFFSET = {name: 8 * position for position, name in enumerate(X86_64)}
_RESULT_NUMBER_IP_CS_SP = struct.Struct("=80xq32xqQQ8xQ")
_CODE_SEGMENT_32 = 0x23
"""__USER32_CS of arch/x86/include/asm/segment.h."""
_AARCH64 = struct.Struct("=q56xq176xQQ8x")
_INFO_HEAD = struct.Struct("=B3xIQQ")
INFO_SIZE = 88
AUDIT_ARCH = {0xC000003E: "x86_64", 0x40000003: "i386", 0xC00000B7: "aarch64"}
"""include/uapi/linux/audit.h."""


def decode_x86_64(data: bytes) -> Registers:
    """rax, orig_rax, rip, rsp.

    >>> decode_x86_64(struct.pack("=27Q", *range(27))).stack_pointer
    19
    """
    if len(data) < SIZE_X86_64:
        raise DecodeError("registers", f"{len(data)} bytes instead of {SIZE_X86_64}")
    result, number, pointer, segment, stack = _RESULT_NUMBER_IP_CS_SP.unpack_from(data)
    abi = "i386" if segment == _CODE_SEGMENT_32 else "x86_64"
    if abi == "i386":
        result, number = _signed32(result), _signed32(number)
    return Registers(abi, number, result, pointer, stack, data)


def decode_aarch64(data: bytes) -> Registers:
    """x0, x8, sp, pc. The kernel has forgotten the call's number by then: x8 may be stale."""
    if len(data) < SIZE_AARCH64:
        raise DecodeError("registers", f"{len(data)} bytes instead of {SIZE_AARCH64}")
    result, number, stack, pointer = _AARCH64.unpack_from(data)
    return Registers("aarch64", number, result, pointer, stack, data)


def _signed32(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def decode_syscall_info(data: bytes) -> StoppedCall:
    """struct ptrace_syscall_info of include/uapi/linux/ptrace.h."""
    if len(data) < _INFO_HEAD.size:
        raise DecodeError("ptrace_syscall_info", f"only {len(data)} bytes")
    op, arch, pointer, stack = _INFO_HEAD.unpack_from(data)
    abi = AUDIT_ARCH.get(arch, hex(arch))
    phase = Phase(op) if op <= Phase.SECCOMP.value else Phase.NONE
    head = (phase, abi, pointer, stack)
    body = data[_INFO_HEAD.size :]
    if phase in (Phase.ENTRY, Phase.SECCOMP) and len(body) >= 56:
        number, *args = struct.unpack_from("=7Q", body)
        table = NAMES.get(abi, ())
        name = table[number] if number < len(table) and table[number] != "-" else None
        return StoppedCall(*head, call=SystemCall(number, name, tuple(args), stack, pointer))
    if phase is Phase.EXIT and len(body) >= 9:
        result, failed = struct.unpack_from("=qB", body)
        return StoppedCall(*head, result=result, failed=bool(failed))
    return StoppedCall(*head)
