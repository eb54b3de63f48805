"""What a stack of filters answers: to one call, or to every number of a set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sigscope.analysis.seccomp.concrete import run
from sigscope.analysis.seccomp.examples import FIRST_FREE, example
from sigscope.analysis.seccomp.opcodes import is_filter
from sigscope.analysis.seccomp.paths import Impossible, Path
from sigscope.analysis.seccomp.survey import ALLOW, Returned, signed, surveyed
from sigscope.analysis.seccomp.values import FULL, words_of
from sigscope.analysis.seccomp.words import decision_text
from sigscope.model.seccomp import INSTRUCTION_POINTER, Answer, Filter, FilterAction, Outcome

UNKNOWN = Answer(None, whole=False)
MAX_ERRNO = 4095
_FIRST_ARGUMENT = 4
_MOST_PATHS = 32
"""Ways to an answer that are tried for an example, the shortest first."""
_MOST_TOLD = 16
_ACTIONS = {action.value: action for action in FilterAction}
_WITH_DATA = (FilterAction.ERRNO, FilterAction.TRAP, FilterAction.TRACE)


def simulate(
    filters: Sequence[Filter],
    number: int,
    arch: int,
    args: Sequence[int] | None = None,
    pointer: int = 0,
) -> Answer:
    """What the filters (newest first) of a thread answer to a call, as __seccomp_filter does it.

    ``arch`` is one of AUDIT_ARCH_* (:mod:`sigscope.model.abi` has them), and ``number``
    what the program put there, an x32 bit included. Without ``args`` the answer holds for all
    arguments, or says on which it depends. All filters run; the lowest action wins.

    >>> from sigscope.model.seccomp import Instruction
    >>> deny = Filter((Instruction(0x20, 0, 0, 0), Instruction(0x15, 0, 1, 219),
    ...     Instruction(6, 0, 0, 0x50001), Instruction(6, 0, 0, 0x7fff0000)))
    >>> simulate([deny], 219, 0xc000003e)[:2], simulate([deny], 35, 0xc000003e).action.name
    ((<FilterAction.ERRNO: 327680>, 1), 'ALLOW')
    """
    answer = survey(filters, (number,), arch)[number]
    if args is None or not all(map(_readable, filters)):
        return answer
    action, data = canonical(answered(filters, words_for(number, arch, args, pointer)))
    return answer._replace(action=action, data=data)


def survey(filters: Sequence[Filter], numbers: Sequence[int], arch: int) -> dict[int, Answer]:
    """The answer to each of these numbers, whatever its arguments are: one pass for all."""
    numbers = tuple(dict.fromkeys(numbers))
    if not numbers or not all(map(_readable, filters)):
        return dict.fromkeys(numbers, UNKNOWN)
    found = surveyed(filters, numbers, arch)
    ends: list[list[tuple[Path, Returned]]] = [[] for _ in numbers]
    for end, having in found.ends.items():
        while having:
            one = having & -having
            ends[one.bit_length() - 1].append(end)
            having ^= one
    made: dict[tuple[bool, tuple[int, ...]], Answer] = {}
    answers = {}
    for place, number in enumerate(numbers):
        lost = bool(found.lost >> place & 1)
        # Where the same ways lead from several numbers, they are looked into once.
        key = (lost, tuple(id(end) for end in ends[place]))
        if key not in made:
            made[key] = _answer(ends[place], number, arch, lost)
        answers[number] = made[key]
    return answers


def answered(filters: Sequence[Filter], words: Sequence[int]) -> int:
    """What the kernel takes from the filters for these words of seccomp_data.

    Those must all be readable, and programs that a kernel took (``survey`` sees to that).
    """
    best = ALLOW
    for one in filters:
        returned = run(one.instructions, words)
        if signed(returned) < signed(best):
            best = returned
    return best


def words_for(number: int, arch: int, args: Sequence[int], pointer: int = 0) -> tuple[int, ...]:
    """struct seccomp_data in words of 32 bits, of a little-endian machine."""
    longs = (pointer, *args, *(0 for _ in range(6 - len(args))))
    halves = (half for long in longs for half in (long & FULL, long >> 32 & FULL))
    return (number & FULL, arch, *halves)


def _readable(one: Filter) -> bool:
    return one.complete and is_filter(one.instructions)


def canonical(returned: int) -> tuple[FilterAction, int]:
    """An action that the kernel does not know kills the process; an errno has its limit."""
    action = _ACTIONS.get(returned & 0xFFFF0000, FilterAction.KILL_PROCESS)
    data = returned & 0xFFFF if action in _WITH_DATA else 0
    return action, min(data, MAX_ERRNO) if action is FilterAction.ERRNO else data


def _answer(ends: Sequence[tuple[Path, Returned]], number: int, arch: int, lost: bool) -> Answer:
    by_result: dict[tuple[FilterAction, int], list[Path]] = defaultdict(list)
    for path, returned in ends:
        if isinstance(returned, int):
            by_result[canonical(returned)].append(path)
    if len(by_result) == 1 and not lost:
        ((action, data),) = by_result
        return Answer(action, data)
    outcomes = tuple(
        outcome
        for result, paths in by_result.items()
        if (outcome := _outcome(result, paths, number, arch)) is not None
    )
    if len(outcomes) == 1 and not lost:
        return Answer(outcomes[0].action, outcomes[0].data)
    depends = frozenset(_looked_at(ends))
    return Answer(None, 0, depends, outcomes, whole=not lost)


def _outcome(
    result: tuple[FilterAction, int], paths: Sequence[Path], number: int, arch: int
) -> Outcome | None:
    """One with an example if there is one; None if no way to it is possible."""
    maybe = paths[_MOST_PATHS] if len(paths) > _MOST_PATHS else None
    for path in sorted(paths, key=lambda path: path.length)[:_MOST_PATHS]:
        try:
            words = example(path, number, arch)
        except Impossible:
            continue
        if words is not None:
            pointer, *args = (
                words[at] | words[at + 1] << 32 for at in range(FIRST_FREE, len(words), 2)
            )
            return Outcome(*result, _told(path), tuple(args), pointer, len(paths))
        maybe = maybe or path
    return None if maybe is None else Outcome(*result, _told(maybe), None, 0, len(paths))


def _told(path: Path) -> tuple[str, ...]:
    decisions = path.decisions
    told = tuple(map(decision_text, decisions[:_MOST_TOLD]))
    more = len(decisions) - _MOST_TOLD
    return (*told, f"{more} more comparisons come out so") if more > 0 else told


def _looked_at(ends: Sequence[tuple[Path, Returned]]) -> Iterator[int]:
    words = 0
    for path, returned in ends:
        words |= path.words
        for word in words_of(returned):
            words |= 1 << word
    for word in range(FIRST_FREE, words.bit_length()):
        if words >> word & 1:
            argument = (word - _FIRST_ARGUMENT) // 2
            yield argument if word >= _FIRST_ARGUMENT else INSTRUCTION_POINTER
