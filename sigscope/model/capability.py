"""The names of capabilities, by their numbers (capabilities(7), linux/capability.h)."""

from __future__ import annotations

CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE"
    " NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO"
    " SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME"
    " SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG"
    " WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
"""CAP_ stands before each; the place in this list is the bit."""
_NUMBERS = {name: number for number, name in enumerate(CAPABILITIES)}


def has(mask: int, *names: str) -> bool:
    """Are all of these in the set?

    >>> has(1 << 19, "SYS_PTRACE"), has(1 << 19, "SYS_PTRACE", "BPF")
    (True, False)
    """
    return all(mask >> _NUMBERS[name] & 1 for name in names)


def capability_names(mask: int) -> tuple[str, ...]:
    """Those of a set by name; a bit that has none yet is told by its number.

    >>> capability_names(1 << 19 | 1 << 63)
    ('SYS_PTRACE', '63')
    """
    return tuple(
        CAPABILITIES[number] if number < len(CAPABILITIES) else str(number)
        for number in range(64)
        if mask >> number & 1
    )
