"""The fields of struct seccomp_data, and comparisons of them, in words."""

from __future__ import annotations

from sigscope.analysis.seccomp.paths import Decision
from sigscope.analysis.seccomp.values import LOST, WORD, Value

_OPPOSITE = {"==": "!=", "!=": "==", ">=": "<", ">": "<="}


def field(word: int) -> str:
    """The name of a word of seccomp_data; arguments have a low and a high half.

    >>> field(0), field(1), field(4), field(7)
    ('nr', 'arch', 'args[0]', 'args[1] >> 32')
    """
    if word < 2:
        return ("nr", "arch")[word]
    name = "instruction_pointer" if word < 4 else f"args[{(word - 4) // 2}]"
    return f"{name} >> 32" if word % 2 else name


def value_text(value: Value) -> str:
    """A term, with brackets where it has parts."""
    if isinstance(value, int):
        return f"{value:#x}" if value > 9 else str(value)
    if value.sign == WORD:
        assert isinstance(value.left, int)
        name = field(value.left)
        return f"({name})" if " " in name else name
    if value.sign == LOST:
        return "something too long to tell"
    return f"({value_text(value.left)} {value.sign} {value_text(value.right)})"


def decision_text(one: Decision) -> str:
    """A comparison that came out as it did.

    >>> from sigscope.analysis.seccomp.values import Term
    >>> decision_text(Decision(Term(WORD, 4), "==", 16, False))
    'args[0] != 0x10'
    """
    left, right = value_text(one.left), value_text(one.right)
    if one.sign == "&":
        return f"{left} & {right} {'!=' if one.true else '=='} 0"
    return f"{left} {one.sign if one.true else _OPPOSITE[one.sign]} {right}"
