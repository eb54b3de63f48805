"""Who is not to blame, and what was not the end, from events made by hand."""

from __future__ import annotations

from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal
from sigscope.model.story import Fate, Known, Origin
from sigscope.model.watch import CAUGHT, Exited, Forked, Result, Sent
from tests.watch.happenings import MS, World

INIT, CRON, MASTER = Known(1, 0, "init"), Known(700, 1, "cron"), Known(100, 1, "php-fpm")
WORKER = Known(101, 100, "php-fpm")


def world() -> World:
    return World(INIT, CRON, MASTER, WORKER)


def test_a_handler_whose_address_is_not_known_is_one() -> None:
    one = world()
    one.send(700, 101, "SIGUSR1")
    (told,) = one.deliver(101, "SIGUSR1", handler=CAUGHT)
    assert told.fate is Fate.HANDLED


def test_the_end_of_a_parent_is_told_from_what_it_sent_before() -> None:
    one = world()
    one.now += MS
    before = one.now
    one.exit(100)
    one.send(100, 101, "SIGUSR1")
    (told,) = one.deliver(101, "SIGUSR1")
    assert told.origin is Origin.PARENT
    one.now = before - MS // 2  # one that was folded, and is told of after the end
    one.send(100, 101, "SIGUSR1", times=3)
    (told,) = one.deliver(101, "SIGUSR1", times=3)
    assert (told.origin, told.times) == (Origin.PROCESS, 3)


def test_what_one_sends_to_itself_is_not_the_end_of_a_parent() -> None:
    one = world()
    one.deliver(101, "SIGUSR1")
    one.exit(101)
    one.send(101, 101, "SIGUSR1")
    assert {told.origin for told in one.engine.finish(one.now)} == {Origin.ITSELF}


def test_a_stranger_that_has_ended_is_no_parent() -> None:
    one = world()
    one.exit(700)
    one.send(700, 101, "SIGUSR1")
    (told,) = one.deliver(101, "SIGUSR1")
    assert told.origin is Origin.PROCESS


def test_the_end_of_a_thread_that_forked_signals_its_child() -> None:
    one = world()
    thread = one.task(105, 100)
    one.happens(Forked(one.now, one.task(100), thread))
    one.happens(Exited(one.now, thread, 0, False))
    info = SigInfo(Signal.named("SIGTERM"), 0, 100, 0)
    one.happens(Sent(one.now, thread, one.task(101), info, True, Result.QUEUED))
    (told,) = one.deliver(101, "SIGTERM")
    assert told.origin is Origin.PARENT
    assert told.why == "the thread of its parent that forked it ended (PR_SET_PDEATHSIG)"


def test_what_is_ignored_right_before_an_exit_was_not_too_late() -> None:
    """timeout(1) sends SIGCONT to its group, itself included, and exits."""
    one = world()
    assert one.send(101, 101, "SIGCONT", Result.IGNORED) == []
    (told,) = one.exit(101, status=124 << 8)
    assert told.fate is Fate.IGNORED


def test_what_is_ignored_while_a_signal_ends_its_process_is_too_late() -> None:
    one = world()
    one.send(700, 101, "SIGTERM")
    one.send(700, 101, "SIGCONT", Result.IGNORED)
    one.deliver(101, "SIGTERM", handler=0)
    told = {story.signal.name: story.fate for story in one.exit(101, status=15)}
    assert told == {"SIGTERM": Fate.TERMINATED, "SIGCONT": Fate.LATE}


def test_a_traced_process_that_goes_on_is_continued() -> None:
    """strace sends SIGCONT to its child, which has stopped itself; a tracer sees it taken."""
    one = world()
    one.send(101, 101, "SIGSTOP")
    one.deliver(101, "SIGSTOP", handler=0)
    one.send(100, 101, "SIGCONT")
    (told,) = one.deliver(101, "SIGCONT", handler=0)
    assert told.fate is Fate.CONTINUED
    one.send(100, 101, "SIGCONT")
    (told,) = one.deliver(101, "SIGCONT", handler=0)
    assert told.fate is Fate.IGNORED


def test_a_stop_that_did_not_happen_is_not_laid_on_a_sigwait() -> None:
    """A tracer keeps it for itself, or SIGCONT takes it away; no sigwait can."""
    one = world()
    one.send(100, 101, "SIGSTOP")
    (told,) = one.exit(101, status=0)
    assert told.fate is Fate.UNKNOWN
    assert "sigwait" not in told.because
    assert "SIGCONT" in told.because


def test_who_signals_itself_again_and_again_makes_no_chain() -> None:
    one = world()
    for _ in range(5):
        one.send(101, 101, "SIGUSR1", code=-6, group=False)
        one.deliver(101, "SIGUSR1")
    assert [told.step for told in one.told] == [0] * 5
