"""Blocked and pending: the strongest evidence, sent and waiting for ever."""

from __future__ import annotations

import pytest

from sigscope.analysis.checks import (
    blocked_pending,
)
from sigscope.model.finding import Severity
from sigscope.model.gap import Gap
from sigscope.model.process import Process, SignalFd
from sigscope.model.signals import EMPTY, LIBC_OWN, SignalSet
from sigscope.model.state import State
from tests.analysis.makers import findings, gaps, process, signals, thread

ALRM, TERM, HUP, CHLD = (signals(name) for name in ("ALRM", "TERM", "HUP", "CHLD"))


def names(found: tuple[object, ...]) -> list[str]:
    return [str(signal).strip("<>") for signal in found]


def server(blocked: SignalSet) -> Process:
    return process(8, blocked, comm="server", exe="/bin/server", start_time=1)


def suspect(blocked: SignalSet = EMPTY, **more: object) -> Process:
    settings: dict[str, object] = {"ppid": 8, "comm": "ping", "exe": "/bin/ping"}
    return process(9, blocked, **(settings | more))  # type: ignore[arg-type]


def test_blocked_in_the_only_thread_and_pending_is_an_error() -> None:
    (found,) = findings(blocked_pending, suspect(ALRM, pending=ALRM, caught=ALRM))
    assert (found.severity, found.pid, found.tid) == (Severity.ERROR, 9, None)
    assert names(found.signals) == ["SIGALRM"]
    assert "the handler that ping installed cannot run" in found.title
    assert "in its only thread" in found.title
    assert "sigscope unblock ALRM 9" in [remedy.command for remedy in found.remedies]


def test_one_open_thread_takes_it() -> None:
    threads = [thread(9, ALRM), thread(10, EMPTY)]
    assert findings(blocked_pending, suspect(threads=threads, pending=ALRM)) == []


def test_a_dead_open_thread_takes_nothing() -> None:
    threads = [thread(9, EMPTY, state=State.ZOMBIE), thread(10, ALRM), thread(11, ALRM)]
    (found,) = findings(blocked_pending, suspect(threads=threads, pending=ALRM))
    assert "in all 2 threads" in found.title


def test_pending_in_a_thread_is_told_of_that_thread() -> None:
    threads = [thread(9, EMPTY), thread(10, ALRM, pending=ALRM)]
    (found,) = findings(blocked_pending, suspect(threads=threads))
    assert found.tid == 10
    assert "in thread 10" in found.title


def test_pending_in_an_open_thread_is_on_its_way() -> None:
    threads = [thread(9, ALRM), thread(10, EMPTY, pending=ALRM)]
    assert findings(blocked_pending, suspect(threads=threads)) == []


@pytest.mark.parametrize("polled", [True, False])
def test_a_signalfd_takes_it(polled: bool) -> None:
    fds = (SignalFd(5, ALRM, polled),)
    assert findings(blocked_pending, suspect(ALRM, pending=ALRM, signalfds=fds)) == []
    other = (SignalFd(5, TERM, polled),)
    assert findings(blocked_pending, suspect(ALRM, pending=ALRM, signalfds=other))


def test_descriptors_that_were_not_read_leave_it_not_assessed() -> None:
    refused = Gap("fd of 9", "permission denied", "sudo sigscope pid 9", refused=True)
    hidden = suspect(ALRM, pending=ALRM, signalfds=None, gaps=(refused,))
    (gap,) = gaps(blocked_pending, hidden)
    assert gap.what == "blocked-pending of 9"
    assert (gap.hint, gap.refused) == (refused.hint, True), "what opens that, opens this"
    assert gaps(blocked_pending, suspect(ALRM, signalfds=None)) == []


def test_a_handler_under_anothers_mask_is_told_without_the_descriptors() -> None:
    one = suspect(ALRM, pending=ALRM, caught=ALRM, signalfds=None)
    (found,) = findings(blocked_pending, one, server(ALRM))
    assert names(found.signals) == ["SIGALRM"]
    assert found.evidence[1].startswith("likely: whether a signalfd takes it could not be read")


@pytest.mark.parametrize(("mask", "caught"), [(EMPTY, ALRM), (ALRM, EMPTY)])
def test_without_a_handler_or_under_a_mask_of_its_own_it_is_not(
    mask: SignalSet, caught: SignalSet
) -> None:
    one = suspect(ALRM, pending=ALRM, caught=caught, signalfds=None)
    assert [gap.what for gap in gaps(blocked_pending, one, server(mask))] == [
        "blocked-pending of 9"
    ]


def test_sigchld_is_stuck_only_by_somebody_elses_mask() -> None:
    """make and bash block it at times, and fetch their children all the same."""
    mask = signals("CHLD")
    assert findings(blocked_pending, suspect(mask, pending=mask, caught=mask)) == []


@pytest.mark.parametrize("harmless", ["URG", "WINCH", "CONT"])
def test_what_does_nothing_by_default_matters_only_with_a_handler(harmless: str) -> None:
    mask = signals(harmless)
    assert findings(blocked_pending, suspect(mask, pending=mask)) == []
    assert findings(blocked_pending, suspect(mask, pending=mask, caught=mask))


def test_what_is_ignored_or_glibcs_own_does_not_matter() -> None:
    assert findings(blocked_pending, suspect(ALRM, pending=ALRM, ignored=ALRM)) == []
    assert findings(blocked_pending, suspect(LIBC_OWN, pending=LIBC_OWN)) == []


def test_a_handler_and_a_default_are_told_apart() -> None:
    both = ALRM | TERM
    first, second = findings(blocked_pending, suspect(both, pending=both, caught=ALRM))
    assert names(first.signals) == ["SIGALRM"]
    assert names(second.signals) == ["SIGTERM"]
    assert "should have ended" in second.title


def test_a_stop_signal_should_not_have_ended_it() -> None:
    (found,) = findings(blocked_pending, suspect(signals("TSTP"), pending=signals("TSTP")))
    assert "does not stop" in found.title


def test_missing_masks_are_no_finding() -> None:
    assert findings(blocked_pending, suspect(threads=[thread(9, None)], pending=ALRM)) == []
