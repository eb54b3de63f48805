"""The checks on what is blocked: what they say, and what they must not say."""

from __future__ import annotations

import pytest

from sigscope.analysis.checks import (
    blocked_fault,
    blocked_handler,
    blocked_inherited,
)
from sigscope.model.finding import Severity
from sigscope.model.process import Process, SignalFd
from sigscope.model.signals import EMPTY, SignalSet
from tests.analysis.makers import findings, gaps, process, signals, thread

ALRM, TERM, HUP, CHLD = (signals(name) for name in ("ALRM", "TERM", "HUP", "CHLD"))


def names(found: tuple[object, ...]) -> list[str]:
    return [str(signal).strip("<>") for signal in found]


def server(blocked: SignalSet) -> Process:
    return process(8, blocked, comm="server", exe="/bin/server", start_time=1)


def suspect(blocked: SignalSet = EMPTY, **more: object) -> Process:
    settings: dict[str, object] = {"ppid": 8, "comm": "ping", "exe": "/bin/ping"}
    return process(9, blocked, **(settings | more))  # type: ignore[arg-type]


class TestBlockedHandler:
    def test_a_mask_from_another_program_is_a_warning_and_its_own_a_note(self) -> None:
        mute = suspect(ALRM, caught=ALRM)
        assert findings(blocked_handler, mute, server(ALRM))[0].severity is Severity.WARNING
        assert findings(blocked_handler, mute, server(EMPTY))[0].severity is Severity.NOTE

    def test_both_in_one_process_are_two_findings(self) -> None:
        mute = suspect(ALRM | HUP, caught=ALRM | HUP)
        warned, noted = findings(blocked_handler, mute, server(ALRM))
        assert names(warned.signals) == ["SIGALRM"]
        assert names(noted.signals) == ["SIGHUP"]

    def test_pending_ones_faults_and_open_ones_are_for_others(self) -> None:
        assert findings(blocked_handler, suspect(ALRM, caught=ALRM, pending=ALRM)) == []
        segv = signals("SEGV")
        assert findings(blocked_handler, suspect(segv, caught=segv)) == []
        assert findings(blocked_handler, suspect(EMPTY, caught=ALRM)) == []
        assert findings(blocked_handler, suspect(ALRM)) == []

    def test_a_signalfd_takes_it_and_an_unread_one_leaves_it_open(self) -> None:
        fds = (SignalFd(5, ALRM, True),)
        assert findings(blocked_handler, suspect(ALRM, caught=ALRM, signalfds=fds)) == []
        (gap,) = gaps(blocked_handler, suspect(ALRM, caught=ALRM, signalfds=None))
        assert "blocked-handler" in gap.what


class TestBlockedInherited:
    def test_deaf_by_somebody_elses_doing(self) -> None:
        (found,) = findings(blocked_inherited, suspect(TERM | CHLD), server(TERM | CHLD))
        assert found.severity is Severity.WARNING
        assert names(found.signals) == ["SIGTERM"]
        assert "does not end ping" in found.title
        assert any("server 8" in sentence for sentence in found.evidence)

    @pytest.mark.parametrize(
        "deaf",
        [
            suspect(TERM, caught=TERM),
            suspect(TERM, ignored=TERM),
            suspect(TERM, pending=TERM),
            suspect(TERM, signalfds=(SignalFd(5, TERM, True),)),
            suspect(TERM, comm="server", exe="/bin/server"),
            suspect(EMPTY),
            suspect(threads=[thread(9, TERM), thread(10, EMPTY)]),
        ],
        ids="caught ignored pending signalfd same-program open one-thread-open".split(),
    )
    def test_nothing_is_said_where_another_answer_holds(self, deaf: Process) -> None:
        assert findings(blocked_inherited, deaf, server(TERM)) == []

    def test_its_own_mask_is_its_own_business(self) -> None:
        assert findings(blocked_inherited, suspect(TERM), server(EMPTY)) == []

    def test_unread_descriptors_leave_it_not_assessed(self) -> None:
        assert gaps(blocked_inherited, suspect(TERM, signalfds=None), server(TERM))


class TestBlockedFault:
    def test_a_blocked_fault_is_a_note_and_from_another_program_a_warning(self) -> None:
        segv = signals("SEGV")
        (own,) = findings(blocked_fault, suspect(segv, caught=segv))
        assert own.severity is Severity.NOTE
        assert "the handler for SIGSEGV will not run" in own.title
        (given,) = findings(blocked_fault, suspect(segv), server(segv))
        assert given.severity is Severity.WARNING
        assert "a crash handler that it installs would not run" in given.title
        assert given.remedies
        assert not own.remedies

    def test_other_signals_are_no_faults(self) -> None:
        assert findings(blocked_fault, suspect(TERM | signals("ABRT")), server(TERM)) == []
