"""A signal on its way: the facts that the rules ask for, and the steps taken so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from sigscope.model.explanation import Outcome, Sending, Step
from sigscope.model.host import Host
from sigscope.model.process import Freezer, Process
from sigscope.model.signals import EMPTY, Action, Signal
from sigscope.model.state import State
from sigscope.model.thread import Thread

VFORKS = ("vfork", "clone", "clone3")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule decided: every possible outcome, the likeliest first, and who may take it."""

    outcomes: tuple[Outcome, ...]
    receivers: tuple[int, ...] = ()


def decided(*outcomes: Outcome, to: tuple[int, ...] = ()) -> Verdict:
    """A verdict, each outcome named once."""
    return Verdict(tuple(dict.fromkeys(outcomes)), to)


@dataclass
class Delivery:
    """The only mutable value of this room: rules add their steps, and may set ``continued``."""

    host: Host
    process: Process
    order: Sending
    steps: list[Step] = field(default_factory=list)
    continued: bool = False
    """SIGCONT has let a stopped process go on."""
    perhaps_dropped: bool = False
    """The addressed thread may have been open before its sigwait: then it was dropped."""

    def say(self, says: str, because: str) -> None:
        step = Step(says, because)
        if step not in self.steps:  # two threads may fare alike
            self.steps.append(step)

    @property
    def signal(self) -> Signal:
        return self.order.signal

    @property
    def name(self) -> str:
        return self.signal.name

    @property
    def addressed(self) -> Thread | None:
        """The thread that the kernel looks the signal up by: the leader, unless one is named."""
        return self.process.thread(self.order.tid or self.process.pid)

    @property
    def disposition(self) -> str:
        """default, ignored or caught; SIGKILL and SIGSTOP have no other than the default."""
        if self.name in ("SIGKILL", "SIGSTOP"):
            return "default"
        return self.process.disposition(self.signal) or "unknown"

    @property
    def kernel_only(self) -> bool:
        """SIGKILL and SIGSTOP (sig_kernel_only): no handler, no mask."""
        return self.name in ("SIGKILL", "SIGSTOP")

    @property
    def spared(self) -> bool:
        """SIGNAL_UNKILLABLE: an init gets no default action, but KILL and STOP from an ancestor."""
        return self.process.unkillable and self.disposition == "default"

    @property
    def fatal(self) -> bool:
        """Is the default to end, without a core dump, and no tracer to be asked before?"""
        ends = self.signal.default_action is Action.TERMINATE
        return ends and self.disposition == "default" and self.process.tracer is None

    @property
    def forced(self) -> bool:
        """From an ancestor pid namespace, and a signal that even an init must obey."""
        return self.kernel_only and not self.order.from_inside and not self.machine_init

    @property
    def machine_init(self) -> bool:
        """The init of the machine, whom nobody is above; PID 1 of a container is none."""
        return self.process.pid == 1 and self.host.whole_machine is not False

    @property
    def does_nothing(self) -> bool:
        """Ignored, or by default without an action."""
        harmless = self.signal.default_action in (Action.IGNORE, Action.CONTINUE)
        return self.disposition == "ignored" or (self.disposition == "default" and harmless)

    @property
    def stopped(self) -> bool:
        """In a group stop, and not woken by this very signal."""
        return not self.continued and any(
            thread.state is State.STOPPED for thread in self.process.living
        )

    @property
    def in_ptrace_stop(self) -> bool:
        """A tracer holds a thread of it: only the tracer lets that one go on."""
        return any(thread.state is State.TRACED for thread in self.process.living)

    def held(self, thread: Thread) -> bool:
        """In a stop, where only SIGKILL reaches it (task_is_stopped_or_traced)."""
        if thread.state is State.TRACED:
            return True
        return thread.state is State.STOPPED and not self.continued

    def wants(self, thread: Thread) -> bool:
        """wants_signal() of kernel/signal.c, for a thread at rest."""
        if thread.state.gone or (self.signal in (thread.blocked or EMPTY) and not self.kernel_only):
            return False
        return not self.held(thread) and not self._busy(thread)

    def _busy(self, thread: Thread) -> bool:
        """Deep in the kernel with a signal or a stop to attend to: it is not chosen again."""
        if thread.state is not State.UNINTERRUPTIBLE:
            return False
        waiting = thread.pending or EMPTY
        if thread.tid == self.process.pid:  # what waits for the process, the leader was chosen for
            waiting = waiting | (self.process.pending or EMPTY)
        return self.stopped or bool(waiting - (thread.blocked or EMPTY))

    def awaits(self, thread: Thread) -> bool:
        """Does it sit in a sigwait for this signal? A stop, or a v2 freezer, has ended that."""
        if self.kernel_only or self.held(thread) or self.process.frozen is Freezer.V2:
            return False
        return self.signal in (thread.awaited or EMPTY)

    def blocked_before(self, thread: Thread) -> bool | None:
        """Did it block the signal before its sigwait? None where /proc alone was asked."""
        before = thread.depth.real_blocked if thread.depth is not None else None
        return None if before is None else self.signal in before

    @property
    def candidates(self) -> tuple[Thread, ...]:
        """The threads from which complete_signal() chooses: the leader alone, if it wants it.

        A stopped process that goes on wakes as a whole, and of several signals the next may
        go to the next thread. A leader deep in the kernel wants none while it is woken for one
        that another thread has taken since (TIF_SIGPENDING), which /proc does not show.
        """
        addressed = self.addressed
        open_now = tuple(thread for thread in self.process.living if self.wants(thread))
        if self.order.tid is not None:
            return tuple(thread for thread in open_now if thread is addressed)
        alone = not self.continued and self.order.count == 1
        if alone and addressed in open_now and addressed.state is not State.UNINTERRUPTIBLE:
            return (addressed,)
        return open_now
