"""What would become of a signal: the verdict, step by step."""

from __future__ import annotations

from enum import Enum

from sigscope.model.signals import Signal
from sigscope.model.value import dataclass


class Outcome(Enum):
    """What the target would make of the signal, as far as the kernel decides it."""

    HANDLED = "handled"
    """A handler runs, in one of the receivers."""
    TERMINATED = "terminated"
    DUMPED = "dumped"
    """Terminated by a signal whose default action is to dump core (whether or not it can)."""
    STOPPED = "stopped"
    CONTINUED = "continued"
    """SIGCONT lets a stopped process go on, whatever else becomes of it."""
    DISCARDED = "discarded"
    """Dropped at the send, or taken and ignored: nothing happens."""
    PENDING = "pending"
    """Queued, and not delivered as things are."""
    CONSUMED = "consumed"
    """A sigwait or a read of a signalfd takes it."""
    REFUSED = "refused"
    """kill(2) or sigqueue(3) fails: EPERM, EAGAIN."""
    UNKNOWN = "unknown"
    """It rests on something that could not be read."""


class Scope(Enum):
    """kill(2) is process-directed, tgkill(2) and pthread_kill(3) thread-directed."""

    PROCESS = "process"
    THREAD = "thread"


@dataclass(frozen=True, slots=True)
class Sending:
    """How the signal is sent.

    ``from_inside`` the target's pid namespace or from outside it (matters for its init);
    ``uid`` of the sender (0 may signal anybody); ``queued`` by sigqueue(3), with a value;
    ``count`` times in a row; ``session`` of the sender (matters for SIGCONT), if known.
    """

    signal: Signal
    tid: int | None = None
    from_inside: bool = False
    uid: int = 0
    queued: bool = False
    count: int = 1
    session: int | None = None

    @property
    def scope(self) -> Scope:
        return Scope.PROCESS if self.tid is None else Scope.THREAD


@dataclass(frozen=True, slots=True)
class Step:
    """One decision: what it ``says``, and ``because`` of which rule or fact."""

    says: str
    because: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """``receivers`` are the threads that may take it: one of them does, if there are several.

    ``outcomes`` holds every outcome that is possible where the kernel's choice among
    several threads decides; ``outcome`` is the first of them.
    """

    sending: Sending
    pid: int
    outcomes: tuple[Outcome, ...]
    steps: tuple[Step, ...]
    receivers: tuple[int, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return self.outcomes[0]

    @property
    def acts(self) -> bool:
        """Would the signal arrive and act? What exit status 0 of ``explain`` promises."""
        acting = {
            Outcome.HANDLED,
            Outcome.TERMINATED,
            Outcome.DUMPED,
            Outcome.STOPPED,
            Outcome.CONTINUED,
            Outcome.CONSUMED,
        }
        if Outcome.CONTINUED in self.outcomes[:1]:
            return True
        return all(outcome in acting for outcome in self.outcomes)
