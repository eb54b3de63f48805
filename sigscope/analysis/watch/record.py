"""A signal on its way, while its story is not at its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from sigscope.analysis.watch.people import Person, actor
from sigscope.model.lineage import Confidence
from sigscope.model.story import Fate, Origin, Story
from sigscope.model.watch import Sent


@dataclass(eq=False, slots=True)
class Record:
    """``left``: so many of ``sent.times`` wait for their fate. ``waits``: told as waiting.

    ``fatal``: it was taken, and its default is to end the process. ``perhaps``: dropped at the
    send; whether for the disposition, or as the process dies, is not settled yet. ``resumed``: a
    SIGCONT that found its target stopped.
    """

    number: int
    sent: Sent
    origin: Origin
    why: str
    sender: Person | None
    target: Person
    sender_comm: str | None = None
    cause: Record | None = None
    confidence: Confidence | None = None
    left: int = 1
    waits: bool = False
    fatal: bool = False
    perhaps: bool = False
    resumed: bool = False
    fate: Fate | None = None
    thread: int | None = None
    deadline: int = 0
    asked: int = 0
    root: Record = field(init=False)
    step: int = field(init=False)

    def __post_init__(self) -> None:
        self.root = self if self.cause is None else self.cause.root
        self.step = 0 if self.cause is None else self.cause.step + 1

    @property
    def open(self) -> bool:
        return self.left > 0

    def story(
        self, fate: Fate, time: int, because: str, times: int, thread: int | None, into: int | None
    ) -> Story:
        """As it stands at this moment."""
        sent, sender = self.sent, self.sender
        told = None
        if sender is not None:
            told = actor(sender, self.sender_comm, sent.sender.tid if self.origin.blames else None)
        return Story(
            number=self.number,
            time=sent.time,
            settled=time,
            info=sent.info,
            group=sent.group,
            origin=self.origin,
            why=self.why,
            sender=told,
            target=actor(self.target, None, None if sent.group else sent.target.tid),
            fate=fate,
            because=because,
            times=times,
            again=self.waits,
            thread=thread,
            root=self.root.number,
            root_time=self.root.sent.time,
            step=self.step,
            cause=None if self.cause is None else self.cause.number,
            confidence=self.confidence,
            into=into,
        )
