"""``sigscope explain``: what would this signal do to it?"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sigscope.analysis.catalog import documented
from sigscope.analysis.verdict import explain as judge
from sigscope.cli.options import (
    engine_option,
    history_option,
    json_option,
    source_options,
    target_arguments,
)
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.source import open_source
from sigscope.cli.target import Target, resolve_all
from sigscope.decode.signal_name import parse_signal
from sigscope.errors import ExitStatus, NoSuchTarget, UsageError
from sigscope.kernel.closer import look_closer
from sigscope.kernel.details import read_machine
from sigscope.kernel.losses import read_loss
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family, read_host
from sigscope.kernel.settings import read_settings
from sigscope.model.catalog import Said, Settings
from sigscope.model.explanation import Explanation, Outcome, Sending
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.loss import Loss
from sigscope.model.process import Process
from sigscope.model.signals import Action, Signal
from sigscope.model.value import dataclass
from sigscope.render.explain import (
    call_lines,
    call_of,
    documented_lines,
    loss_lines,
    verdict_lines,
)
from sigscope.render.gaps import gap_lines
from sigscope.render.line import BLANK, Line

if TYPE_CHECKING:
    from sigscope.analysis.watch.history import History

ENDING = (Outcome.TERMINATED, Outcome.DUMPED)


@dataclass(frozen=True, slots=True)
class Answer:
    """All that is shown of one target."""

    host: Host
    process: Process
    explanation: Explanation
    calls: tuple[tuple[int, str, str], ...]
    loss: Loss | None
    documented: tuple[Said, ...]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Without the flags of a handler it cannot be said whether a call starts again."""
        missing: tuple[Gap, ...] = ()
        if (shallow := self.host.shallow) is not None and self.calls:
            from sigscope.analysis.interruption import Interruption

            flags = Interruption.RESTARTS_WITH_FLAG.value
            if any(becomes == flags for _, _, becomes in self.calls):
                missing = (replace(shallow, what=f"flags of {self.process.pid}"),)
        return (*self.process.gaps, *(self.loss.gaps if self.loss else ()), *missing)


@click.command(short_help="What would this signal do to it?")
@click.argument("signal", metavar="SIGNAL")
@target_arguments(required=True)
@click.option(
    "--from-inside/--from-outside",
    "inside",
    default=None,
    help="Whether the sender is in the target's pid namespace (known for this host's own).",
)
@click.option("--as-user", metavar="USER", default=None, help="Who sends it: a uid or a name.")
@click.option("--queue", metavar="VALUE", type=int, default=None, help="Sent by sigqueue(3).")
@click.option("--count", metavar="N", type=click.IntRange(1), default=1, help="Sent N times.")
@json_option
@engine_option
@history_option
@source_options
def explain(
    signal: str,
    targets: tuple[str, ...],
    inside: bool | None,
    as_user: str | None,
    queue: int | None,
    count: int,
    as_json: bool,
    engine: str,
    history: str | None,
    procfs: str,
    snapshot: str | None,
) -> int:
    """What would SIGNAL do to TARGET? The verdict, and the kernel's reasons in its own order.

    Reads only: nothing is sent. Exit status 0 if the signal would arrive and act, else 1.

    \b
    sigscope explain TERM 4285 && kill -TERM 4285
    sigscope explain USR1 4285/4290     to one thread (tgkill)
    """
    source = open_source(procfs, snapshot, engine)
    order = Sending(
        _signal(signal, targets),
        uid=os.geteuid() if as_user is None else _uid(source, as_user),
        queued=queue is not None,
        count=count,
        session=os.getsid(0) if source.live else None,
    )
    past = None
    if history is not None:
        from sigscope.cli.watch_history import read_history

        past = read_history(history, source.live)
    found, status = resolve_all(source, targets)
    answers = [_answer(source, target, order, inside) for target in found]
    if as_json and answers:
        from sigscope.render.document import document, explanation_json, gap_json

        told = document(
            "explain",
            answers[0].host,
            explanations=[
                explanation_json(answer.explanation, answer.documented, answer.loss)
                for answer in answers
            ],
            gaps=[gap_json(gap) for answer in answers for gap in answer.gaps],
        )
        if past is not None:
            from sigscope.render.watch_document import HISTORY

            told[HISTORY] = [_history_json(past, answer) for answer in answers]
        put_json(told)
    else:
        for number, answer in enumerate(answers):
            put([BLANK] * bool(number))
            put(_screen(answer, past))
            put_remarks(gap_lines(answer.gaps, width()))
        if past is not None:
            from sigscope.cli.watch_history import gone, gone_lines

            put(gone_lines(past, gone(source, targets)))
    acts = all(answer.explanation.acts for answer in answers)
    return max(status, int(ExitStatus.FINE if acts else ExitStatus.ANSWER_IS_NO))


