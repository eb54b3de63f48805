"""What follows from an answer: every entry of the registry, for each kind of refusal."""

from __future__ import annotations

import errno

import pytest

from sigscope.analysis.seccomp import proven, restart_answer
from sigscope.analysis.seccomp.listing import listing
from sigscope.analysis.seccomp.matters import LATER, MATTERS, NEWER, Matter
from sigscope.analysis.seccomp.proven import NUMBERS
from sigscope.analysis.seccomp.report import abi_report
from sigscope.decode.call_tables import abis_of, call_names, parse_abi, parse_calls
from sigscope.errors import UsageError
from sigscope.model.abi import ABIS, I386, OF_MACHINE, X32, X86_64
from sigscope.model.depth import ThreadDepth
from sigscope.model.finding import Severity
from sigscope.model.seccomp import Answer, Filter, FilterAction, Instruction
from sigscope.model.seccomp_report import Holder, StackReport
from sigscope.model.syscall import SystemCall
from tests.analysis.makers import process, thread
from tests.seccomp.dice import Dice
from tests.seccomp.test_simulator import RETURNS

ALLOW = 0x7FFF0000
ENTRIES = (*MATTERS, LATER)


def answering(value: int, *numbers: int) -> Filter:
    """This value for these numbers; everything else is allowed. Without numbers: for all."""
    tests = [Instruction(0x15, len(numbers) - place, 0, one) for place, one in enumerate(numbers)]
    if not numbers:
        return Filter((Instruction(0x06, 0, 0, value),))
    ends = (Instruction(0x06, 0, 0, ALLOW), Instruction(0x06, 0, 0, value))
    return Filter((Instruction(0x20, 0, 0, 0), *tests, *ends))


@pytest.mark.parametrize("matter", ENTRIES, ids=lambda matter: matter.calls[0])
def test_an_entry_speaks_of_real_calls_and_says_where_it_is_known_from(matter: Matter) -> None:
    names = {name for abi in ABIS for name in call_names(abi).values()} | {NEWER}
    assert set(matter.calls) <= names
    assert "(2)" in matter.source or "(3)" in matter.source
    effects = (matter.refused, matter.missing, matter.killed)
    assert any(effects)
    assert all(effect is None or not effect[1].endswith(".") for effect in effects)


@pytest.mark.parametrize("matter", MATTERS, ids=lambda matter: matter.calls[0])
@pytest.mark.parametrize("refusal", ["refused", "missing", "killed"])
def test_an_entry_is_told_when_just_its_call_is_refused(matter: Matter, refusal: str) -> None:
    name = matter.calls[0]
    abi = X86_64 if name in call_names(X86_64).values() else I386
    numbers = [number for number, one in call_names(abi).items() if one == name]
    values = {"refused": 0x50000 | errno.EPERM, "missing": 0x50000 | errno.ENOSYS}
    stack = (answering(values.get(refusal, 0x80000000), *numbers),)
    told = abi_report(stack, abi, call_names(abi)).consequences
    effect = getattr(matter, refusal)
    if effect is None:
        assert told == ()
    else:
        assert [(one.calls, one.severity, one.says) for one in told] == [((name,), *effect)]


def test_nothing_follows_where_everything_is_allowed() -> None:
    for abi in (X86_64, I386, X32):
        report = abi_report((answering(ALLOW),), abi, call_names(abi))
        assert (report.consequences, len(report.groups), report.depends) == ((), 1, ())
        assert report.restart.surely_passes


def test_calls_of_one_entry_with_one_answer_are_told_together() -> None:
    numbers = [number for number, name in call_names(I386).items() if name in MATTERS[-1].calls]
    (told,) = abi_report((answering(0x50001, *numbers),), I386, call_names(I386)).consequences
    assert set(told.calls) == set(MATTERS[-1].calls)


def test_a_trap_kills_only_who_has_no_handler_for_it() -> None:
    (told,) = abi_report((answering(0x30000, 219),), X86_64, call_names(X86_64)).consequences
    assert told.says.startswith("without a handler of SIGSYS: ")


def test_some_arguments_are_enough_to_tell_it() -> None:
    by_argument = Filter(
        (
            Instruction(0x20, 0, 0, 0),
            Instruction(0x15, 0, 2, 435),
            Instruction(0x20, 0, 0, 16),
            Instruction(0x15, 1, 0, 7),
            Instruction(0x06, 0, 0, ALLOW),
            Instruction(0x06, 0, 0, 0x50001),
        )
    )
    report = abi_report((by_argument,), X86_64, call_names(X86_64))
    (told,) = report.consequences
    assert told.says.startswith("with some arguments: ")
    answer = report.answer("clone3")
    assert answer is not None
    assert answer.depends == {0}
    assert {(one.action, one.when) for one in answer.outcomes} == {
        (FilterAction.ERRNO, ("args[0] == 7",)),
        (FilterAction.ALLOW, ("args[0] != 7",)),
    }


def test_what_is_worse_comes_first() -> None:
    severities = [
        one.severity
        for one in abi_report((answering(0x50001),), X86_64, call_names(X86_64)).consequences
    ]
    assert severities == sorted(severities, key=lambda severity: severity.rank)
    assert {Severity.WARNING, Severity.NOTE} == set(severities)


