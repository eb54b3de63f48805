"""The screen of ``sigscope explain``: the verdict first, then why, then what comes with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.catalog import Said
from sigscope.model.explanation import Explanation, Outcome
from sigscope.model.loss import Loss
from sigscope.model.naming import numbers
from sigscope.model.process import Process
from sigscope.render.line import BLANK, Line, Role, Span, escape, wrapped
from sigscope.render.process import call_text

ANSWERS = {
    Outcome.HANDLED: ("runs its handler", Role.STRONG),
    Outcome.TERMINATED: ("ends it", Role.ERROR),
    Outcome.DUMPED: ("ends it, with a core dump if its limits allow one", Role.ERROR),
    Outcome.STOPPED: ("stops it", Role.WARNING),
    Outcome.CONTINUED: ("makes it go on", Role.STRONG),
    Outcome.DISCARDED: ("does nothing: it is dropped", Role.WARNING),
    Outcome.PENDING: ("does not arrive: it stays pending", Role.WARNING),
    Outcome.CONSUMED: ("is taken by the program itself", Role.STRONG),
    Outcome.REFUSED: ("is refused", Role.WARNING),
    Outcome.UNKNOWN: ("cannot be foretold from here", Role.WARNING),
}
_MOST = 6
_INDENT = "  "


def verdict_lines(explanation: Explanation, process: Process, width: int) -> Iterator[Line]:
    """One sentence, then the kernel's reasons in its own order."""
    whom = f"{escape(process.comm)} {escape(numbers(process))}"
    if explanation.sending.tid is not None:
        whom += f", thread {explanation.sending.tid},"
    answer, role = ANSWERS[explanation.outcome]
    said = f"{explanation.sending.signal.name} to {whom}"
    yield Line.of(Span(said, Role.STRONG), " ", Span(answer, role))
    for other in explanation.outcomes[1:]:
        yield Line.of(_INDENT, f"or it {ANSWERS[other][0]}: see why")
    yield BLANK
    for number, step in enumerate(explanation.steps, 1):
        head = f"{number}. "
        first, *rest = wrapped(f"{step.says}: {step.because}", width, " " * (2 + len(head)))
        yield Line.of(_INDENT, head, str(first).strip())
        yield from rest
    if len(explanation.receivers) > 1 and set(explanation.outcomes) != {Outcome.TERMINATED}:
        yield from _titled("may take it", _few(explanation.receivers), width)


def call_lines(calls: Sequence[tuple[int, str, str]], width: int) -> Iterator[Line]:
    """(tid, call, what becomes of it) for the threads in which a handler may run."""
    for tid, call, becomes in calls[:_MOST]:
        yield from _titled("its call", f"{call} of thread {tid} {becomes}", width)


def loss_lines(loss: Loss, process: Process, width: int) -> Iterator[Line]:
    """What others lose with the process."""
    parts = []
    if loss.peers:
        peers = ", ".join(dict.fromkeys(loss.peers[:3])) + (" ..." if len(loss.peers) > 3 else "")
        parts.append(f"{_count(len(loss.peers), 'TCP connection')} ({peers})")
    if loss.unix:
        parts.append(_count(loss.unix, "UNIX socket"))
    if loss.children:
        parts.append(f"orphans: {_few(loss.children)}")
    if parts:
        yield from _titled("lost with it", "; ".join(parts), width)
    if loss.restart:
        unit = escape(process.unit or "")
        yield from _titled("afterwards", f"{unit} has Restart={escape(loss.restart)}", width)


def documented_lines(sentences: Sequence[Said], width: int) -> Iterator[Line]:
    """What the program documents for the signal, under which condition, and where."""
    for said in sentences:
        text = f"{said.program} {said.role}: {said.does}" if said.role else said.does
        if said.holds is None:
            text += f"; {said.because}"
        elif said.holds is False:
            text += f"; not as things are: {said.because}"
        if said.settings:
            text += f" ({'; '.join(str(setting) for setting in said.settings)})"
        if said.loses:
            text += f"; loses {said.loses}"
        yield from _titled("documented", f"{text} [{said.source}]", width)


def call_of(process: Process, tid: int) -> str:
    """The call of a thread, as it is shown."""
    thread = process.thread(tid)
    return call_text(thread.syscall) if thread is not None and thread.syscall is not None else "?"


def _titled(title: str, text: str, width: int) -> Iterator[Line]:
    column = len("lost with it") + 2
    first, *rest = wrapped(text, width, _INDENT + " " * column)
    yield Line.of(_INDENT, Span(title.ljust(column), Role.FAINT), str(first).strip())
    yield from rest


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _few(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers[:_MOST])) + (" ..." if len(numbers) > _MOST else "")
