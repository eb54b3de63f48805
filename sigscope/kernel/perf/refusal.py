"""Why perf events may not be opened here, and what would change that."""

from __future__ import annotations

import errno

from sigscope.decode.status import decode_effective
from sigscope.decode.text import decode_text
from sigscope.errors import NotPermitted, NotSupported, SigscopeError

PARANOID = "/proc/sys/kernel/perf_event_paranoid"
LOCKDOWN = "/sys/kernel/security/lockdown"
CAP_SYS_ADMIN, CAP_PERFMON = 21, 38
WHAT = "watching with perf events"


def refusal(error: OSError) -> SigscopeError:
    """The error to raise for one of perf_event_open(2), its mmap or its filters."""
    if error.errno in (errno.EPERM, errno.EACCES):
        return _refused()
    if error.errno == errno.ENOSYS:
        return NotSupported(
            f"{WHAT}: this kernel has no perf_event_open(2), or its number on this machine is"
            " not known",
            "it needs CONFIG_PERF_EVENTS",
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return NotSupported(
            f"{WHAT}: too many open files, as each CPU takes some", "ulimit -n 65536"
        )
    if error.errno == errno.ENOMEM:
        return NotSupported(f"{WHAT}: no memory for its buffers", "ask for smaller ones")
    return NotSupported(f"{WHAT}: {error.strerror or error}", "choose another --engine")


def _refused() -> NotPermitted:
    held = decode_effective(_text("/proc/self/status").encode())
    if not (held >> CAP_PERFMON & 1 or held >> CAP_SYS_ADMIN & 1):
        level = _text(PARANOID).strip() or "unknown"
        return NotPermitted(
            f"{WHAT}: CAP_PERFMON missing, and perf_event_paranoid is {level}",
            "run sigscope as root, or with CAP_PERFMON; or, for everybody on this host:"
            " sysctl kernel.perf_event_paranoid=-1",
        )
    if "[confidentiality]" in _text(LOCKDOWN):
        return NotPermitted(
            f"{WHAT}: the kernel is locked down (confidentiality)", "see kernel_lockdown(7)"
        )
    return NotPermitted(
        f"{WHAT}: refused in spite of CAP_PERFMON: a seccomp filter (a container), a user"
        " namespace, or a security module",
        "run it on the host itself",
    )


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return decode_text(file.read(1 << 13))
    except OSError:
        return ""
