"""What a watch is asked for, and the choice of stories that this comes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sigscope.analysis.watch.choosing import NOBODY, Choice, Party
from sigscope.cli.target import resolve
from sigscope.decode.signal_name import parse_signal
from sigscope.errors import NoSuchTarget, UsageError
from sigscope.kernel.directory import is_number
from sigscope.kernel.procfs import ProcFS
from sigscope.model.signals import Signal
from sigscope.model.story import Fate
from sigscope.model.value import dataclass
from sigscope.render.watch import label

if TYPE_CHECKING:
    from sigscope.cli.contained import Inside


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of one call; ``patience`` in nanoseconds."""

    targets: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    container: str | None = None
    signals: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    everything: bool = False
    every: bool = False
    count: int | None = None
    seconds: float | None = None
    patience: int = 1_000_000_000
    waits: bool = False
    summary: bool = False
    trace: str | None = None
    record: str | None = None
    engine: str = "auto"
    as_json: bool = False
    command: tuple[str, ...] = ()

    @property
    def must_be_there(self) -> tuple[str, ...]:
        """Targets without which there is nothing to watch."""
        return () if self.waits else (*self.targets, *self.trees, *self.receivers)


def choice_of(asked: Asked, procfs: ProcFS | None, child: int | None = None) -> Choice:
    """With ``procfs``, targets must be there (unless they are waited for); NoSuchTarget if not.

    ``child`` is the command that was started: it and what descends from it is asked for.
    """
    inside = None
    if procfs is not None and asked.container is not None:
        from sigscope.cli.contained import Inside

        inside = Inside(procfs, asked.container)
    elif procfs is not None:
        for word in asked.must_be_there:
            _must_be_there(procfs, word)
    tree = _party(asked.trees, inside)
    if child is not None:
        tree = Party(tree.pids | {child}, tree.names)
    return Choice(
        about=_party(asked.targets, inside),
        tree=tree,
        sender=_party(asked.senders, inside),
        target=_party(asked.receivers, inside),
        excluded=_party(asked.excluded, inside),
        signals=_signals(asked.signals),
        fates=_fates(asked.outcomes),
        container=asked.container if inside is None else inside.group.container.id,
        home=NOBODY if inside is None else Party(frozenset(inside.group.pids)),
        everything=asked.everything,
    )


def _must_be_there(procfs: ProcFS, word: str) -> None:
    try:
        found = resolve(procfs, word)
    except NoSuchTarget as error:
        raise NoSuchTarget(error.message, f"{error.hint}; or wait for it: --wait") from None
    if all(str(one.pid) == word.partition("/")[0] for one in found):
        try:
            procfs.enter(found[0].pid).close()
        except OSError:
            raise NoSuchTarget(f"there is no process {word}", "it may have ended") from None


def _party(words: Sequence[str], inside: Inside | None) -> Party:
    pids: set[int] = set()
    tids: set[int] = set()
    names = []
    for word in words:
        pid, slash, tid = word.partition("/")
        if is_number(pid) and (is_number(tid) or not slash):
            if inside is not None:
                found = inside.resolve(word)[0]
                pid, tid = str(found.pid), str(found.tid or "")
            (tids if slash else pids).add(int(tid if slash else pid))
        elif slash or not word.strip():
            raise UsageError(f"{word!r} is no target", "give a PID, PID/TID or a name")
        else:
            names.append(word)
    return Party(frozenset(pids), tuple(names), frozenset(tids))


def _signals(lists: Sequence[str]) -> frozenset[Signal] | None:
    if not lists:
        return None
    return frozenset(parse_signal(word) for text in lists for word in text.split(","))


def _fates(lists: Sequence[str]) -> frozenset[Fate] | None:
    if not lists:
        return None
    known = {fate.value: fate for fate in Fate} | {label(fate): fate for fate in Fate}
    found = set()
    for word in (word.strip().lower() for text in lists for word in text.split(",")):
        if word not in known:
            words = " ".join(fate.value for fate in Fate)
            raise UsageError(f"{word[:40]!r} is no outcome", f"one of: {words}")
        found.add(known[word])
    return frozenset(found)
