"""The checks of the audit on made-up hosts: the cases for which no real target can be had."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from sigscope.analysis.audit import (
    AUDIT_CHECKS,
    AuditCheck,
    frozen,
    init_ignores_term,
    queue_near_limit,
    seccomp_restart,
    shell_wrapper,
    unkillable,
    zombies,
)
from sigscope.analysis.audit.scene import Scene
from sigscope.model.container import Container
from sigscope.model.finding import Finding
from sigscope.model.process import Freezer, Process, Queue
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall
from sigscope.model.waits import Waits
from tests.analysis.makers import host, process, signals, thread

ALRM, KILL, QUIT, TERM = (signals(name) for name in ("ALRM", "KILL", "QUIT", "TERM"))
WAIT = SystemCall(61, "wait4", (0, 0, 0))


def scene(*processes: Process, machine: bool | None = True) -> Scene:
    here = replace(host(*processes), whole_machine=machine)
    return Scene(here, frozenset(here.processes))


def said(check: AuditCheck, *processes: Process, machine: bool | None = True) -> list[str]:
    """ "severity pid title" of each finding; a gap as "gap what"."""
    return [
        f"{one.severity.value} {one.pid} {one.title}"
        if isinstance(one, Finding)
        else f"gap {one.what}"
        for one in check.check(scene(*processes, machine=machine))
    ]


@pytest.mark.parametrize("check", AUDIT_CHECKS, ids=lambda check: str(check.ID))
def test_a_healthy_host_has_nothing(check: AuditCheck) -> None:
    healthy = process(9, ppid=1, caught=TERM, queue=Queue(3, 1000), unit="nginx.service")
    assert said(check, process(1, ppid=0, comm="systemd"), healthy) == []
    looks = check.looks(scene(process(1, ppid=0), healthy)).by_name()
    assert not any(looks.values())


@pytest.mark.parametrize(
    ("used", "limit", "severity"),
    [(79, 100, None), (80, 100, "warning"), (100, 100, "error"), (0, 0, None)],
)
def test_the_queue_is_told_from_four_fifths_on(used: int, limit: int, severity: str | None) -> None:
    found = said(queue_near_limit, process(9, queue=Queue(used, limit)))
    assert [one.split()[0] for one in found] == ([severity] if severity else [])


def test_timers_that_could_not_be_read_are_told() -> None:
    (found,) = queue_near_limit.check(scene(process(9, queue=Queue(90, 100))))
    assert isinstance(found, Finding)
    assert "the timers of 1 of its processes could not be read" in found.evidence


@pytest.mark.parametrize(("machine", "count"), [(True, 0), (False, 1), (None, 0)])
def test_pid_1_counts_only_where_it_is_known_to_be_that_of_a_container(
    machine: bool | None, count: int
) -> None:
    assert len(said(init_ignores_term, process(1, ppid=0), machine=machine)) == count


def test_an_init_whose_descriptors_are_not_shown_is_not_assessed() -> None:
    init = process(9, nspid=(9, 1), signalfds=None)
    assert said(init_ignores_term, init) == ["gap init-ignores-term of 9"]


def test_an_init_in_a_sigwait_for_a_set_that_is_not_shown_is_not_assessed() -> None:
    waiter = thread(9, syscall=SystemCall(128, "rt_sigtimedwait", (0,)))
    init = process(9, nspid=(9, 1), threads=[waiter])
    assert said(init_ignores_term, init) == ["gap init-ignores-term of 9"]


def test_an_init_whose_second_thread_is_open_to_what_the_first_blocks_is_ended() -> None:
    threads = [thread(9, blocked=TERM), thread(10)]
    assert said(init_ignores_term, process(9, nspid=(9, 1), threads=threads)) == []
    asleep = [thread(9, blocked=TERM), thread(10, blocked=TERM)]
    (found,) = said(init_ignores_term, process(9, nspid=(9, 1), threads=asleep))
    assert found.endswith("and blocks it")
    ignoring = process(9, nspid=(9, 1), threads=threads, ignored=TERM)
    assert len(said(init_ignores_term, ignoring)) == 1


def test_an_init_under_a_runtime_is_that_of_a_container() -> None:
    shim = process(8, comm="containerd-shim", start_time=1)
    (found,) = said(init_ignores_term, shim, process(9, ppid=8, nspid=(9, 1)))
    assert found.startswith("warning 9 ")


def wrapper(call: SystemCall | None = WAIT) -> tuple[Process, Process]:
    """A shell that is the main process of a unit, and its child."""
    threads = [thread(9, syscall=call)]
    shell = process(9, comm="sh", threads=threads, unit="app.service")
    return shell, process(10, ppid=9, comm="app", unit="app.service")


def test_a_shell_that_is_the_main_process_of_a_service_is_a_note() -> None:
    (found,) = said(shell_wrapper, process(1, ppid=0, comm="systemd"), *wrapper())
    assert found.startswith("note 9 the shell is the main process of its service")


def test_a_shell_that_does_something_else_is_no_wrapper() -> None:
    assert said(shell_wrapper, *wrapper(SystemCall(0, "read", (0,)))) == []
    assert said(shell_wrapper, *wrapper(None)) == ["gap shell-wrapper of 9"]


def test_a_shell_within_a_service_is_no_wrapper() -> None:
    shell, child = wrapper()
    above = process(8, comm="app", unit="app.service", start_time=1)
    assert said(shell_wrapper, above, replace(shell, ppid=8), child) == []


def stuck(channel: str, pending: str = "KILL", dumping: bool = False) -> Process:
    held = thread(9, pending=signals(pending), state=State.UNINTERRUPTIBLE)
    waits = Waits(MappingProxyType({9: channel}), dumping)
    return process(9, threads=[held], waits=waits, state=State.UNINTERRUPTIBLE)


@pytest.mark.parametrize(
    ("channel", "reason"),
    [
        ("nfs_wait_bit_killable", "likely an NFS server"),
        ("rpc_wait_bit_killable", "likely an NFS server"),
        ("cifs_wait", "likely an SMB server"),
        ("request_wait_answer", "likely a FUSE file system"),
        ("folio_wait_bit_common", "likely input or output of a disk"),
        ("__refrigerator", "likely its cgroup is frozen"),
        ("something_new", "likely input or output; where is not shown"),
        ("", "likely input or output; where is not shown"),
    ],
)
def test_the_wait_channel_tells_what_holds_it(channel: str, reason: str) -> None:
    (found,) = said(unkillable, stuck(channel))
    assert found.startswith("error 9 SIGKILL is pending")
    assert reason in found


def test_posix_spawn_is_a_vfork_as_well() -> None:
    call = SystemCall(56, "clone", (0x4111, 0))
    parent = thread(9, pending=QUIT, state=State.UNINTERRUPTIBLE, syscall=call)
    child = process(10, ppid=9)
    (found,) = said(unkillable, process(9, threads=[parent, thread(11)]), child)
    assert "thread 9 does not wake" in found
    assert "its vfork child 10 has not called exec" in found


def test_what_is_blocked_ignored_or_harmless_makes_nobody_unkillable() -> None:
    state = State.UNINTERRUPTIBLE
    assert said(unkillable, process(9, threads=[thread(9, TERM, TERM, state)])) == []
    ignoring = process(9, threads=[thread(9, pending=TERM, state=state)], ignored=TERM)
    assert said(unkillable, ignoring) == []
    chld = process(9, threads=[thread(9, pending=signals("CHLD"), state=state)])
    assert said(unkillable, chld) == []


def test_a_process_that_writes_a_core_file_is_not_unkillable() -> None:
    assert said(unkillable, stuck("coredump_wait", dumping=True)) == []


def test_a_paused_container_is_one_finding() -> None:
    box = Container("docker", "4e" * 32)
    held = [process(pid, container=box, frozen=Freezer.V2) for pid in (9, 10, 11)]
    (found,) = frozen.check(scene(*held, process(12)))
    assert isinstance(found, Finding)
    assert "so are 2 others: 10 11" in found.evidence
    assert [one.command for one in found.remedies] == ["docker unpause 4e4e4e4e4e4e"]


def family(minutes: float | None, count: int = 1, **more: Any) -> list[Process]:
    """A parent, and children that have been dead for so long."""
    asleep = None if minutes is None else minutes * 60_000
    parent = process(9, **more)
    dead = [
        process(
            pid,
            ppid=9,
            state=State.ZOMBIE,
            threads=[thread(pid, state=State.ZOMBIE)._replace(asleep_ms=asleep)],
        )
        for pid in range(10, 10 + count)
    ]
    return [parent, *dead]


@pytest.mark.parametrize(
    ("minutes", "count", "severity"),
    [(0.5, 1, None), (2, 1, "note"), (None, 4, None), (None, 5, "warning"), (3, 5, "warning")],
)
def test_zombies_count_when_many_or_old(
    minutes: float | None, count: int, severity: str | None
) -> None:
    found = said(zombies, *family(minutes, count))
    assert [one.split()[0] for one in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "it has no handler for SIGCHLD"),
        ({"ignored": signals("CHLD")}, "it ignores SIGCHLD now"),
        ({"caught": signals("CHLD")}, "its handler for SIGCHLD is open"),
        ({"caught": signals("CHLD"), "blocked": signals("CHLD")}, "blocks the signal in every"),
        ({"ignored": None}, "could not be read"),
    ],
)
def test_why_nobody_reaps_them(more: dict[str, Any], why: str) -> None:
    (found,) = zombies.check(scene(*family(2, **more)))
    assert isinstance(found, Finding)
    assert why in found.detail


def test_zombies_of_the_second_look_are_those_of_the_first() -> None:
    first = host(*family(None, 3))
    later = host(*family(None, 6))
    second = Scene(later, frozenset(later.processes), before=first)
    assert list(zombies.check(second)) == []


@pytest.mark.parametrize(
    ("call", "restarts"),
    [
        (SystemCall(35, "nanosleep", (0, 0)), True),
        (SystemCall(230, "clock_nanosleep", (1, 0, 0, 0)), True),
        (SystemCall(230, "clock_nanosleep", (1, 1, 0, 0)), False),
        (SystemCall(202, "futex", (0, 0x80, 0, 0x7F00)), True),
        (SystemCall(202, "futex", (0, 0x189, 0, 0x7F00)), True),
        (SystemCall(202, "futex", (0, 0x80, 0, 0)), False),
        (SystemCall(7, "poll", (0, 0, 0xFFFFFFFF)), True),
        (SystemCall(232, "epoll_wait", (0, 0, 0, 5)), False),
    ],
)
def test_which_calls_go_on_through_restart_syscall(call: SystemCall, restarts: bool) -> None:
    sleeper = process(9, threads=[thread(9, syscall=call)], seccomp=2)
    assert bool(said(seccomp_restart, sleeper)) is restarts
    assert said(seccomp_restart, replace(sleeper, seccomp=0)) == []


def test_one_note_for_a_service_under_a_filter() -> None:
    call = SystemCall(35, "nanosleep", (0, 0))
    same = [process(pid, threads=[thread(pid, syscall=call)], seccomp=2) for pid in range(9, 30)]
    assert len(said(seccomp_restart, *same)) == 1
    assert len(seccomp_restart.looks(scene(*same)).calls) == seccomp_restart.SAMPLE
