"""The smallest situation that still disagrees: leave out one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.differential.situation import Sent, Situation, Task


def shrink(
    situation: Situation, fails: Callable[[Situation], bool], budget: int = 250
) -> Situation:
    """``fails`` may be asked ``budget`` times; where the kernel has a choice, it asks itself
    more than once."""
    asked = 0
    progress = True
    while progress:
        progress = False
        for smaller in candidates(situation):
            asked += 1
            if asked > budget:
                return situation
            if fails(smaller):
                situation = smaller
                progress = True
                break
    return situation


def candidates(one: Situation) -> Iterator[Situation]:
    """Each simpler by one thing, the biggest cuts first."""
    for index in range(len(one.threads) - 1, -1, -1):
        if len(one.threads) > 1 and one.sent.thread != index:
            yield _without(one, index)
    plain = Situation(one.sent)
    options = (
        *("traced", "frozen", "stopped", "init", "queue_limit", "own_user"),
        *("orphaned", "far_sender"),
    )
    for name in options:
        if getattr(one, name) != getattr(plain, name):
            yield replace(one, **{name: getattr(plain, name)})
    for index in range(len(one.earlier)):
        yield replace(one, earlier=one.earlier[:index] + one.earlier[index + 1 :])
    for index in range(len(one.actions)):
        yield replace(one, actions=one.actions[:index] + one.actions[index + 1 :])
    bare = Sent(0)
    for name in ("count", "queued", "user", "inside", "thread"):
        if getattr(one.sent, name) != getattr(bare, name):
            yield replace(one, sent=replace(one.sent, **{name: getattr(bare, name)}))
    for index, task in enumerate(one.threads):
        for simpler in _simpler(task):
            yield replace(one, threads=(*one.threads[:index], simpler, *one.threads[index + 1 :]))


def _simpler(task: Task) -> Iterator[Task]:
    if task != Task():
        yield Task()
    if task.does not in ("pause", "exit", "vfork") and task.does != "sigwait":
        yield replace(task, does="pause", set=0)
    for name in ("blocked", "set"):
        mask = getattr(task, name)
        if mask:
            yield _masked(task, name, 0)
        if mask.bit_count() > 32:
            continue
        bits = [1 << n for n in range(64) if mask >> n & 1]
        if len(bits) > 1:
            for bit in bits:
                yield _masked(task, name, mask & ~bit)


def _without(one: Situation, index: int) -> Situation:
    def moved(sent: Sent) -> Sent:
        if sent.thread is None or sent.thread < index:
            return sent
        return replace(sent, thread=sent.thread - 1)

    return replace(
        one,
        threads=one.threads[:index] + one.threads[index + 1 :],
        sent=moved(one.sent),
        earlier=tuple(moved(sent) for sent in one.earlier if sent.thread != index),
    )


def _masked(task: Task, name: str, mask: int) -> Task:
    return replace(task, blocked=mask) if name == "blocked" else replace(task, set=mask)
