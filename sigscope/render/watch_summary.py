"""What a watch comes to, in tables, a histogram and trees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sigscope.model.story import Fate, Story
from sigscope.render.line import BLANK, Line, Role, Span, escape, wrapped
from sigscope.render.watch import introduced, label, name_of, span

_MOST_PAIRS, _MOST_TREES, _MOST_BRANCHES = 20, 10, 24
_BAR = 30


def total_line(total: int, fates: Mapping[Fate, int], seconds: float, lost: int | None) -> Line:
    """The one line that says it all."""
    what = "1 signal" if total == 1 else f"{total} signals"
    text = f"{what} in {span(int(seconds * 1e9))}"
    ordered = Counter(fates).most_common()
    if ordered:
        text += ": " + ", ".join(f"{count} {label(fate)}" for fate, count in ordered)
    missing = "; whether events were lost is not known" if lost is None else ""
    return Line.of(
        text,
        Span(f"; {lost} events lost", Role.WARNING) if lost else missing,
    )


def pair_lines(pairs: Counter[tuple[str, str, str]]) -> Iterator[Line]:
    """Who sent what to whom, and how often."""
    rows = [(str(count), *pair) for pair, count in pairs.most_common(_MOST_PAIRS)]
    if not rows:
        return
    from sigscope.render.table import table

    yield BLANK
    yield from table(("COUNT", "FROM", "SIGNAL", "TO"), rows)
    if len(pairs) > _MOST_PAIRS:
        yield Line.of(f"and {len(pairs) - _MOST_PAIRS} more pairs")


def delay_lines(delays: Mapping[int, int], bounds: Sequence[int]) -> Iterator[Line]:
    """How long it took until a signal was taken."""
    if not delays:
        return
    most = max(delays.values())
    yield BLANK
    yield Line.of(Span("from the sending until it was taken", Role.FAINT))
    for number in range(min(delays), max(delays) + 1):
        count = delays.get(number, 0)
        name = f"< {span(bounds[number])}" if number < len(bounds) else f">= {span(bounds[-1])}"
        bar = "#" * max(1 if count else 0, round(_BAR * count / most))
        yield Line.of(f"{name:>10}  {count:>8}  {bar}")


class TreeOf:
    """One tree: the first signal, and the branches that grew from it."""

    def __init__(self, root: Story | None, width: int) -> None:
        self.root = root
        self._width = width
        self._branches: list[tuple[Story, Sequence[int], int, Mapping[Fate, int]]] = []

    def branch(
        self, story: Story, targets: Sequence[int], times: int, fates: Mapping[Fate, int]
    ) -> None:
        """One more, in the order in which they grew."""
        self._branches.append((story, targets, times, fates))

    def lines(self) -> Iterator[Line]:
        """The first signal with its sender in full, then branch by branch."""
        root = self.root
        if root is None:
            return
        yield BLANK
        by = introduced(root.sender) if root.sender is not None else root.why
        yield from wrapped(f"{root.signal.short} from {by}", self._width, "", Role.STRONG)
        to = name_of(root.target, None, 60)
        yield Line.of("  -> ", to, ": ", label(root.fate))
        for story, targets, times, fates in self._branches[:_MOST_BRANCHES]:
            yield from self._branch(story, targets, times, fates)
        if len(self._branches) > _MOST_BRANCHES:
            yield Line.of(f"     and {len(self._branches) - _MOST_BRANCHES} more")

    def _branch(
        self, story: Story, targets: Sequence[int], times: int, fates: Mapping[Fate, int]
    ) -> Iterator[Line]:
        indent = "     " + "  " * min(story.step - 1, 3)
        name = escape(story.target.comm or "?")
        who = f"{name} {targets[0]}" if len(targets) == 1 else f"{len(targets)} {name}"
        if len(targets) == 1 and story.sender is not None and story.sender.pid == targets[0]:
            who = f"itself ({who})"
        count = f" {times} times" if times > len(targets) else ""
        said = ", ".join(
            label(fate) if len(fates) == 1 else f"{number} {label(fate)}"
            for fate, number in fates.items()
        )
        after = span(story.time - story.root_time)
        text = f"{story.signal.short} -> {who}{count}: {said} (after {after})"
        yield from wrapped(text, self._width, indent)


def tree_lines(trees: Sequence[TreeOf]) -> Iterator[Line]:
    """The biggest of them, in order of time."""
    for tree in trees[:_MOST_TREES]:
        yield from tree.lines()
    if len(trees) > _MOST_TREES:
        yield BLANK
        yield Line.of(f"and {len(trees) - _MOST_TREES} more chains of signals")
