"""Stories in aligned columns: when, which signal, from whom, to whom, and what became of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sigscope.model.lineage import Confidence
from sigscope.model.story import Actor, Fate, Origin, Story
from sigscope.render.line import Line, Role, Span, escape, wrapped

TIME, SIGNAL, FATE = 12, 7, 12
_GAPS = 2 + 1 + 2 + 2
_WIDEST = 34
_INDENT = " " * (TIME + 2)
_REMEMBERED = 4096
_NEAR = 60_000_000_000
"""Within that time of the first in a chain, the others are timed by their distance from it."""
_LATE_DELAY = 10_000_000
_ARROW = "<-"
_LABELS = {
    Fate.DUMPED: "core dumped",
    Fate.TRACED: "to tracer",
    Fate.LATE: "too late",
    Fate.ENDED: "never taken",
}
_ROLES = {
    **dict.fromkeys((Fate.TERMINATED, Fate.DUMPED), Role.ERROR),
    **dict.fromkeys((Fate.QUEUED, Fate.HELD, Fate.LOST, Fate.UNTAKEN, Fate.ENDED), Role.WARNING),
    **dict.fromkeys((Fate.IGNORED, Fate.LATE, Fate.MERGED), Role.FAINT),
}
_FROM = {
    Origin.TIMER: "a timer",
    Origin.TERMINAL: "the terminal",
    Origin.FAULT: "a fault of its own",
    Origin.KERNEL: "the kernel",
    Origin.CHILD: "a child",
}
_PLAIN_WHY = frozenset(("kill", "tgkill"))
_EVIDENT = frozenset((Fate.IGNORED, Fate.LATE, Fate.MERGED, Fate.DUMPED, Fate.CONTINUED))
"""Fates whose reason the word itself tells well enough at a terminal."""


def label(fate: Fate) -> str:
    """The word of a fate as it is shown.

    >>> label(Fate.LATE), label(Fate.HANDLED)
    ('too late', 'handled')
    """
    return _LABELS.get(fate, fate.value)


def span(nanoseconds: int) -> str:
    """How long, in three digits or so.

    >>> [span(n) for n in (900, 1_500, 400_000, 12_300_000, 3_204_000_000, 75_000_000_000)]
    ['1 us', '2 us', '0.4 ms', '12 ms', '3.2 s', '75 s']
    """
    if nanoseconds < 100_000:
        return f"{max(1, round(nanoseconds / 1e3))} us"
    if nanoseconds < 10_000_000:
        return f"{nanoseconds / 1e6:.1f} ms"
    if nanoseconds < 1_000_000_000:
        return f"{nanoseconds / 1e6:.0f} ms"
    return f"{nanoseconds / 1e9:.1f} s" if nanoseconds < 60e9 else f"{nanoseconds / 1e9:.0f} s"


class Columns:
    """Lines for bunches of stories; ``wall`` is CLOCK_REALTIME less CLOCK_MONOTONIC, in ns."""

    def __init__(self, width: int, wall: int, every: bool = False) -> None:
        room = max(80, width) - TIME - SIGNAL - FATE - _GAPS
        self.side = min(_WIDEST, room // 2)
        self.width = max(40, width)
        self._wall = wall
        self._every = every
        self._introduced: OrderedDict[tuple[int, str | None], None] = OrderedDict()
        self._noted: OrderedDict[int, Story] = OrderedDict()
        self._chain = 0

    def head(self) -> Line:
        """The names of the columns."""
        return self._row("TIME", "SIGNAL", "FROM", "TO", Span("BECAME", Role.FAINT), Role.FAINT)

    def note(self, stories: Iterable[Story]) -> None:
        """All that happens, also what is not shown: it may be behind what is."""
        for story in stories:
            if story.origin is not Origin.CHILD:
                self._noted[story.number] = story
        while len(self._noted) > _REMEMBERED:
            self._noted.popitem(last=False)

    def lines(self, stories: Sequence[Story]) -> Iterator[Line]:
        """In order of sending, chain by chain; what one sender did alike to several is one line.

        A hook and a distance in time stand only right below a line of the same chain.
        """
        ordered = sorted(stories, key=lambda one: (one.again, one.root, one.number))
        bunches: dict[object, list[Story]] = {}
        for story in ordered:
            bunches.setdefault(story.number if self._every else _alike(story), []).append(story)
        for bunch in bunches.values():
            yield from self._bunch(bunch)

    def _bunch(self, bunch: Sequence[Story]) -> Iterator[Line]:
        story = bunch[0]
        hangs = story.step > 0 and story.root == self._chain
        self._chain = story.root
        times = sum(one.times for one in bunch)
        targets = sorted({one.target.pid for one in bunch})
        to = name_of(story.target, story.target.tid, self.side)
        if len(targets) > 1:
            to = _fit(escape(story.target.comm or "?"), "", f" x{len(targets)}", self.side)
        elif times > 1:
            to = name_of(story.target, story.target.tid, self.side - len(f" x{times}"))
            to += f" x{times}"
        yield self._row(
            self._time(story, hangs),
            story.signal.short,
            self._from(story, hangs),
            to,
            Span(self._became(bunch), _ROLES.get(story.fate, Role.PLAIN)),
        )
        for text in self._details(story, targets, hangs):
            yield from wrapped(text, self.width, _INDENT, Role.FAINT)

    def _row(
        self, time: str, signal: str, sender: str, target: str, fate: Span, role: Role = Role.PLAIN
    ) -> Line:
        strong = Role.STRONG if role is Role.PLAIN else role
        return Line.of(
            Span(f"{time:<{TIME}}  ", Role.FAINT),
            Span(f"{signal:<{SIGNAL}} ", strong),
            Span(f"{sender:<{self.side}}  ", role),
            Span(f"{target:<{self.side}}  ", role),
            fate,
        )

    def _time(self, story: Story, hangs: bool) -> str:
        moment = story.settled if story.again else story.time
        since = moment - story.root_time
        if hangs and not story.again and 0 <= since < _NEAR:
            return f"{'+' + span(since):>{TIME}}"
        return clock(moment + self._wall)

    def _from(self, story: Story, hangs: bool) -> str:
        mark = "  " * min(story.step - 1, 2) + "└ " if hangs else ""
        if story.sender is None:
            return mark + _FROM.get(story.origin, "the kernel")
        if story.origin is Origin.ITSELF:
            return mark + "itself"
        return mark + name_of(story.sender, None, self.side - len(mark))

    def _became(self, bunch: Sequence[Story]) -> str:
        story = bunch[0]
        word = label(story.fate)
        if story.again:
            return f"{word}, {span(story.delay)} later"
        if story.fate in (Fate.HANDLED, Fate.SIGWAIT, Fate.SIGNALFD) and len(bunch) == 1:
            return f"{word} {span(story.delay)}" if story.delay >= _LATE_DELAY else word
        return word

    def _details(self, story: Story, targets: Sequence[int], hangs: bool) -> Iterator[str]:
        """What does not fit in a line, each thing once."""
        if len(targets) > 1:
            shown = " ".join(map(str, targets[:20]))
            yield f"to {shown}" + (f" and {len(targets) - 20} more" if len(targets) > 20 else "")
        if not story.again:
            if story.why not in _PLAIN_WHY and story.origin is not Origin.CHILD:
                yield story.why
            if story.sender is not None and story.origin is not Origin.CHILD and not hangs:
                yield from self._introduction(story.sender)
            if story.step and not hangs and (first := self._noted.get(story.root)) is not None:
                yield self._behind(story, first)
        if story.because and story.fate not in _EVIDENT:
            yield f"{label(story.fate)}: {story.because}"

    def _behind(self, story: Story, first: Story) -> str:
        """What began the chain, where that is not in the line above."""
        sure = "because of" if story.confidence is Confidence.EXACT else "likely because of"
        to = name_of(first.target, None, _WIDEST)
        before = span(max(0, story.time - story.root_time))
        by = _FROM.get(first.origin, "the kernel")
        if first.sender is not None:
            known = (first.sender.pid, first.sender.comm) in self._introduced
            by = name_of(first.sender, None, _WIDEST) if known else introduced(first.sender)
        return f"{sure} {first.signal.short} to {to} {before} before, from {by}"

    def _introduction(self, actor: Actor) -> Iterator[str]:
        key = actor.pid, actor.comm
        if key in self._introduced:
            return
        self._introduced[key] = None
        if len(self._introduced) > _REMEMBERED:
            self._introduced.popitem(last=False)
        yield introduced(actor)


def introduced(actor: Actor) -> str:
    """Command line, forefathers and container of a sender.

    >>> introduced(Actor(812, "kill", None, ("kill", "100"), ancestors=((810, "sh"), (7, "cron"))))
    'kill 812: kill 100 (sh 810 <- cron 7)'
    """
    name = f"{actor.comm or '?'} {actor.pid}"
    parts = [f"{name}: {_command(actor.cmdline)}" if actor.cmdline else name]
    line = [f"{comm or '?'} {pid}" for pid, comm in actor.ancestors[:4] if pid > 1 or comm]
    if line:
        more = f" {_ARROW} ..." if len(actor.ancestors) > 4 else ""
        parts.append(f"({f' {_ARROW} '.join(line)}{more})")
    if actor.container is not None:
        parts.append(f"in {actor.container.runtime} {actor.container.short}")
    if actor.uid:
        parts.append(f"uid {actor.uid}")
    return " ".join(parts)


def _command(words: Sequence[str]) -> str:
    text = " ".join(words)
    return text if len(text) <= 100 else text[:97] + "..."


def name_of(actor: Actor, tid: int | None, room: int) -> str:
    """Name and pid; of a name that is too long, the beginning.

    >>> name_of(Actor(4285, "a-very-long-name"), None, 14)
    'a-very-... 4285'
    """
    number = str(actor.pid) if tid in (None, actor.pid) else f"{actor.pid}/{tid}"
    return _fit(escape(actor.comm or "?"), " ", number, room)


def _fit(name: str, between: str, rest: str, room: int) -> str:
    left = room - len(rest) - len(between)
    if len(name) > left:
        name = name[: max(1, left - 2)] + ".."
    return f"{name}{between}{rest}"


def clock(nanoseconds: int) -> str:
    """The wall clock to the millisecond."""
    try:
        moment = datetime.fromtimestamp(nanoseconds // 1_000_000_000)
    except (OverflowError, OSError, ValueError):  # a record may hold any number
        return "?"
    return f"{moment:%H:%M:%S}.{nanoseconds // 1_000_000 % 1000:03}"


def _alike(story: Story) -> object:
    sender = None if story.sender is None else story.sender.pid
    if story.origin is Origin.ITSELF or story.again:
        return story.number, story.again, story.fate
    return (
        story.signal,
        sender,
        story.origin,
        story.why,
        story.target.comm,
        story.target.tid,
        story.fate,
        story.because,
        story.cause,
    )


def status_line(seen: int, rate: float, lost: int | None, waiting: int, width: int) -> str:
    """The last line of a terminal: how much there is, and whether some of it was lost."""
    parts = [f"{seen} signals", f"{rate:.1f}/s"]
    parts.append("losses unknown" if lost is None else f"{lost} events lost" if lost else "0 lost")
    if waiting:
        parts.append(f"{waiting} waiting")
    return " · ".join((*parts, "^C ends"))[: max(10, width - 1)]
