"""Why the kernel's own structures may not be read here, and what would change that."""

from __future__ import annotations

import errno

from sigscope.decode.status import decode_effective
from sigscope.decode.text import decode_text
from sigscope.errors import SigscopeError
from sigscope.kernel.bpf.syscall import VerifierError

CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF = 21, 38, 39
LOCKDOWN = "/sys/kernel/security/lockdown"


def explain(error: OSError | SigscopeError) -> tuple[str, str]:
    """What is missing, and what helps, if anything does: for a Gap or an error."""
    if isinstance(error, SigscopeError):
        return error.message, error.hint
    if isinstance(error, VerifierError):
        return f"the kernel does not take the program: {error.log}", "report this kernel"
    if error.errno in (errno.EPERM, errno.EACCES):
        return _refused()
    if error.errno == errno.ENOSYS:
        return "this kernel has no bpf(2), or its number on this machine is not known", ""
    if error.errno == errno.ENOENT:
        return f"this kernel shows no BTF: {error.filename}", "it needs CONFIG_DEBUG_INFO_BTF"
    return f"bpf(2): {error.strerror or error}", ""


def _refused() -> tuple[str, str]:
    """EPERM: which of the reasons is it?"""
    status = _text("/proc/self/status").encode()
    held = decode_effective(status)
    if not held >> CAP_SYS_ADMIN & 1:
        missing = [
            name
            for name, bit in (("CAP_BPF", CAP_BPF), ("CAP_PERFMON", CAP_PERFMON))
            if not held >> bit & 1
        ]
        if missing:
            hint = f"run sigscope as root, or with {' and '.join(missing)}"
            return f"{' and '.join(missing)} missing", hint
    if "[confidentiality]" in _text(LOCKDOWN):
        return "the kernel is locked down (confidentiality)", "see kernel_lockdown(7)"
    if "\nSeccomp:\t2" in status.decode("latin-1"):
        return "bpf(2) is refused by the seccomp filter of this container", "run it outside"
    return (
        "bpf(2) is refused in spite of the capabilities: a user namespace, or a security module",
        "run it on the host itself",
    )


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return decode_text(file.read(1 << 13))
    except OSError:
        return ""
