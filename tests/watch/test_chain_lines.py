"""Chains of signals as lines and as trees, from events made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from sigscope.analysis.watch.ledger import FRESH
from sigscope.analysis.watch.summing import Summary
from sigscope.model.signals import SignalSet
from sigscope.model.story import Fate, Known, Look, LookedThread, Story
from sigscope.render.watch import Columns
from tests.watch.happenings import World

INIT, CRON, MASTER = Known(1, 0, "init"), Known(700, 1, "cron"), Known(100, 1, "php-fpm")
WORKER = Known(101, 100, "php-fpm")


def world() -> World:
    return World(INIT, CRON, MASTER, WORKER)


def shown(stories: Sequence[Story], among: Sequence[Story] = ()) -> list[str]:
    columns = Columns(100, 0)
    columns.note(among or stories)
    return [str(line) for line in columns.lines(stories)]


def test_a_signal_that_waited_counts_once_in_its_tree() -> None:
    one = world()
    one.send(700, 100, "SIGTERM")
    one.deliver(100, "SIGTERM")
    one.send(100, 101, "SIGTERM")
    one.later(FRESH)
    thread = LookedThread(101, "S", SignalSet.of("SIGTERM"), SignalSet())
    empty = SignalSet()
    one.told += one.engine.settle(
        Look(one.now, 101, (thread,), SignalSet.of("SIGTERM"), empty, empty)
    )
    assert one.told[-1].fate is Fate.QUEUED
    one.exit(101, status=0)
    summary = Summary()
    for story in one.told:
        summary.add(story)
    (branch,) = summary.trees[1].branches.values()
    assert (branch.times, dict(branch.fates)) == (1, {Fate.ENDED: 1})
    (line,) = [line for line in shown(one.told) if "later" in line]
    assert "└ php-fpm 100" in line


def chain() -> list[Story]:
    """TERM by cron to the master, which then passes it on."""
    one = world()
    one.send(700, 100, "SIGTERM")
    one.deliver(100, "SIGTERM")
    one.send(100, 101, "SIGTERM")
    one.deliver(101, "SIGTERM")
    return one.told


def test_a_hook_stands_right_below_its_chain() -> None:
    lines = shown(chain())
    assert lines[-1].startswith("     +0.2 ms  TERM    └ php-fpm 100")
    assert not any("because of" in line for line in lines)


def test_where_the_first_of_a_chain_is_not_asked_for_it_is_named() -> None:
    first, last = chain()
    lines = shown([last], [first, last])
    assert "+" not in lines[0]
    assert "└" not in lines[0]
    assert " ".join(" ".join(lines[1:]).split()) == (
        "php-fpm 100 (init 1) likely because of TERM to php-fpm 100 0.2 ms before, from"
        " cron 700 (init 1)"
    )


def test_another_chain_in_between_takes_the_hook_away() -> None:
    first, last = chain()
    other = world()
    for _ in range(8):
        other.send(700, 100, "SIGHUP")
        other.deliver(100, "SIGHUP")
    columns = Columns(100, 0)
    columns.note([first, last])
    for story in (first, other.told[-1]):
        list(columns.lines([story]))
    told = [str(line) for line in columns.lines([last])]
    assert "└" not in told[0]
    assert told[-1].strip() == "likely because of TERM to php-fpm 100 0.2 ms before, from cron 700"