@pytest.mark.parametrize(
    "spoiled",
    [
        Filter((Instruction(0x06, 0, 0, ALLOW),), complete=False),
        Filter((Instruction(0xFF, 0, 0, 0), Instruction(0x06, 0, 0, ALLOW))),
        Filter((Instruction(0x05, 0, 0, 0xFFFFFFFF), Instruction(0x06, 0, 0, ALLOW))),
        Filter(()),
    ],
)
def test_what_is_no_filter_or_not_all_of_one_answers_nothing(spoiled: Filter) -> None:
    report = abi_report((spoiled, answering(ALLOW)), X86_64, call_names(X86_64))
    assert report.groups == ()
    assert report.consequences == ()
    assert report.restart == Answer(None, whole=False)
    assert len(list(listing(spoiled.instructions, {}, X86_64.arch))) == len(spoiled.instructions)


def test_restart_is_asked_by_the_number_and_arch_of_the_machine() -> None:
    only_64 = (answering(0x50001, 219),)
    assert not restart_answer(only_64, "x86_64").surely_passes
    assert restart_answer(only_64, "x86_64", narrow=True).surely_passes
    assert restart_answer(only_64, "aarch64").surely_passes
    assert not restart_answer((answering(0x50001, 128),), "aarch64").surely_passes
    assert not restart_answer((answering(0x50001, 0),), "x86_64", narrow=True).surely_passes
    assert not restart_answer((), "a machine of tomorrow").surely_passes


def test_what_is_proven_is_what_all_threads_may_do() -> None:
    free = thread(7)._replace(depth=ThreadDepth("bpf", filters=()))
    bound = thread(8)._replace(depth=ThreadDepth("bpf", filters=(answering(0x50001, 219),)))
    hidden = thread(9)
    low = SystemCall(0, "read", (0,), 0xFFFF0000, 0xF7000000)
    narrow = bound._replace(syscall=low)
    everything = set(NUMBERS[X86_64])
    assert proven(process(7, threads=[free]), "x86_64") == everything
    assert proven(process(7, threads=[free, bound]), "x86_64") == everything - {"restart_syscall"}
    assert proven(process(7, threads=[free, narrow]), "x86_64") == everything
    assert proven(process(7, threads=[free, hidden]), "x86_64") == frozenset()
    assert proven(process(7, threads=[free]), "sparc") == frozenset()
    assert proven(process(7, threads=[free], seccomp=1), "x86_64") == frozenset()


def test_the_restart_of_a_stack_is_that_of_the_abi_which_its_holder_uses() -> None:
    stack = (answering(0x50001, 0),)  # restart_syscall of i386, read of x86-64
    abis = tuple(abi_report(stack, abi, call_names(abi)) for abi in (X86_64, I386))
    wide = Holder(process(7), (7,), whole=True)
    narrow = Holder(process(8), (8,), whole=True, narrow=True)
    assert StackReport(stack, (wide,), abis).restart.surely_passes
    assert not StackReport(stack, (narrow,), abis).restart.surely_passes
    assert not StackReport(stack, (wide, narrow), abis).restart.surely_passes
    assert StackReport((), (narrow,), ()).restart.surely_passes
    assert not StackReport(stack, (wide,), ()).restart.surely_passes


def test_a_listing_names_calls_by_the_architecture_that_was_tested() -> None:
    names = {abi.arch: call_names(abi) for abi in (X86_64, I386)}
    program = [
        Instruction(0x20, 0, 0, 4),
        Instruction(0x15, 0, 2, I386.arch),
        Instruction(0x20, 0, 0, 0),
        Instruction(0x15, 2, 3, 0),
        Instruction(0x20, 0, 0, 0),
        Instruction(0x15, 0, 1, 0),
        Instruction(0x06, 0, 0, 0x50001),
        Instruction(0x06, 0, 0, ALLOW),
    ]
    texts = [one.text for one in listing(program, names, X86_64.arch)]
    assert texts[1] == "if (A != i386) goto 0004"
    assert texts[3] == "if (A == restart_syscall) goto 0006 else goto 0007"
    assert texts[5] == "if (A != read) goto 0007"
    assert texts[6:] == ["return ERRNO(EPERM)", "return ALLOW"]


def test_every_program_of_the_dice_can_be_listed() -> None:
    dice = Dice(7, RETURNS)
    for _ in range(300):
        program = dice.program().instructions
        texts = [one.text for one in listing(program, {}, X86_64.arch)]
        assert len(texts) == len(program)
        assert all(texts)


def test_tables_of_calls() -> None:
    assert [abi.name for abi in abis_of("x86_64")] == ["x86-64", "i386", "x32"]
    assert abis_of("z80") == ()
    assert call_names(X32)[X32.bit | 512] == "rt_sigaction"
    assert call_names(X86_64)[334] == "rseq"
    for abis in OF_MACHINE.values():
        for abi in abis:
            names = call_names(abi)
            assert not names or names[abi.restart] == "restart_syscall"
    assert parse_calls("read, 0,read", [X86_64]) == ("read",)
    with pytest.raises(UsageError, match="'reed' is no system call"):
        parse_calls("reed", [X86_64])
    with pytest.raises(UsageError, match="no table of the calls of 'arm'"):
        parse_abi("arm")
