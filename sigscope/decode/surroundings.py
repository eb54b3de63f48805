"""Small files of the machine that say where one is: mounts, lockdown, kernel configuration."""

from __future__ import annotations

import re

from sigscope.decode.text import decode_text

_ROW = re.compile(rb"^CONFIG_(\w{1,64})=([ymn]|\d{1,9})\s*$")


def decode_mounts(data: bytes, kind: str) -> tuple[tuple[str, frozenset[str]], ...]:
    r"""Where file systems of a kind are mounted, with their options, in the order of mounting.

    >>> ((path, options),) = decode_mounts(
    ...     b"24 22 0:6 / /sys/k\\040t ro,nosuid shared:1 - tracefs t rw\n", "tracefs")
    >>> path, sorted(options)
    ('/sys/k t', ['nosuid', 'ro', 'rw'])
    """
    found = []
    for line in data.splitlines():
        before, _, after = line.partition(b" - ")
        fields, behind = before.split(), after.split()
        if len(fields) > 5 and behind and behind[0] == kind.encode():
            options = fields[5].split(b",") + (behind[2].split(b",") if len(behind) > 2 else [])
            found.append((_path(fields[4]), frozenset(map(decode_text, options))))
    return tuple(found)


def decode_read_only(data: bytes, mount_point: str = "/") -> bool | None:
    r"""Is what is mounted there read-only, as the last mount has it? None if nothing is.

    >>> decode_read_only(b"27 1 254:0 / / ro,relatime - ext4 /dev/vda rw\n")
    True
    """
    answer = None
    for line in data.splitlines():
        fields = line.partition(b" - ")[0].split()
        if len(fields) > 5 and _path(fields[4]) == mount_point:
            answer = b"ro" in fields[5].split(b",")
    return answer


def decode_lockdown(data: bytes) -> str:
    r"""The word in brackets; "none" where it is not understood.

    >>> decode_lockdown(b"none [integrity] confidentiality\n")
    'integrity'
    """
    match = re.search(rb"\[(\w{1,32})\]", data)
    return decode_text(match[1]) if match else "none"


def decode_kernel_options(data: bytes, wanted: frozenset[str]) -> tuple[tuple[str, str], ...]:
    r"""These options of a kernel's configuration; one that is not set is "n".

    >>> decode_kernel_options(b"CONFIG_SECCOMP=y\n# CONFIG_YAMA is not set\n",
    ...                       frozenset(("SECCOMP", "YAMA")))
    (('SECCOMP', 'y'), ('YAMA', 'n'))
    """
    found = dict.fromkeys(wanted, "n")
    for line in data.splitlines():
        match = _ROW.match(line)
        if match and (name := decode_text(match[1])) in wanted:
            found[name] = decode_text(match[2])
    return tuple(sorted(found.items()))


def _path(word: bytes) -> str:
    """Blanks and the like are written in octal (proc_pid_mountinfo(5))."""
    plain = re.sub(rb"\\([0-7]{3})", lambda match: bytes((int(match[1], 8) & 255,)), word)
    return decode_text(plain)
