"""The one screen of ``sigscope pid``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sigscope.model.diagnosis import Diagnosis
from sigscope.model.process import Process
from sigscope.render.findings import findings_lines
from sigscope.render.line import BLANK, Line, Role, wrapped
from sigscope.render.process import identity
from sigscope.render.signal_table import signal_table
from sigscope.render.threads import thread_lines

if TYPE_CHECKING:  # only where the functions are known
    from sigscope.model.handler import Handler

FULL_QUEUE = 0.9


def process_screen(
    diagnosis: Diagnosis,
    process: Process,
    width: int,
    everything: bool = False,
    threads: bool = False,
    tid: int | None = None,
    handlers: Sequence[Handler] = (),
) -> Iterator[Line]:
    """Identity, findings, the table of signals; then each thread, or the one that was named.

    ``handlers`` are those of its signals, where their functions are known.
    """
    yield from identity(diagnosis.host, process, width)
    yield BLANK
    if process.kernel_thread:
        said = "a kernel thread: it takes no signals, unless its own code asks for them"
        yield from wrapped(said, width, "")
        return
    if process.zombie:
        parent = diagnosis.host.parent(process)
        who = f"its parent, {parent.comm} {parent.pid}," if parent else "its parent"
        said = f"a zombie: it has ended, takes no signal, and waits until {who} reaps it"
        yield from wrapped(said, width, "")
        return
    findings = diagnosis.findings_of(process.pid)
    if findings:
        yield from findings_lines(findings, width)
    elif not diagnosis.assessed(process.pid):
        text = "not assessed: what that needs could not be read (see below)"
        yield from wrapped(text, width, "", Role.WARNING)
    else:
        yield Line.of("nothing wrong with its signals")
    yield BLANK
    yield from signal_table(diagnosis, process, width, everything)
    if process.depth is not None:
        yield from _deeper(diagnosis, process, width, handlers)
    queue = process.queue
    if queue is not None and (everything or queue.used > FULL_QUEUE * queue.limit):
        user = diagnosis.host.user(process.uid)
        text = f"signals queued for user {user}, in all processes: {queue.used} of {queue.limit}"
        yield from wrapped(text, width, "")
    shown = [thread for thread in process.threads if threads or thread.tid == tid]
    if shown:
        yield BLANK
        yield from thread_lines(process, shown, width)


def _deeper(
    diagnosis: Diagnosis, process: Process, width: int, handlers: Sequence[Handler]
) -> Iterator[Line]:
    """Which function handles what, who sent what waits, and the timers that /proc does not show."""
    from sigscope.render.handler_names import handler_names
    from sigscope.render.senders import sender_lines, timer_lines

    for block in (
        list(handler_names(process.pid, handlers, width)),
        list(sender_lines(diagnosis.host, process, width)),
        list(timer_lines(process, width)),
    ):
        if block:
            yield BLANK
            yield from block
