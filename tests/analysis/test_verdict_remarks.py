"""What explain adds to a verdict: that a mask does not last, and that a fault is not asked."""

from __future__ import annotations

import pytest

from sigscope.analysis.verdict import explain
from sigscope.model.explanation import Sending
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, Signal, SignalSet
from sigscope.model.syscall import SystemCall
from tests.analysis.makers import host, process, signals, thread

TERM, SEGV = signals("TERM"), signals("SEGV")
PPOLL = SystemCall(271, "ppoll", (0,))
LASTS = "this holds while thread 9 is in ppoll"
KILLS = "a fault of its own kills it all the same"


def said(suspect: Process, name: str, **how: int) -> list[str]:
    sending = Sending(Signal.named(name), tid=how.get("tid"))
    return [step.says for step in explain(host(suspect), suspect, sending).steps]


@pytest.mark.parametrize(
    ("blocked", "caught", "lasts"),
    [(EMPTY, TERM, True), (TERM, TERM, True), (EMPTY, EMPTY, True)],
    ids=["open", "blocked", "fatal"],
)
def test_the_mask_of_a_ppoll_is_said_to_be_temporary(
    blocked: SignalSet, caught: SignalSet, lasts: bool
) -> None:
    waiting = process(9, threads=[thread(9, blocked, syscall=PPOLL)], caught=caught)
    assert (LASTS in said(waiting, "SIGTERM")) is lasts


def test_of_another_thread_or_a_signal_that_nothing_blocks_it_is_not_said() -> None:
    threads = [thread(9, TERM, syscall=PPOLL), thread(10, TERM)]
    both = process(9, threads=threads, caught=TERM)
    assert LASTS not in said(both, "SIGTERM", tid=10)
    assert LASTS not in said(both, "SIGKILL")


@pytest.mark.parametrize(
    ("more", "kills"),
    [({"blocked": SEGV}, True), ({"ignored": SEGV}, True), ({"caught": SEGV}, False)],
    ids=["blocked", "ignored", "handled"],
)
def test_a_fault_that_is_blocked_or_ignored_kills(more: dict[str, SignalSet], kills: bool) -> None:
    blocked = more.pop("blocked", EMPTY)
    suspect = process(9, blocked, **more)  # type: ignore[arg-type]
    assert (KILLS in said(suspect, "SIGSEGV")) is kills
    assert KILLS not in said(suspect, "SIGTERM")


WAITS = "it is blocked, and the one that was sent before still waits"
MERGES = "it merges with one that is pending already"


def test_of_a_signal_that_waits_already_it_is_said_first_that_it_is_blocked() -> None:
    waiting = process(9, TERM, pending=TERM)
    assert said(waiting, "SIGTERM")[:2] == [WAITS, MERGES]
    threads = [thread(9), thread(10, TERM)._replace(pending=TERM)]
    assert said(process(9, threads=threads), "SIGTERM", tid=10)[:2] == [WAITS, MERGES]
    soon = process(9, pending=TERM)  # nothing holds it back: it is about to be taken
    assert WAITS not in said(soon, "SIGTERM")