def _answer(source: ProcFS, target: Target, order: Sending, inside: bool | None) -> Answer:
    """Look, judge, and see that it was still the same process."""
    asks_group = order.signal.default_action is Action.STOP
    host = read_host(source) if asks_group else read_family(source, (target.pid,))
    if target.pid not in host.processes:
        raise NoSuchTarget(f"there is no process {target.pid}", "it has ended meanwhile")
    host = look_closer(source, host, (target.pid,))
    if target.pid == 1:
        host = read_machine(source, host)
    process = host.processes[target.pid]
    within = len(process.nspid) < 2 if inside is None else inside
    sending = Sending(
        order.signal, target.tid, within, order.uid, order.queued, order.count, order.session
    )
    explanation = judge(host, process, sending)
    loss = read_loss(source, process) if explanation.outcome in ENDING else None
    settings = read_settings(process) if source.live else Settings()
    said = documented(process, order.signal, settings, host.processes.get(process.ppid))
    if read_status(source, target.pid).identity != process.identity:
        raise NoSuchTarget(f"process {target.pid} has ended meanwhile", "its pid is used again")
    return Answer(host, process, explanation, tuple(_calls(process, explanation)), loss, said)


def _calls(process: Process, explanation: Explanation) -> Iterator[tuple[int, str, str]]:
    """Where a handler runs: what becomes of the call that the thread sits in."""
    if Outcome.HANDLED not in explanation.outcomes:
        return
    from sigscope.analysis.interruption import interruption  # only here is its table needed

    signal = explanation.sending.signal
    for tid in explanation.receivers:
        thread = process.thread(tid)
        if thread is not None and thread.syscall is not None:
            action = process.depth.action(signal) if process.depth is not None else None
            yield tid, call_of(process, tid), interruption(thread.syscall, action).value


def _screen(answer: Answer, past: History | None) -> Iterator[Line]:
    yield from verdict_lines(answer.explanation, answer.process, width())
    yield from call_lines(answer.calls, width())
    yield from documented_lines(answer.documented, width())
    if answer.loss is not None:
        yield from loss_lines(answer.loss, answer.process, width())
    if past is not None:
        from sigscope.cli.watch_history import signal_lines

        signal, ticks = answer.explanation.sending.signal, answer.host.ticks_per_second
        yield from signal_lines(past, answer.process, signal, ticks)


def _history_json(past: History, answer: Answer) -> dict[str, object]:
    from sigscope.cli.watch_history import signal_json

    signal, ticks = answer.explanation.sending.signal, answer.host.ticks_per_second
    return signal_json(past, answer.process, signal, ticks)


def _signal(word: str, targets: tuple[str, ...]) -> Signal:
    """The signal; if it was given behind the target, the error shows the right order."""
    try:
        return parse_signal(word)
    except UsageError as error:
        with suppress(UsageError):
            if targets[:1] and not targets[0].isdigit():
                behind = parse_signal(targets[0]).short
                error.hint = f"the signal comes first: sigscope explain {behind} {word}"
        raise


def _uid(source: ProcFS, text: str) -> int:
    """Of the host that is looked at; ours has other users, if it is not this one."""
    if text.isdigit():
        return int(text)
    known = {name: uid for uid, name in source.users.items()}
    if text in known:
        return known[text]
    if not source.live:
        raise UsageError(f"it is not known who {text!r} is there", "give a uid: --as-user 33")
    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError:
        raise UsageError(f"there is no user {text!r}", "give a uid: --as-user 33") from None
