"""The kernel is the judge: filters loaded into a thread, the call made, the result compared."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator

import pytest

from sigscope.analysis.seccomp import simulate, survey
from sigscope.analysis.seccomp.opcodes import ARITHMETIC, COMPARISONS, FROM_X, is_filter
from sigscope.decode.call_tables import call_names
from sigscope.model.abi import I386, X32, X86_64, Abi
from sigscope.model.seccomp import Filter, Instruction
from tests.seccomp.dice import Dice
from tests.seccomp.oracle import ENOSYS, Case, Result, What, ask, disagreements, loadable
from tests.seccomp.profiles import browser, container, old_container, systemd_service

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the target makes its calls in x86-64 and i386"
)

RETURNS = (
    0x80000000,
    0x00000000,
    0x00030000,
    0x0003BEEF,
    0x00050000,
    0x00050001,
    0x0005000D,
    0x00050FFF,
    0x0005FFFF,
    0x7FC00000,
    0x7FF00001,
    0x7FFC0000,
    0x7FFF0000,
    0x7FFF0001,
    0x12340000,
    0x00040000,
    0x7FFE0000,
    0x90000000,
    0xFFFF0000,
)
"""Every action, the least errno that is too large, and actions that no kernel knows."""

HARMLESS: tuple[tuple[Abi, int], ...] = (
    *((X86_64, number) for number in (39, 110, 186, 219, 999)),
    *((I386, number) for number in (20, 64, 224, 0)),
    *((X32, X32.bit | number) for number in (39, 186, 219)),
)
"""getpid, getppid, gettid, restart_syscall: safe with any argument, and none returns 0."""


def dice_cases(seed: int, count: int) -> Iterator[Case]:
    dice = Dice(seed, RETURNS)
    while True:
        newest, *older = dice.stack()
        stack = (newest, *map(loadable, older))
        for _ in range(4):
            if count == 0:
                return
            count -= 1
            abi, number = HARMLESS[dice.choose(*range(len(HARMLESS)))]
            args = dice.arguments()
            if abi is I386:
                args = tuple(value & 0xFFFFFFFF for value in args)
            yield Case(stack, abi, number, args)


@pytest.fixture(scope="module")
def unfiltered() -> dict[tuple[Abi, int], Result]:
    """What these calls return where nothing filters them."""
    cases = [Case((), abi, number) for abi, number in HARMLESS]
    return dict(zip(HARMLESS, ask(cases).results, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_what_dice_have_made(seed: int, unfiltered: dict[tuple[Abi, int], Result]) -> None:
    cases = list(dice_cases(seed, 500))
    allowed = [unfiltered[case.abi, case.number] for case in cases]
    wrong = disagreements(cases, allowed)
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:3])


GUARD = 0x7FF00000
"""TRACE without a tracer: what would be allowed is not made, and fails with ENOSYS."""
NOT_MADE = Result(What.RETURNED, -ENOSYS)


def real_cases(policy: Filter) -> list[Case]:
    """Every call of every table, with each argument that the simulator says matters."""
    guard = loadable(Filter((Instruction(0x06, 0, 0, GUARD),)))
    cases = []
    for abi in (X86_64, I386, X32):
        answers = survey((policy,), tuple(call_names(abi)), abi.arch)
        for number, answer in answers.items():
            examples = [outcome.example for outcome in answer.outcomes]
            assert None not in examples, f"{call_names(abi)[number]}: {answer}"
            wide = [one for one in examples if one and abi is I386 and max(one) >> 32]
            for args in [one for one in examples if one and one not in wide] or [(0,) * 6]:
                if (abi, number) not in NEEDED:
                    cases.append(Case((policy, guard), abi, number, args))
    return cases


UNFILTERED = (335, 336)
"""uretprobe and uprobe: the kernel's own, which newer ones ask no filter about
(seccomp_uprobe_exception of kernel/seccomp.c, since Linux 6.14)."""
NEEDED = ((X86_64, 60), (X86_64, 317))
"""exit and seccomp: the guard lets them pass, for the thread itself."""
POLICIES: dict[str, Callable[[], Filter | None]] = {
    "container": container,
    "container as a tree": lambda: container(tree=True),
    "old container": old_container,
    "browser": browser,
    "systemd": systemd_service,
}


@pytest.mark.parametrize("name", POLICIES)
def test_what_real_policies_answer(name: str) -> None:
    policy = POLICIES[name]()
    if policy is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    cases = real_cases(policy)
    assert len(cases) > 1000
    wrong = disagreements(cases, [NOT_MADE] * len(cases))
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:1])


def test_a_stack_of_real_policies() -> None:
    service = systemd_service()
    stack = tuple(map(loadable, (browser(), container(), *((service,) if service else ()))))
    guard = loadable(Filter((Instruction(0x06, 0, 0, GUARD),)))
    cases = [
        Case((*stack, guard), abi, number, args)
        for abi in (X86_64, I386)
        for number in range(0, 460, 3)
        if number not in UNFILTERED
        for args in ((0,) * 6, (0x40, 4, 5, 6, 7, 8))
        if (abi, number) not in NEEDED
    ]
    wrong = disagreements(cases, [NOT_MADE] * len(cases))
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:1])


def test_the_longest_filter_that_the_kernel_takes() -> None:
    """4,096 instructions: a sum of the number, and a test at the end of a long way."""
    middle = [Instruction(0x04, 0, 0, 1)] * 4092
    last = [Instruction(0x15, 0, 1, 39 + 4092), Instruction(0x06, 0, 0, 0x5000D)]
    program = [Instruction(0x20, 0, 0, 0), *middle, *last, Instruction(0x06, 0, 0, 0x7FFF0000)]
    assert len(program) == 4096
    cases = [Case((Filter(tuple(program)),), X86_64, number) for number in (39, 110)]
    assert not disagreements(cases, [Result(What.RETURNED, 1)] * 2)
    assert [simulate(case.filters, case.number, X86_64.arch).data for case in cases] == [13, 0]


@pytest.mark.parametrize("seed", range(3))
def test_a_filter_is_what_the_kernel_takes_for_one(seed: int) -> None:
    """Programs from dice that nobody has sorted: loaded or refused, as ``is_filter`` says."""
    dice = Dice(seed, RETURNS)
    programs = [dice.program() for _ in range(400)]
    cases = [Case((one,), X86_64, 39) for one in programs]
    loaded = [result.what is not What.NOT_LOADED for result in ask(cases).results]
    said = [is_filter(one.instructions) for one in programs]
    wrong = [one for one, mine, its in zip(programs, said, loaded, strict=True) if mine != its]
    assert not wrong, wrong[0]
    assert 40 < sum(said) < 360


OPERANDS = (0, 1, 7, 31, 32, 33, 0x8000, 0x7FFFFFFF, 0x80000000, 0xDEADBEEF, 0xFFFFFFFF)


@pytest.mark.parametrize("code", sorted(ARITHMETIC), ids=lambda code: f"A {ARITHMETIC[code]} X")
def test_arithmetic_is_that_of_the_kernel(code: int) -> None:
    """Both halves of the result come back as the data of a trap, read from two arguments."""
    halves = [
        Filter(
            (
                Instruction(0x20, 0, 0, 24),
                Instruction(0x07, 0, 0, 0),
                Instruction(0x20, 0, 0, 16),
                Instruction(code | FROM_X, 0, 0, 0),
                Instruction(0x74, 0, 0, shift),
                Instruction(0x54, 0, 0, 0xFFFF),
                Instruction(0x44, 0, 0, 0x30000),
                Instruction(0x16, 0, 0, 0),
            )
        )
        for shift in (0, 16)
    ]
    cases = [
        Case((half,), X86_64, 39, (left, right, 0, 0, 0, 0))
        for half in halves
        for left in OPERANDS
        for right in OPERANDS
    ]
    wrong = disagreements(cases, [NOT_MADE] * len(cases))
    assert not wrong, "\n".join(wrong[:3])


@pytest.mark.parametrize("code", sorted(COMPARISONS), ids=lambda code: f"A {COMPARISONS[code]} k")
def test_comparisons_have_no_sign(code: int) -> None:
    cases = [
        Case((Filter((Instruction(0x20, 0, 0, 16), test, *ends)),), X86_64, 39, (left,) + (0,) * 5)
        for ends in [(Instruction(0x06, 0, 0, 0x5000B), Instruction(0x06, 0, 0, 0x5000C))]
        for right in OPERANDS
        for test in [Instruction(code, 0, 1, right)]
        for left in OPERANDS
    ]
    wrong = disagreements(cases, [NOT_MADE] * len(cases))
    assert not wrong, "\n".join(wrong[:3])
