"""One case: the verdict and the naive facts read just before, the kernel's deed just after."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import Protocol

from sigscope.kernel.closer import look_closer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.model.explanation import Explanation, Outcome, Sending
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.signals import Signal
from tests.differential.observe import Observed, act_and_observe
from tests.differential.situation import Situation, paste
from tests.differential.stage import Stage, Unrealised
from tests.differential.tracing import Trace

PROCFS = ProcFS()
"""One for all cases of a process: what it reads the kernel with is loaded once."""


class Explain(Protocol):
    """The engine under test: what sigscope.analysis.verdict.explain is."""

    def __call__(self, host: Host, process: Process, order: Sending, /) -> Explanation: ...


@dataclass(frozen=True)
class Case:
    """``explanation`` is None if no engine was asked, ``observed`` if it was no case."""

    situation: Situation
    seed: int | None
    process: Process | None
    sending: Sending | None
    explanation: Explanation | None
    observed: Observed | None
    trace: tuple[str, ...] = ()
    unrealised: str = ""

    @property
    def unknown(self) -> bool:
        """The verdict is "unknown", and something was really unreadable, or is a tracer's will."""
        if self.explanation is None or self.process is None:
            return False
        open_question = bool(self.process.gaps) or self.situation.traced == "passed on"
        return Outcome.UNKNOWN in self.explanation.outcomes and open_question

    @property
    def agrees(self) -> bool:
        """Did the kernel do what the verdict allows, in a thread that it allows?

        Of several signals at once (``count``) one has to fare as told: the others already
        find another process than the one that was judged.
        """
        seen, said = self.observed, self.explanation
        if seen is None or said is None or self.unknown:
            return True
        outcomes, receivers = set(seen.outcomes), set(seen.receivers)
        if seen.merged and Outcome.DISCARDED in said.outcomes:
            outcomes = {Outcome.DISCARDED if one is Outcome.PENDING else one for one in outcomes}
        if self.situation.sent.count == 1:
            return outcomes <= set(said.outcomes) and receivers <= set(said.receivers)
        strangers = receivers and not receivers & set(said.receivers)
        return bool(outcomes & set(said.outcomes)) and not strangers

    def report(self) -> str:
        """All that a reader needs to see who is wrong."""
        lines = [f"seed {self.seed}", paste(self.situation)]
        if self.sending is not None:
            lines.append(f"sending {self.sending}")
        if self.explanation is not None:
            said = self.explanation
            lines.append(
                f"verdict {' or '.join(one.value for one in said.outcomes)},"
                f" receivers {said.receivers}"
            )
            lines += [f"    {step.says}  [{step.because}]" for step in said.steps]
        if self.observed is not None:
            lines += ["kernel", *(f"    {line}" for line in self.observed.lines())]
        lines += [f"    trace {line}" for line in self.trace]
        if self.process is not None:
            lines += [f"    gap {gap.what}: {gap.why}" for gap in self.process.gaps]
        return "\n".join(lines)


def run(
    situation: Situation, seed: int | None = None, judge: Explain | None = None, trace: bool = False
) -> Case:
    """Make it real, ask, send, look; the target is gone afterwards."""
    try:
        with contextlib.ExitStack() as stack:
            stage = stack.enter_context(Stage(situation))
            host = look_closer(PROCFS, read_family(PROCFS, (stage.pid,)), (stage.pid,))
            process = host.processes[stage.pid]
            sending = _sending(stage)
            said = None if judge is None else judge(host, process, sending)
            tracing = stack.enter_context(Trace(stage.tids)) if trace else None
            observed = act_and_observe(stage)
            lines = tuple(tracing.lines()) if tracing is not None else ()
            return Case(situation, seed, process, sending, said, observed, lines)
    except Unrealised as why:
        return Case(situation, seed, None, None, None, None, unrealised=str(why))


def _sending(stage: Stage) -> Sending:
    sent, init = stage.situation.sent, stage.situation.init
    inside = sent.inside and init
    return Sending(
        Signal(sent.signal),
        tid=None if sent.thread is None else stage.tids[sent.thread],
        from_inside=inside,
        uid=stage.user(sent.user),
        queued=sent.queued,
        count=sent.count,
        session=os.getsid(stage.pids["i" if inside else "o"]),
    )
