"""What a stack of seccomp filters means for those who have it."""

from __future__ import annotations

from typing import NamedTuple

from sigscope.model.abi import Abi
from sigscope.model.finding import Severity
from sigscope.model.process import Process
from sigscope.model.seccomp import Answer, Filter, FilterAction


class Consequence(NamedTuple):
    """What follows from an answer; ``calls`` have the same, and ``source`` says why it is so."""

    calls: tuple[str, ...]
    answer: Answer
    severity: Severity
    says: str
    source: str


class CallGroup(NamedTuple):
    """The calls that are answered alike, whatever their arguments are, in alphabetical order."""

    action: FilterAction
    data: int
    calls: tuple[str, ...]


class AbiReport(NamedTuple):
    """The answers to the calls of one ABI, the largest group first.

    ``depends`` are those that look at arguments or could not be followed, by name; ``newer`` is the
    answer to numbers that are not in the table. ``restart`` is that to restart_syscall.
    """

    abi: Abi
    restart: Answer
    groups: tuple[CallGroup, ...]
    depends: tuple[tuple[str, Answer], ...]
    newer: Answer
    consequences: tuple[Consequence, ...]

    def answer(self, name: str) -> Answer | None:
        """That to one call; None if this ABI has no such call."""
        for group in self.groups:
            if name in group.calls:
                return Answer(group.action, group.data)
        return dict(self.depends).get(name)


class Holder(NamedTuple):
    """Threads of one process that have the same filters; ``whole``: they are all that live.

    ``restarting`` are those of them that sit in a call which goes on through restart_syscall,
    with the name of the call. ``narrow``: it runs 32-bit code.
    """

    process: Process
    tids: tuple[int, ...]
    whole: bool
    restarting: tuple[tuple[int, str], ...] = ()
    narrow: bool = False


class StackReport(NamedTuple):
    """A stack of filters, newest first, who has it, and all ABIs of the machine, its own first."""

    filters: tuple[Filter, ...]
    holders: tuple[Holder, ...]
    abis: tuple[AbiReport, ...]

    def main(self, holder: Holder) -> AbiReport | None:
        """The ABI that a holder uses; None without filters, or on a machine that is not known."""
        if not self.abis:
            return None
        return self.abis[1 if holder.narrow and len(self.abis) > 1 else 0]

    @property
    def restart(self) -> Answer:
        """That to restart_syscall: of the first holder who may not rely on it, else of any."""
        if not self.filters:
            return Answer(FilterAction.ALLOW)
        used = [self.main(holder) for holder in self.holders]
        answers = [abi.restart for abi in used if abi is not None]
        refused = (answer for answer in answers if not answer.surely_passes)
        return next(refused, answers[0] if answers else Answer(None, whole=False))

    @property
    def readable(self) -> bool:
        """Is anything known of its answers?"""
        return any(abi.newer.whole or abi.groups for abi in self.abis)


class Outlier(NamedTuple):
    """Who has other filters than the rest of its service or of its process, and who they are."""

    holder: Holder
    service: str
    others: int
    mine: int
    theirs: int
    """The places of both stacks in the list of stacks."""
