"""What becomes of a signal, from events made by hand."""

from __future__ import annotations

import pytest

from sigscope.analysis.watch.ledger import FRESH
from sigscope.model.lineage import Confidence
from sigscope.model.signals import Signal, SignalSet
from sigscope.model.story import Fate, Known, Look, LookedThread, Origin
from sigscope.model.watch import Consumer, Result, Taken
from tests.watch.happenings import MS, World

INIT, CRON, MASTER = Known(1, 0, "init"), Known(700, 1, "cron"), Known(100, 1, "php-fpm")
WORKERS = tuple(Known(pid, 100, "php-fpm") for pid in range(101, 110))


def world() -> World:
    return World(INIT, CRON, MASTER, *WORKERS)


def look(one: World, pid: int, blocked: str = "", pending: str = "", state: str = "S") -> Look:
    masks = SignalSet.of(*blocked.split())
    thread = LookedThread(pid, state, masks, SignalSet())
    empty = SignalSet()
    return Look(one.now, pid, (thread,), SignalSet.of(*pending.split()), empty, empty)


def test_the_script_that_cron_ran_is_the_first_of_the_story_that_ends_the_workers() -> None:
    """Incident C: TERM to the master, then TERM and, at once, KILL to each of nine workers."""
    one = world()
    one.fork(700, 810)
    one.execute(810, "/bin/sh", "-c", "killproc")
    one.fork(810, 812)
    one.execute(812, "/usr/bin/killproc", "php-fpm")
    one.send(812, 100, "SIGTERM")
    one.deliver(100, "SIGTERM")
    one.exit(812)
    one.exit(810)
    for worker in WORKERS:
        one.send(100, worker.pid, "SIGTERM")
        one.send(100, worker.pid, "SIGKILL", Result.IGNORED)
    for worker in WORKERS:
        one.deliver(worker.pid, "SIGKILL", handler=0)
        one.exit(worker.pid, status=15)
    first = one.told[0]
    assert first.fate is Fate.HANDLED
    assert first.sender is not None
    assert first.sender.cmdline == ("/usr/bin/killproc", "php-fpm")
    assert first.sender.ancestors[:2] == ((810, "sh"), (700, "cron"))
    rest = one.told[1:]
    assert len(rest) == 18
    assert {story.root for story in rest} == {first.number}
    assert {story.confidence for story in rest} == {Confidence.LIKELY}
    fates = {(story.signal.name, story.fate) for story in rest}
    assert fates == {("SIGTERM", Fate.TERMINATED), ("SIGKILL", Fate.LATE)}


def test_a_worker_that_signals_itself_is_not_its_own_murderer() -> None:
    one = world()
    one.send(700, 100, "SIGTERM")
    one.deliver(100, "SIGTERM")
    one.send(100, 101, "SIGTERM")
    one.deliver(101, "SIGTERM")
    one.send(101, 101, "SIGTERM", code=-6, group=False)
    one.deliver(101, "SIGTERM", handler=0)
    (last,) = one.exit(101, status=15)
    assert (last.fate, last.origin, last.step) == (Fate.TERMINATED, Origin.ITSELF, 2)
    assert last.root == one.told[0].number
    end = one.engine.ends[101]
    assert end.killer is not None
    assert end.killer.root == one.told[0].number


def test_a_limit_of_the_master_is_not_blamed_on_an_earlier_signal_of_another_kind() -> None:
    """request_terminate_timeout: the master acts by itself, long after its logs were reopened."""
    one = world()
    one.send(700, 100, "SIGUSR1")
    one.deliver(100, "SIGUSR1")
    one.later(5000 * MS)
    one.send(100, 101, "SIGTERM")
    (told,) = one.exit(101, status=15)
    assert (told.cause, told.root, told.fate) == (None, told.number, Fate.TERMINATED)
    assert told.sender is not None
    assert told.sender.pid == 100


def test_a_process_that_a_handler_forked_sends_because_of_what_its_parent_got() -> None:
    """A shell's trap runs /bin/kill."""
    one = World(INIT, CRON, Known(50, 1, "sh"), Known(60, 50, "worker"))
    one.send(700, 50, "SIGTERM")
    one.deliver(50, "SIGTERM")
    one.fork(50, 51)
    one.execute(51, "/bin/kill", "60")
    one.send(51, 60, "SIGTERM")
    (told,) = one.exit(60, status=15)
    assert (told.cause, told.confidence) == (1, Confidence.LIKELY)


