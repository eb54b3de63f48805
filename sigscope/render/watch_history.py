"""What a record tells of a process, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.signals import NAMES
from sigscope.model.story import End, Fate, Origin, Story
from sigscope.render.line import Line, Role, wrapped
from sigscope.render.watch import clock, introduced, label, span

_FATES = {
    Fate.QUEUED: "waits",
    Fate.HELD: "waits",
    Fate.UNTAKEN: "waits",
}


def sent_by(story: Story) -> str:
    """ "SIGTERM at 05:28:01.104 from kill 812: kill 100 (sh 810 <- cron 702)"."""
    who = story.why if story.sender is None else introduced(story.sender)
    if story.origin is Origin.ITSELF:
        who = "itself"
    elif story.sender is None:
        who = f"the kernel ({who})"
    return f"{story.signal.name} from {who}"


def waiting_lines(chain: Sequence[Story], wall: int, width: int) -> Iterator[Line]:
    """A signal that waits: who sent it and when, why it waits, and what led to it."""
    story = chain[-1]
    text = f"{clock(story.time + wall)} {sent_by(story)}: {_FATES.get(story.fate, 'waits')}"
    if story.because:
        text += f", {story.because}"
    yield from wrapped(text, width, "  ")
    yield from _causes(chain[:-1], wall, width)


def last_lines(chain: Sequence[Story], wall: int, width: int) -> Iterator[Line]:
    """What became of a signal the last time."""
    story = chain[-1]
    after = f" after {span(story.delay)}" if story.again else ""
    text = f"{clock(story.time + wall)} {sent_by(story)}: {label(story.fate)}{after}"
    yield from wrapped(text + (f", {story.because}" if story.because else ""), width, "  ")
    yield from _causes(chain[:-1], wall, width)


def end_lines(end: End, chain: Sequence[Story], wall: int, width: int) -> Iterator[Line]:
    """How a process that is gone came to its end, and by whom, back to the first signal."""
    name = f"{end.target.comm or '?'} {end.target.pid}"
    yield from wrapped(f"{name} ended at {clock(end.time + wall)}: {_how(end)}", width, "")
    if chain:
        yield from wrapped(f"by {sent_by(chain[-1])}", width, "  ")
        yield from _causes(chain[:-1], wall, width)


def _causes(chain: Sequence[Story], wall: int, width: int) -> Iterator[Line]:
    for story in reversed(chain):
        got = f"{story.target.comm or '?'} {story.target.pid}"
        text = f"because {got} had got {sent_by(story)} at {clock(story.time + wall)} (likely)"
        yield from wrapped(text, width, "    ", Role.FAINT)


def _how(end: End) -> str:
    if end.status is None:
        return "how is not known"
    if signal := end.status & 0x7F:
        core = ", core dumped" if end.status & 0x80 else ""
        return f"killed by {NAMES.get(signal, f'signal {signal}')}{core}"
    return f"exit status {end.status >> 8}"
