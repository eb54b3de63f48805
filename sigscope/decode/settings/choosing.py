"""From directives to the one value that holds, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from sigscope.decode.settings.directives import Directive
from sigscope.model.catalog import Setting
from sigscope.model.gap import Gap

V = TypeVar("V", bool, float)

COMMAND_LINE = "command line"
DEFAULT = "default"
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"([0-9]{1,12})(us|ms|[smhdw]|\Z)")
_TRUE = frozenset(("1", "yes", "true", "on"))
_FALSE = frozenset(("0", "no", "false", "off", "none", "null"))


def seconds(text: str, unit: str = "s") -> float | None:
    """``10``, ``10s``, ``1m30s``, ``1m 30s``, ``500ms``; None if it is none of these.

    >>> seconds("1m30s"), seconds("500", "ms"), seconds("soon")
    (90.0, 0.5, None)
    """
    text = "".join(text.split())
    found = _PART.findall(text[:64])
    if not found or "".join(number + suffix for number, suffix in found) != text:
        return None
    return sum(int(number) * _UNITS[suffix or unit] for number, suffix in found)


_SIZE = re.compile(r"([0-9]{1,15})([kKmM]?)")


def size(text: str) -> int | None:
    """Bytes, as nginx writes them: ``1024``, ``4k``, ``1m``; None if it is none of these.

    >>> size("4k"), size("1M"), size("4kb")
    (4096, 1048576, None)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    return int(found[1]) << {"": 0, "k": 10, "m": 20}[found[2].lower()]


def switch(text: str) -> bool | None:
    """``on``, ``true``, ``yes``, ``1`` and their opposites; None if it is none of these."""
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def last(
    name: str,
    found: Iterable[Directive | Gap],
    read: Callable[[str], V | None],
    default: V,
) -> Setting | Gap:
    """The value of the last directive that sets it; a gap if a file in between is missing.

    ``found`` are the directives of this name alone, with all gaps.
    """
    value, where, missing = default, DEFAULT, None
    for one in found:
        if isinstance(one, Gap):
            missing = one
            continue
        meant = read(one.value)
        if meant is None:
            missing = Gap(one.where, f"not understood: {one.value[:40]!r}")
        elif one.inner:
            missing = Gap(one.where, "it stands in a block that may not apply")
        else:
            value, where, missing = meant, one.where, None
    if missing is not None:
        return Gap(name, f"{missing.what}: {missing.why}", missing.hint)
    return Setting(name, value, where)


def option(argv: Sequence[str], *names: str) -> str | None:
    """What follows the last of these options, as next word or after "=".

    >>> option(["a", "--ini", "x", "--ini=y"], "--ini")
    'y'
    """
    value = None
    for number, word in enumerate(argv):
        name, equal, rest = word.partition("=")
        if word in names and number + 1 < len(argv):
            value = argv[number + 1]
        elif equal and name in names and name.startswith("--"):
            value = rest
    return value


def directory(path: str) -> str:
    """The directory of a file, as dirname(1) has it."""
    return path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")


def below(base: str, path: str) -> str:
    """A path that may be relative to a directory."""
    return path if path.startswith("/") else f"{base.rstrip('/')}/{path}"