def test_a_queued_signal_is_told_twice_the_second_time_with_the_delay() -> None:
    one = world()
    assert one.send(700, 101, "SIGTERM", blocked=True) == []
    one.later(FRESH)
    assert one.engine.unsettled() == [101]
    (first,) = one.engine.settle(look(one, 101, blocked="SIGTERM", pending="SIGTERM"))
    assert (first.fate, first.because) == (Fate.QUEUED, "its only thread blocks it")
    one.later(3000 * MS)
    (second,) = one.deliver(101, "SIGTERM")
    assert (second.fate, second.again, second.number) == (Fate.HANDLED, True, first.number)
    assert second.delay > 3000 * MS
    assert one.engine.counts == {Fate.QUEUED: 1}


def test_a_queued_signal_ends_with_its_process() -> None:
    one = world()
    one.send(700, 101, "SIGTERM", blocked=True)
    one.later(FRESH)
    one.engine.settle(look(one, 101, blocked="SIGTERM", pending="SIGTERM"))
    one.send(700, 101, "SIGKILL")
    told = one.exit(101, status=9)
    assert [(story.signal.name, story.fate) for story in told] == [
        ("SIGKILL", Fate.TERMINATED),
        ("SIGTERM", Fate.ENDED),
    ]
    assert told[1].because == "SIGKILL ended it first"


@pytest.mark.parametrize(
    ("signal", "result", "more", "fate"),
    [
        ("SIGUSR1", Result.IGNORED, {}, Fate.IGNORED),
        ("SIGCHLD", Result.IGNORED, {}, Fate.IGNORED),
        ("SIGUSR1", Result.PENDING, {}, Fate.MERGED),
        ("SIGRTMIN", Result.OVERFLOW, {}, Fate.LOST),
        ("SIGTERM", Result.IGNORED, {"init": True}, Fate.DROPPED),
        ("SIGKILL", Result.IGNORED, {}, Fate.LATE),
    ],
)
def test_what_the_send_settles(
    signal: str, result: Result, more: dict[str, bool], fate: Fate
) -> None:
    (told,) = world().send(700, 101, signal, result, **more)
    assert told.fate is fate


@pytest.mark.parametrize(
    ("signal", "handler", "fate"),
    [
        ("SIGUSR1", 0x1000, Fate.HANDLED),
        ("SIGUSR1", 1, Fate.IGNORED),
        ("SIGCHLD", 0, Fate.IGNORED),
        ("SIGSTOP", 0, Fate.STOPPED),
    ],
)
def test_what_the_delivery_settles(signal: str, handler: int, fate: Fate) -> None:
    one = world()
    one.send(700, 101, signal)
    (told,) = one.deliver(101, signal, handler)
    assert (told.fate, told.thread) == (fate, 101)


def test_a_core_is_told_by_the_exit_status() -> None:
    one = world()
    one.send(101, 101, "SIGSEGV", code=1, group=False)
    one.deliver(101, "SIGSEGV", handler=0)
    (told,) = one.exit(101, status=11 | 0x80)
    assert (told.fate, told.origin, told.sender) == (Fate.DUMPED, Origin.FAULT, None)


@pytest.mark.parametrize("by", Consumer)
def test_who_takes_it_without_a_handler(by: Consumer) -> None:
    one = world()
    one.send(700, 101, "SIGTERM")
    (told,) = one.happens(Taken(one.now + MS, one.task(101), Signal(15), by))
    assert told.fate is Fate[by.name]


def test_sigcont_continues_what_was_seen_to_stop_and_else_is_ignored() -> None:
    one = world()
    one.send(700, 101, "SIGSTOP")
    one.deliver(101, "SIGSTOP", handler=0)
    (told,) = one.send(700, 101, "SIGCONT", Result.IGNORED)
    assert told.fate is Fate.CONTINUED
    assert one.send(700, 101, "SIGCONT", Result.IGNORED) == []
    (told,) = one.later(FRESH)
    assert told.fate is Fate.IGNORED


