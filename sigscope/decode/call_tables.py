"""The system calls of an :class:`~sigscope.model.abi.Abi`, by the number that a filter sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from sigscope.decode.syscall_names import NAMES
from sigscope.errors import UsageError
from sigscope.model.abi import AARCH64, ABIS, I386, OF_MACHINE, X32, X86_64, Abi

_TABLES = {X86_64: "x86_64", X32: "x32", I386: "i386", AARCH64: "aarch64"}
UNASSIGNED = "-"


@cache
def call_names(abi: Abi) -> Mapping[int, str]:
    """Number -> name, the bit of x32 included; empty for an ABI whose table is not here.

    >>> call_names(X86_64)[219], call_names(X32)[0x40000000 | 219], call_names(I386)[0]
    ('restart_syscall', 'restart_syscall', 'restart_syscall')
    """
    names = NAMES.get(_TABLES.get(abi, ""), ())
    return MappingProxyType(
        {number | abi.bit: name for number, name in enumerate(names) if name != UNASSIGNED}
    )


def parse_abi(word: str) -> Abi:
    """An ABI by its name, or by what the kernel, runtimes and libseccomp call it.

    >>> parse_abi("amd64").name, parse_abi("x86").name
    ('x86-64', 'i386')
    """
    spoken = {
        "x86_64": X86_64,
        "amd64": X86_64,
        "x86": I386,
        "i686": I386,
        "ia32": I386,
        "arm64": AARCH64,
    }
    known = {abi.name: abi for abi in ABIS if call_names(abi)}
    found = known.get(word.lower()) or spoken.get(word.lower())
    if found is None:
        raise UsageError(
            f"there is no table of the calls of {word!r}", f"known: {', '.join(known)}"
        )
    return found


def parse_calls(text: str, abis: Iterable[Abi]) -> tuple[str, ...]:
    """Names of calls, with commas between them, as numbers too; each must be one of these ABIs.

    >>> parse_calls("clone3,219", [X86_64])
    ('clone3', 'restart_syscall')
    """
    found = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        tables = [call_names(abi) for abi in abis]
        names = {name for table in tables for name in table.values()}
        if word.isdigit():
            name = next((table[int(word)] for table in tables if int(word) in table), None)
        else:
            name = word if word in names else None
        if name is None:
            near = _near(word, names)
            raise UsageError(f"{word!r} is no system call here", near)
        found.append(name)
    return tuple(dict.fromkeys(found))


def _near(word: str, names: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word, list(names), n=3)
    return f"did you mean {', '.join(near)}?" if near else "man 2 syscalls lists them"


def abis_of(machine: str) -> tuple[Abi, ...]:
    """The ways into the kernel of this machine (``uname -m``) whose calls are known by name."""
    return tuple(abi for abi in OF_MACHINE.get(machine, ()) if call_names(abi))
