"""Which stories are told: by who sends and who gets, by signal, fate and container."""

from __future__ import annotations

from sigscope.model.signals import Signal, SignalSet
from sigscope.model.story import Actor, Fate, Story
from sigscope.model.value import dataclass

FOLDED = SignalSet.of("SIGCHLD", "SIGWINCH")
"""Too many to be told one by one, unless somebody asks for them."""
_SEPARATORS = tuple("-_.0123456789")


@dataclass(frozen=True, slots=True)
class Party:
    """Some processes: by pid, or by name, those of the future included. Empty: nobody.

    ``tids`` narrow a pid to a thread.

    >>> Party(names=("php-fpm",)).has(Actor(7, "php-fpm8.2")), Party(pids=frozenset((7,))).has(
    ...     Actor(8, "php-fpm8.2", ancestors=((7, "php-fpm8.2"),)))
    (True, False)
    """

    pids: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()
    tids: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.pids or self.names or self.tids)

    def has(self, actor: Actor) -> bool:
        """Is it one of them?"""
        if actor.pid in self.pids or actor.tid in self.tids:
            return True
        return any(_is_called(actor.comm, actor.cmdline, name) for name in self.names)

    def has_above(self, actor: Actor) -> bool:
        """Is it one of them, or a descendant of one?"""
        if self.has(actor):
            return True
        return any(
            pid in self.pids or any(_is_called(comm, None, name) for name in self.names)
            for pid, comm in actor.ancestors
        )


NOBODY = Party()


@dataclass(frozen=True, slots=True)
class Choice:
    """All that is given must hold. ``about`` and ``tree``: whoever sends it or gets it.

    ``container`` is an id or its beginning, ``home`` the processes known to live in there.
    """

    about: Party = NOBODY
    tree: Party = NOBODY
    sender: Party = NOBODY
    target: Party = NOBODY
    excluded: Party = NOBODY
    signals: frozenset[Signal] | None = None
    fates: frozenset[Fate] | None = None
    container: str | None = None
    home: Party = NOBODY
    everything: bool = False

    def tells(self, story: Story) -> bool:
        """Is this one of those that were asked for?"""
        if self.fates is not None and story.fate not in self.fates:
            return False
        return self.concerns(story)

    def concerns(self, story: Story) -> bool:
        """The same, whatever became of it."""
        signal = story.signal
        if self.signals is not None:
            if signal not in self.signals:
                return False
        elif not self.everything and signal in FOLDED:
            return False
        sender, target = story.sender, story.target
        ends = (target,) if sender is None else (sender, target)
        if self.excluded and any(self.excluded.has(one) for one in ends):
            return False
        if self.sender and (sender is None or not self.sender.has(sender)):
            return False
        if self.target and not self.target.has(_with_thread(target, story)):
            return False
        if self.container is not None and not any(self._at_home(one) for one in ends):
            return False
        if not (self.about or self.tree):
            return True
        return any(self.about.has(one) for one in (*ends, _with_thread(target, story))) or any(
            self.tree.has_above(one) for one in ends
        )

    def _at_home(self, actor: Actor) -> bool:
        if self.home.has_above(actor):
            return True
        container, word = actor.container, self.container
        if container is None or word is None:
            return False
        return container.id.startswith(word) or container.name == word


def _with_thread(target: Actor, story: Story) -> Actor:
    return target if target.tid is not None else target._replace(tid=story.thread)


def _is_called(comm: str | None, cmdline: tuple[str, ...] | None, name: str) -> bool:
    """As TARGET is understood everywhere: the name, with a version or variant behind it."""
    if comm is None:
        return False
    if comm == name or (comm.startswith(name) and comm[len(name) :].startswith(_SEPARATORS)):
        return True
    return len(comm) == 15 and bool(cmdline) and _program(cmdline) == name


def _program(cmdline: tuple[str, ...] | None) -> str:
    return cmdline[0].rsplit("/", 1)[-1] if cmdline else ""
