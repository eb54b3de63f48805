"""The tree: who stands where, what is folded, and where a mask enters."""

from __future__ import annotations

from sigscope.analysis.diagnose import diagnose
from sigscope.analysis.tree import (
    find_sources,
    fold,
    grow,
    telling,
    with_ancestors,
    with_descendants,
)
from sigscope.model.finding import Severity
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, LIBC_OWN
from sigscope.model.state import State
from sigscope.model.tree import Branch
from tests.analysis.makers import host, process, signals, thread

ALRM, MANY = signals("ALRM"), signals("ALRM", "TERM", "HUP")


def family() -> tuple[Process, ...]:
    """init - server (a thread of it blocks) - three children, of which one has a child."""
    return (
        process(1, ppid=0, comm="init", start_time=0),
        process(10, threads=[thread(10), thread(11, MANY)], comm="server", start_time=10),
        process(20, MANY, ppid=10, comm="ping", start_time=20, forked_by=11),
        process(21, ppid=10, comm="idle", start_time=21),
        process(22, ppid=10, comm="idle", start_time=22),
        process(30, MANY, ppid=20, comm="sub", start_time=30),
    )


def shape(branches: tuple[Branch, ...]) -> list[object]:
    return [(branch.process.pid, branch.alike, shape(branch.children)) for branch in branches]


def test_the_tree_has_the_shape_of_the_family_and_folds_those_alike() -> None:
    answer = diagnose(host(*family()))
    branches = grow(answer, answer.host.processes)
    assert shape(branches) == [
        (1, (), [(10, (), [(20, (), [(30, (), [])]), (21, (22,), [])])]),
    ]


def test_a_process_whose_parent_is_not_shown_is_a_root() -> None:
    answer = diagnose(host(*family()))
    assert shape(grow(answer, (20, 22))) == [(20, (), []), (22, (), [])]


def test_a_circle_of_parents_does_not_hang_the_tree() -> None:
    answer = diagnose(host(process(8, ppid=9), process(9, ppid=8)))
    grow(answer, (8, 9))
    assert with_descendants(answer, (8,)) == {8, 9}


def test_only_silent_leaves_of_one_name_are_folded() -> None:
    leaf = [Branch(process(pid, comm="idle"), ()) for pid in (1, 2, 3)]
    parent = Branch(process(4, comm="idle"), (leaf[0],))
    other = Branch(process(5, comm="other"), ())
    folded = fold([leaf[0], other, parent, leaf[1], leaf[2]], telling={2})
    assert [(branch.process.pid, branch.alike) for branch in folded] == [
        (1, (3,)),
        (5, ()),
        (4, ()),
        (2, ()),
    ]


def test_a_zombie_and_a_process_that_was_not_assessed_are_not_like_a_healthy_one() -> None:
    """Folded, the one would be called a zombie and the other fine."""
    siblings = [
        Branch(process(1, comm="idle"), ()),
        Branch(process(2, comm="idle", state=State.ZOMBIE), ()),
        Branch(process(3, None, comm="idle"), ()),
        Branch(process(4, comm="idle"), ()),
    ]
    assert [(branch.process.pid, branch.alike) for branch in fold(siblings, ())] == [
        (1, (4,)),
        (2, ()),
        (3, ()),
    ]


def test_the_source_of_a_mask_is_the_thread_that_has_it_and_knows_whom_it_reached() -> None:
    sources = find_sources(diagnose(host(*family())))
    assert set(sources) == {10}
    source = sources[10]
    assert (source.signals, source.tids, source.threads) == (MANY, (11,), 2)
    assert source.reached == (20, 30)


def test_threads_that_differ_by_glibcs_own_two_are_no_source() -> None:
    plain = process(10, threads=[thread(10), thread(11, LIBC_OWN)])
    assert find_sources(diagnose(host(plain))) == {}


def test_a_source_of_which_nothing_came_is_told_only_if_it_was_asked_about() -> None:
    answer = diagnose(host(process(10, threads=[thread(10), thread(11, ALRM)])))
    assert grow(answer, (10,))[0].source is None
    (branch,) = grow(answer, (10,), audited=(10,))
    assert branch.source is not None
    assert branch.source.reached == ()


def test_unread_masks_make_no_source() -> None:
    assert (
        find_sources(diagnose(host(process(10, threads=[thread(10, None), thread(11, ALRM)]))))
        == {}
    )


def test_descendants_and_ancestors_of_those_asked_for() -> None:
    answer = diagnose(host(*family()))
    assert with_descendants(answer, {20}) == {20, 30}
    assert with_ancestors(answer, {30}) == {30, 20, 10, 1}
    assert with_ancestors(answer, set()) == frozenset()


def test_branches_with_something_to_say_are_those_at_least_as_bad_as_asked_for() -> None:
    held = process(21, ppid=10, state=State.STOPPED, start_time=21)
    everyone = [one for one in family() if one.pid != 21]
    answer = diagnose(host(*everyone, held))
    assert telling(answer, Severity.ERROR) == frozenset()
    assert telling(answer, Severity.WARNING) >= {21, 10, 1}
    assert 22 not in telling(answer, Severity.WARNING)


def test_a_very_long_line_of_descendants_can_be_shown() -> None:
    deep = [
        process(pid, ppid=pid - 1, start_time=pid, comm="sh", blocked=EMPTY)
        for pid in range(1, 2001)
    ]
    answer = diagnose(host(*deep))
    assert len(grow(answer, answer.host.processes)) == 1
