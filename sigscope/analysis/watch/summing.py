"""What a watch comes to: pairs, signals, fates, delays, and the trees of signals."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from sigscope.model.story import Actor, Fate, Origin, Story

MOST_PAIRS = 4096
MOST_TREES = 256
MOST_BRANCHES = 512
BUCKETS = (100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000)
"""Upper bounds of the histogram of delays, in nanoseconds; one more bucket is above."""
_TAKEN = (Fate.HANDLED, Fate.SIGWAIT, Fate.SIGNALFD, Fate.TERMINATED, Fate.DUMPED, Fate.STOPPED)
_OTHERS = ("others", "", "others")


@dataclass(slots=True)
class Branch:
    """What one sender sent alike to others of one name because of one signal."""

    story: Story
    targets: list[int] = field(default_factory=list)
    times: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)

    def add(self, story: Story) -> None:
        """The second story of a signal that had to wait stands for its first."""
        if story.again:
            waited = next((fate for fate in self.fates if not fate.lasts), None)
            if waited is not None:
                self.fates[waited] -= min(story.times, self.fates[waited])
                self.fates += Counter()  # without those that have come to nothing
        if not story.again or not self.times:
            self.times += story.times
        self.fates[story.fate] += story.times


@dataclass(slots=True)
class Tree:
    """A signal and all that came of it; branches by (cause, signal, name of the targets)."""

    root: Story | None = None
    branches: OrderedDict[tuple[int, int, str | None], Branch] = field(default_factory=OrderedDict)
    more: int = 0


class Summary:
    """Feed it the stories that are asked for; the memory that it takes is bounded."""

    def __init__(self) -> None:
        self.pairs: Counter[tuple[str, str, str]] = Counter()
        self.signals: Counter[str] = Counter()
        self.fates: Counter[Fate] = Counter()
        self.delays: Counter[int] = Counter()
        self.trees: OrderedDict[int, Tree] = OrderedDict()
        self.total = 0
        self.let_go = 0

    def add(self, story: Story) -> None:
        """One story; the second of a signal changes its tree and the delays only."""
        if not story.again:
            self.total += story.times
            self.fates[story.fate] += story.times
            self.signals[story.signal.name] += story.times
            pair = (sender_name(story), story.signal.short, called(story.target))
            if pair not in self.pairs and len(self.pairs) >= MOST_PAIRS:
                pair = _OTHERS
            self.pairs[pair] += story.times
        if story.fate in _TAKEN:
            self.delays[bucket(story.delay)] += story.times
        self._grow(story)

    def _grow(self, story: Story) -> None:
        if story.origin is Origin.CHILD:
            return
        if story.step == 0:
            tree = self.trees.get(story.number)
            if tree is None:
                tree = self.trees[story.number] = Tree()
                if len(self.trees) > MOST_TREES:
                    self._fell()
            tree.root = story
            return
        tree = self.trees.setdefault(story.root, Tree())
        key = story.cause or 0, int(story.signal), story.target.comm
        branch = tree.branches.get(key)
        if branch is None:
            if len(tree.branches) >= MOST_BRANCHES:
                tree.more += 1
                return
            branch = tree.branches[key] = Branch(story)
        if story.target.pid not in branch.targets and len(branch.targets) < MOST_BRANCHES:
            branch.targets.append(story.target.pid)
        branch.add(story)

    def _fell(self) -> None:
        """The oldest that has come to nothing more, or else the oldest, is let go."""
        bare = next((key for key, one in self.trees.items() if not one.branches), None)
        self.trees.pop(next(iter(self.trees)) if bare is None else bare)
        self.let_go += 1


def bucket(delay: int) -> int:
    """Its place in BUCKETS.

    >>> bucket(50_000), bucket(20_000_000_000)
    (0, 6)
    """
    return next((number for number, most in enumerate(BUCKETS) if delay < most), len(BUCKETS))


def sender_name(story: Story) -> str:
    """Who sent it, without a number, so that alike ones are counted together."""
    if story.sender is None:
        return story.origin.value
    return "itself" if story.origin is Origin.ITSELF else called(story.sender)


def called(actor: Actor) -> str:
    """The name; the pid where there is none."""
    return actor.comm or f"pid {actor.pid}"
