"""The threads of a process: what each does, blocks, and has pending."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.naming import summed_up
from sigscope.model.process import Process
from sigscope.model.thread import Thread
from sigscope.render.line import Line, Role, Span, escape, wrapped
from sigscope.render.process import call_text


def thread_lines(process: Process, threads: Sequence[Thread], width: int) -> Iterator[Line]:
    """A line a thread: tid, name, what it does; below it what it blocks and what waits."""
    tids = max((len(str(thread.tid)) for thread in threads), default=1)
    for thread in threads:
        call = "" if thread.syscall is None else f", {call_text(thread.syscall)}"
        main = ", main thread" if thread.tid == process.pid else ""
        tid = str(thread.tid).rjust(tids)
        said = f"{escape(thread.comm)}: {thread.state.word}{call}{main}"
        first, *more = wrapped(said, width, " " * (tids + 4))
        yield Line.of("  ", Span(tid, Role.STRONG), f"  {str(first).strip()}")
        yield from more
        yield from wrapped(_mask(thread), width, " " * (tids + 4), Role.FAINT)


def _mask(thread: Thread) -> str:
    if thread.state.gone:
        return "takes no signal any more"
    if thread.blocked is None:
        return "mask not known"
    text = f"blocked: {summed_up(thread.blocked)}"
    if thread.awaited is not None:
        text += f"; waits in sigwait for: {summed_up(thread.awaited)}"
    elif thread.syscall is not None and thread.syscall.waits_for_signals:
        text += "; what it waits for in sigwait shows as not blocked"
    elif thread.depth is not None and thread.depth.saved is not None:
        text += f" (by the call it is in; afterwards: {summed_up(thread.depth.saved)})"
    elif thread.syscall is not None and thread.syscall.opens_mask:
        text += f" (the mask of this {thread.syscall.name} only; its own comes back afterwards)"
    if thread.pending:
        text += f"; pending: {summed_up(thread.pending)}"
    return text
