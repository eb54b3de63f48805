"""The judgement on restarts, where no kernel is needed: filters, doubts, and what is not known."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from sigscope.analysis.restart import descriptors, kind_of, prospect
from sigscope.analysis.restart.table import CONDITIONS, ROWS
from sigscope.decode.syscall_names import NAMES
from sigscope.kernel.ptrace.laundering import REPEATED
from sigscope.model.depth import ThreadDepth
from sigscope.model.process import Freezer, Process
from sigscope.model.restart import Becomes, Event, Fate, Ground, Prospect, RestartClass
from sigscope.model.seccomp import Filter, FilterAction, Instruction
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall
from tests.analysis.makers import process, signals, thread

SLEEP = SystemCall(35, "nanosleep", (0x7F00, 0, 0, 0, 0, 0), 0x7F0000000000, 0x7F0000001000)
X86_64 = Ground("x86_64")
LOAD_NUMBER = Instruction(0x20, 0, 0, 0)


def answers(action: int, number: int = 219) -> Filter:
    """Answers so to one call, and allows all others."""
    return Filter(
        (
            LOAD_NUMBER,
            Instruction(0x15, 0, 1, number),
            Instruction(0x06, 0, 0, action),
            Instruction(0x06, 0, 0, FilterAction.ALLOW.value),
        )
    )


ALLOWS = answers(FilterAction.ALLOW.value)
DENIES = answers(FilterAction.ERRNO.value | 1)


def sleeper(
    *filters: Filter, call: SystemCall = SLEEP, known: bool = True, **more: object
) -> Process:
    depth = ThreadDepth("test", filters=filters) if known else None
    mode = 2 if filters or not known else 0
    one = thread(7, syscall=call)._replace(depth=depth)
    return process(7, threads=(one, *more.pop("others", ())), seccomp=mode, **more)  # type: ignore[misc,arg-type]


def judged(suspect: Process, ground: Ground = X86_64) -> Prospect:
    return prospect(suspect, suspect.threads[0], ground)


@pytest.mark.parametrize(
    ("action", "fate", "says"),
    [
        (FilterAction.ALLOW.value, Fate(Becomes.RESUMES), "the seccomp filter allows it"),
        (FilterAction.LOG.value, Fate(Becomes.RESUMES), "allows it"),
        (FilterAction.ERRNO.value | 1, Fate(Becomes.FAILS, 1), "answers EPERM"),
        (FilterAction.ERRNO.value | 38, Fate(Becomes.FAILS, 38), "answers ENOSYS"),
        (FilterAction.ERRNO.value, Fate(Becomes.FAILS, 0), "as if it were over"),
        (FilterAction.KILL_PROCESS.value, Fate(Becomes.KILLED), "kills the process"),
        (FilterAction.KILL_THREAD.value, Fate(Becomes.KILLED), "kills the process"),
        (FilterAction.TRAP.value, Fate(Becomes.KILLED), "no handler that could run"),
        (FilterAction.TRACE.value, Fate(Becomes.FAILS, 38), "there is none: ENOSYS"),
        (FilterAction.NOTIFY.value, Fate(Becomes.UNKNOWN), "asks a supervisor"),
        (0x12340000, Fate(Becomes.KILLED), "kills the process"),
    ],
    ids=lambda value: str(value),
)
def test_what_a_filter_makes_of_restart_syscall(action: int, fate: Fate, says: str) -> None:
    found = judged(sleeper(answers(action)))
    assert found.after(Event.STOP_CONT) == fate
    assert found.after(Event.FREEZE) == found.after(Event.ATTACH) == fate
    assert found.after(Event.SIGNAL) == Fate(Becomes.EINTR)
    assert says in found.because


def test_a_thread_is_killed_alone_where_there_are_others() -> None:
    killing = answers(FilterAction.KILL_THREAD.value)
    assert "kills the thread" in judged(sleeper(killing, others=(thread(8),))).because


def test_a_handler_of_sigsys_decides() -> None:
    trap = answers(FilterAction.TRAP.value)
    assert judged(sleeper(trap, caught=signals("SYS"))).after(Event.STOP_CONT) == Fate(
        Becomes.FAILS
    )


def test_the_filter_that_refuses_is_named_in_the_order_of_installation() -> None:
    newest_first = (ALLOWS, DENIES, ALLOWS)
    assert "seccomp filter 2 of 3 answers EPERM" in judged(sleeper(*newest_first)).because


def test_a_tracer_may_answer_for_the_filter() -> None:
    found = judged(sleeper(answers(FilterAction.TRACE.value), tracer=9))
    assert found.after(Event.STOP_CONT) == Fate(Becomes.UNKNOWN)
    assert found.at_risk
    assert not found.breaks


def test_a_filter_that_looks_at_arguments_is_asked_with_those_of_the_call() -> None:
    """Denied if the low half of the first argument is 0x7f00."""
    picky = Filter(
        (
            LOAD_NUMBER,
            Instruction(0x15, 0, 3, 219),
            Instruction(0x20, 0, 0, 16),
            Instruction(0x15, 0, 1, 0x7F00),
            Instruction(0x06, 0, 0, FilterAction.ERRNO.value | 1),
            Instruction(0x06, 0, 0, FilterAction.ALLOW.value),
        )
    )
    assert judged(sleeper(picky)).after(Event.STOP_CONT) == Fate(Becomes.FAILS, 1)
    other = SystemCall(35, "nanosleep", (0x8000, 0, 0, 0, 0, 0), 0x7F0000000000, 0x7F0000001000)
    assert judged(sleeper(picky, call=other)).after(Event.STOP_CONT) == Fate(Becomes.RESUMES)


def test_a_32_bit_program_goes_on_by_another_number() -> None:
    narrow = SystemCall(162, "nanosleep", (1, 0, 0, 0, 0, 0), 0xFFF00000, 0x8048000)
    assert judged(sleeper(DENIES, call=narrow)).after(Event.STOP_CONT).becomes is Becomes.RESUMES
    denies_zero = answers(FilterAction.ERRNO.value | 1, number=0)
    assert judged(sleeper(denies_zero, call=narrow)).breaks


def test_a_filter_that_was_not_read_is_a_doubt_and_not_fine() -> None:
    found = judged(sleeper(known=False))
    assert found.after(Event.STOP_CONT) == Fate(Becomes.UNKNOWN)
    assert found.answer is None
    assert (found.at_risk, found.breaks) == (True, False)
    assert "could not be read" in found.because


def test_a_filter_that_was_cut_off_answers_nothing() -> None:
    cut = ALLOWS._replace(complete=False)
    assert judged(sleeper(cut)).after(Event.STOP_CONT) == Fate(Becomes.UNKNOWN)


def test_whether_there_is_a_filter_may_not_be_known() -> None:
    suspect = process(7, threads=(thread(7, syscall=SLEEP),), seccomp=None)
    assert "whether there is a seccomp filter" in judged(suspect).because


def test_strict_seccomp_kills() -> None:
    suspect = process(7, threads=(thread(7, syscall=SLEEP),), seccomp=1)
    assert judged(suspect).after(Event.ATTACH) == Fate(Becomes.KILLED)


def test_each_thread_has_a_mode_of_its_own() -> None:
    suspect = process(7, threads=(thread(7), thread(8, syscall=SLEEP)), seccomp=2)
    ground = Ground("x86_64", modes=MappingProxyType({7: 2, 8: 0}))
    assert not prospect(suspect, suspect.threads[1], ground).at_risk


RECEIVE = SystemCall(45, "recvfrom", (5, 0, 10, 0, 0, 0))
READ = SystemCall(0, "read", (5, 0, 10, 0, 0, 0))


@pytest.mark.parametrize(
    ("call", "files", "timed", "becomes"),
    [
        (RECEIVE, {5: "socket:[1]"}, {}, Becomes.UNKNOWN),
        (RECEIVE, {5: "socket:[1]"}, {5: (0.0, 2.0)}, Becomes.RESTARTS),
        (RECEIVE, {5: "socket:[1]"}, {5: (2.0, 0.0)}, Becomes.EINTR),
        (READ, {5: "pipe:[1]"}, {}, Becomes.RESTARTS),
        (READ, {5: "socket:[1]"}, {}, Becomes.UNKNOWN),
        (READ, {}, {}, Becomes.UNKNOWN),
        (READ, None, {}, Becomes.UNKNOWN),
    ],
)
def test_a_socket_with_a_timeout_fails_and_one_that_was_not_asked_may(
    call: SystemCall,
    files: dict[int, str] | None,
    timed: dict[int, tuple[float, float]],
    becomes: Becomes,
) -> None:
    ground = Ground("x86_64", files=files, timed=timed)
    suspect = process(7, threads=(thread(7, syscall=call),), seccomp=0)
    assert descriptors(suspect) == {5}
    assert judged(suspect, ground).after(Event.STOP_CONT).becomes is becomes
    assert judged(suspect, ground).after(Event.SIGNAL).becomes is Becomes.EINTR


@pytest.mark.parametrize(
    ("call", "state", "says"),
    [
        (SystemCall(None), State.RUNNING, "it runs"),
        (SystemCall(-1), State.SLEEPING, "in no system call"),
        (SystemCall(58, "vfork"), State.UNINTERRUPTIBLE, "is not interrupted"),
        (SystemCall(0, "read", (3,)), State.UNINTERRUPTIBLE, "uninterruptible"),
        (SystemCall(72, "fcntl", (3, 1)), State.SLEEPING, "does not wait"),
        (SystemCall(202, "futex", (3, 1)), State.SLEEPING, "does not wait"),
    ],
)
def test_what_sits_in_no_call_that_waits_is_not_disturbed(
    call: SystemCall, state: State, says: str
) -> None:
    found = judged(process(7, threads=(thread(7, syscall=call, state=state),), seccomp=0))
    assert says in found.because
    assert found.kind is RestartClass.NONE
    assert not found.at_risk


def test_the_sleep_of_a_frozen_v1_cgroup_is_no_uninterruptible_one() -> None:
    epoll = SystemCall(232, "epoll_wait", (3, 0, 1, 5))
    one = thread(7, syscall=epoll, state=State.UNINTERRUPTIBLE)
    frozen = process(7, threads=(one,), seccomp=0, frozen=Freezer.V1)
    assert judged(frozen).breaks


def test_a_call_that_is_not_in_the_table_is_not_known() -> None:
    found = judged(process(7, threads=(thread(7, syscall=SystemCall(600)),), seccomp=0))
    assert found.after(Event.ATTACH) == Fate(Becomes.UNKNOWN)
    assert "system call 600 is not in the table" in found.because
    unread = judged(process(7, threads=(thread(7),), seccomp=0))
    assert "could not be read" in unread.because


def test_every_condition_is_used_and_every_call_has_a_number() -> None:
    assert {row.when for row in ROWS if row.when} == set(CONDITIONS)
    known = {name for table in NAMES.values() for name in table}
    # recv and send have numbers of their own on other architectures only.
    assert {name for row in ROWS for name in row.calls} - known == {"recv", "send"}


def test_what_is_laundered_is_what_a_stop_lets_fail() -> None:
    """The tracer rewrites EINTR in just those calls that the table lets fail, or may."""
    failing = {
        name
        for row in ROWS
        for name in row.calls
        if row.kind is RestartClass.EINTR and row.when != "SEMOP"
    }
    assert failing <= REPEATED
    for name in REPEATED - failing - {"socketcall"}:
        kinds = {row.kind for row in ROWS if name in row.calls}
        assert kinds <= {RestartClass.RESTART, RestartClass.NO_HANDLER} or not kinds, name


def test_the_class_of_a_call_is_told_by_its_name_alone() -> None:
    assert kind_of(SystemCall(7, "poll")) is RestartClass.RESTART_BLOCK
    assert kind_of(SystemCall(3, "close")) is RestartClass.UNKNOWN