def test_the_parent_that_is_told_proves_that_sigcont_continued() -> None:
    one = world()
    one.send(700, 101, "SIGCONT", Result.IGNORED)
    told = one.send(101, 100, "SIGCHLD", Result.IGNORED, code=6)
    assert (Fate.CONTINUED, 1) in [(story.fate, story.number) for story in told]


def test_a_stopped_process_holds_its_signals() -> None:
    one = world()
    one.send(700, 101, "SIGTERM")
    one.later(FRESH)
    (told,) = one.engine.settle(look(one, 101, pending="SIGTERM", state="T"))
    assert told.fate is Fate.HELD


def test_what_nothing_holds_back_is_untaken_after_a_while_only() -> None:
    one = world()
    one.send(700, 101, "SIGTERM")
    one.later(FRESH)
    assert one.engine.settle(look(one, 101, pending="SIGTERM", state="D")) == []
    one.later(2000 * MS)
    (told,) = one.engine.settle(look(one, 101, pending="SIGTERM", state="D"))
    assert told.fate is Fate.UNTAKEN
    assert "uninterruptible" in told.because


def test_what_waits_no_more_was_taken_though_no_event_told_by_whom() -> None:
    one = world()
    one.send(700, 101, "SIGTERM")
    one.later(FRESH)
    assert one.engine.settle(look(one, 101)) == []
    one.later(2 * FRESH)
    (told,) = one.engine.settle(look(one, 101))
    assert told.fate is Fate.TAKEN


@pytest.mark.parametrize(
    ("signal", "code", "group", "origin"),
    [
        ("SIGALRM", 128, True, Origin.TIMER),
        ("SIGALRM", -2, True, Origin.TIMER),
        ("SIGINT", 128, True, Origin.TERMINAL),
        ("SIGKILL", 128, True, Origin.KERNEL),
        ("SIGSTOP", 128, False, Origin.TRACER),
        ("SIGSTOP", 0, True, Origin.PROCESS),
        ("SIGTERM", -6, False, Origin.PROCESS),
        ("SIGTERM", -1, True, Origin.PROCESS),
    ],
)
def test_who_was_running_is_blamed_only_where_it_sent_it(
    signal: str, code: int, group: bool, origin: Origin
) -> None:
    (told,) = world().send(700, 101, signal, Result.PENDING, code=code, group=group)
    assert told.origin is origin
    assert (told.sender is not None) == origin.blames


def test_a_storm_that_was_folded_adds_up() -> None:
    one = world()
    one.send(700, 101, "SIGUSR1")
    one.deliver(101, "SIGUSR1")
    one.send(700, 101, "SIGUSR1", times=1000)
    one.deliver(101, "SIGUSR1", times=400)
    one.deliver(101, "SIGUSR1", times=600)
    assert sum(story.times for story in one.told) == 1001
    assert one.engine.counts == {Fate.HANDLED: 1001}


def test_folded_deliveries_may_be_told_of_before_the_send() -> None:
    one = world()
    one.deliver(101, "SIGUSR1", times=500)
    (told,) = one.send(700, 101, "SIGUSR1", times=500)
    assert (told.fate, told.times) == (Fate.HANDLED, 500)


def test_threads_that_an_exec_ends_leave_a_process_that_lives() -> None:
    one = world()
    one.deliver(101, "SIGKILL", handler=0, tid=201)
    one.execute(101, "/usr/bin/php-fpm", "-F")
    (told,) = one.send(700, 101, "SIGUSR1", Result.IGNORED)
    assert told.fate is Fate.IGNORED


def test_without_exit_statuses_the_fatal_signal_is_known_by_the_sigkill_that_comes_of_it() -> None:
    """perf and tracefs tell no status; complete_signal() gives every thread a SIGKILL."""
    one = world()
    one.send(700, 101, "SIGTERM")
    one.deliver(101, "SIGKILL", handler=0)
    (told,) = one.exit(101, status=None)
    assert (told.signal.name, told.fate) == ("SIGTERM", Fate.TERMINATED)


@pytest.mark.parametrize(("told", "fate"), [(True, Fate.ENDED), (False, Fate.UNKNOWN)])
def test_who_exits_may_have_taken_it_by_a_sigwait_that_no_event_tells(
    told: bool, fate: Fate
) -> None:
    one = world()
    one.engine.tells_taken = told
    one.send(700, 101, "SIGTERM")
    (story,) = one.exit(101, status=0)
    assert story.fate is fate
