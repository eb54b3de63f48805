"""One process under judgement, with what every check asks of it, derived once."""

from __future__ import annotations

from functools import cached_property

from sigscope.analysis.lineage import trace
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.lineage import Kind, Lineage
from sigscope.model.process import Process
from sigscope.model.signals import DEFAULT_HARMLESS, EMPTY, LIBC_OWN, Signal, SignalSet


class Case:
    """A process of a host, and its lineage, computed when a check first asks for it."""

    def __init__(self, host: Host, process: Process) -> None:
        self.host = host
        self.process = process
        self._lines: dict[tuple[int, Kind], Lineage] = {}

    @cached_property
    def blocked(self) -> SignalSet:
        """Blocked in every living thread, without glibc's own two; empty if not known."""
        return (self.process.blocked_by_all or EMPTY) - LIBC_OWN

    @cached_property
    def ignored(self) -> SignalSet:
        return (self.process.ignored or EMPTY) - LIBC_OWN

    @cached_property
    def caught(self) -> SignalSet:
        return (self.process.caught or EMPTY) - LIBC_OWN

    @cached_property
    def matters(self) -> SignalSet:
        """Signals that would do something: a handler, or a default that is not to do nothing."""
        return ~(self.ignored | (DEFAULT_HARMLESS - self.caught) | LIBC_OWN)

    @cached_property
    def unanswered(self) -> SignalSet:
        """Blocked everywhere and taken by no signalfd; all that is blocked if none was seen."""
        return self.blocked - self.by_signalfd

    @cached_property
    def by_signalfd(self) -> SignalSet:
        """What the signalfds of the process take; empty where they are not known."""
        taken = EMPTY
        for signalfd in self.process.signalfds or ():
            taken = taken | signalfd.signals
        return taken

    @cached_property
    def awaited(self) -> SignalSet:
        """What a thread of it awaits in sigwait: shown as not blocked, and taken all the same."""
        found = EMPTY
        for thread in self.process.living:
            found = found | (thread.awaited or EMPTY)
        return found

    @property
    def signalfds_known(self) -> bool:
        return self.process.signalfds is not None

    def not_assessed(self, check: str) -> Gap:
        """For a check that cannot be made without the signalfds."""
        return unjudged(
            self.process, check, "whether a signalfd takes the signal could not be read", "fd"
        )

    def lineage(self, signal: Signal, kind: Kind = Kind.BLOCKED) -> Lineage:
        key = (int(signal), kind)
        if key not in self._lines:
            self._lines[key] = trace(self.host, self.process, signal, kind)
        return self._lines[key]

    def lines(self) -> tuple[Lineage, ...]:
        """The lineage of each bit that matters, in the order of the signals."""
        blocked = [self.lineage(signal) for signal in self.blocked]
        return (*blocked, *(self.lineage(signal, Kind.IGNORED) for signal in self.ignored))

    def inherited(self, signals: SignalSet, kind: Kind = Kind.BLOCKED) -> SignalSet:
        """Those that came from another program."""
        return SignalSet.containing(
            signal for signal in signals if self.lineage(signal, kind).foreign
        )


def unjudged(process: Process, check: str, missing: str, file: str) -> Gap:
    """The gap of a check that lacks a file of the process: what opens that, opens this."""
    cause = next((gap for gap in process.gaps if file in gap.what.split(" of ")[0]), None)
    return Gap(
        f"{check} of {process.pid}",
        f"not assessed: {missing}",
        cause.hint if cause is not None else "",
        unjudged=process.pid,
        refused=cause is not None and cause.refused,
    )
