"""Arguments that lead one certain way through a filter: the proof that the way exists."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.seccomp.paths import Decision, Path
from sigscope.analysis.seccomp.values import (
    COMPARE,
    FULL,
    WORD,
    Value,
    is_lost,
    words_of,
    worked_out,
)

DATA_WORDS = 16
FIRST_FREE = 2
"""Words of seccomp_data before it are the number and the architecture."""
_ROUNDS = 8
_MOST_WRONG = 8


def example(path: Path, number: int, arch: int) -> tuple[int, ...] | None:
    """The 16 words of seccomp_data, or None if none were found.

    Raises Impossible if there are none.
    """
    words = [number & FULL, arch, *(0 for _ in range(DATA_WORDS - FIRST_FREE))]
    for word, known in path.limits.items():
        value = known.fitting()
        if value is None:
            return None
        words[word] = value
    decisions = path.decisions
    if any(is_lost(one.left) or is_lost(one.right) for one in decisions):
        return None
    for _ in range(_ROUNDS):
        wrong = [one for one in decisions if not _holds(one, words)]
        if not wrong:
            return tuple(words)
        if not _improved(decisions, wrong, words):
            return None
    return None


def _holds(one: Decision, words: list[int]) -> bool:
    left, right = worked_out(one.left, words), worked_out(one.right, words)
    return COMPARE[one.sign](left, right) is one.true


def _improved(decisions: tuple[Decision, ...], wrong: list[Decision], words: list[int]) -> bool:
    """Change one word so that more of the decisions hold; False if no change was found."""
    for one in wrong[:_MOST_WRONG]:
        target = worked_out(one.right, words)
        for word in {*words_of(one.left), *words_of(one.right)}:
            if word < FIRST_FREE:
                continue
            before = words[word]
            for value in _candidates(one.left, target):
                words[word] = value & FULL
                holding = sum(_holds(each, words) for each in decisions)
                if holding > len(decisions) - len(wrong):
                    return True
            words[word] = before
    return False


def _candidates(left: Value, target: int) -> Iterator[int]:
    """Values that make the term what it is compared with, or just not."""
    for goal in (target, target + 1, target - 1, 0, FULL, 1 << 31):
        yield from _inverted(left, goal & FULL)
    yield from (0, 1, FULL, target, target + 1, target - 1, ~target)


def _inverted(value: Value, goal: int) -> Iterator[int]:
    """What the word must be, where the term has one word and each step can be undone."""
    if isinstance(value, int):
        return
    sign, left, right = value.sign, value.left, value.right
    if sign == WORD:
        yield goal
    elif isinstance(right, int):
        undone = {
            "+": goal - right,
            "-": goal + right,
            "^": goal ^ right,
            "<<": goal >> (right & 31),
            ">>": goal << (right & 31),
            "/": goal * right,
            "*": goal // right if right else 0,
        }
        yield from _inverted(left, undone.get(sign, goal) & FULL)
        if sign in ("&", "|"):
            yield from _inverted(left, goal & ~right | (goal & right if sign == "&" else 0))
    elif isinstance(left, int) and sign == "-":
        yield from _inverted(right, left - goal & FULL)
    elif isinstance(left, int) and sign in ("+", "^"):
        yield from _inverted(right, (goal - left if sign == "+" else goal ^ left) & FULL)
