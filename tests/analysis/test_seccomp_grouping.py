"""Who has which filters, and who differs from its like."""

from __future__ import annotations

from typing import Any

from sigscope.analysis.seccomp.grouping import holders, outliers, unread
from sigscope.model.container import Container
from sigscope.model.depth import ThreadDepth
from sigscope.model.process import Process
from sigscope.model.seccomp import Filter, Instruction
from sigscope.model.seccomp_report import Outlier
from tests.analysis.makers import process, thread

ALLOW = Filter((Instruction(6, 0, 0, 0x7FFF0000),), log=False)
DENY = Filter((Instruction(6, 0, 0, 0x50001),), log=False)
POD = Container("docker", "f" * 64)


def with_filters(pid: int, *stacks: tuple[Filter, ...] | None, **more: Any) -> Process:
    """A thread for each stack."""
    threads = [
        thread(pid + place)._replace(
            depth=None if stack is None else ThreadDepth("bpf", filters=stack)
        )
        for place, stack in enumerate(stacks)
    ]
    return process(pid, threads=threads, seccomp=2, **more)


def found(*processes: Process) -> list[Outlier]:
    return list(outliers(list(holders(processes).values())))


def test_equal_filters_are_one_stack_whether_they_log_or_not() -> None:
    having = holders(
        [with_filters(10, (ALLOW,)), with_filters(20, (ALLOW._replace(log=True),), (DENY,))]
    )
    assert [[one.tids for one in who] for who in having.values()] == [[(10,), (20,)], [(21,)]]
    assert [one.whole for who in having.values() for one in who] == [True, False, False]


def test_one_of_a_container_that_differs() -> None:
    same = [with_filters(pid, (DENY,), container=POD) for pid in (10, 20, 30)]
    (odd,) = found(*same, with_filters(40, (), container=POD))
    assert (odd.holder.process.pid, odd.others) == (40, 3)
    assert odd.service == "docker container ffffffffffff"


def test_half_and_half_is_no_majority() -> None:
    assert not found(with_filters(10, (DENY,), container=POD), with_filters(20, (), container=POD))


def test_programs_of_one_name_with_different_parents_have_nothing_to_do_with_each_other() -> None:
    same = [with_filters(pid, (), ppid=pid - 1) for pid in (10, 20, 30)]
    assert not found(*same, with_filters(40, (DENY,), ppid=39))
    siblings = [with_filters(pid, (), ppid=5) for pid in (10, 20, 30)]
    assert [one.holder.process.pid for one in found(*siblings, with_filters(40, (DENY,), ppid=5))]


def test_a_thread_that_differs_from_most_of_its_process() -> None:
    (odd,) = found(with_filters(10, (DENY,), (), (DENY,)))
    assert (odd.holder.tids, odd.service, odd.others) == ((11,), "process 10", 2)


def test_filters_that_are_not_known_are_not_no_filters() -> None:
    hidden = process(10, threads=[thread(10)], seccomp=2)
    unknown = thread(11)._replace(depth=ThreadDepth("bpf"))
    assert unread(hidden)
    assert unread(process(10, threads=[thread(10), unknown], seccomp=2))
    assert not unread(with_filters(10, (DENY,), ()))
    assert not holders([hidden])


def test_a_thread_that_ended_meanwhile_is_not_missed() -> None:
    churning = with_filters(10, (DENY,), None)
    assert not unread(churning)
    ((holder,),) = holders([churning]).values()
    assert (holder.tids, holder.whole) == ((10,), True)


def test_without_an_engine_only_the_main_thread_is_known_to_have_none() -> None:
    plain = process(10, threads=[thread(10), thread(11)], seccomp=0)
    assert not unread(plain)
    ((holder,),) = holders([plain]).values()
    assert (holder.tids, holder.whole) == ((10,), False)
