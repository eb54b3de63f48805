"""Sentences and commands that several checks have in common: whose doing, what to type."""

from __future__ import annotations

from sigscope.analysis.case import Case
from sigscope.model.finding import Remedy
from sigscope.model.lineage import Confidence, Kind, Lineage
from sigscope.model.signals import EMPTY, LIBC_OWN, SignalSet


def blame(case: Case, signals: SignalSet, kind: Kind = Kind.BLOCKED) -> tuple[str, ...]:
    """Where these bits came from, one sentence for each different way."""
    sentences = [sentence(case, case.lineage(signal, kind)) for signal in signals]
    return tuple(dict.fromkeys(sentences))


def sentence(case: Case, line: Lineage) -> str:
    """Origin first, then the way, then how many of the origin's threads are like that."""
    if line.origin is None:
        return f"not shown to be inherited: {line.because}"
    origin, parent = line.origin, line.chain[0]
    text = f"inherited from {origin.comm} {origin.pid}"
    if origin.tid is not None and origin.threads > 1:
        text += f", thread {origin.tid}"
    if len(line.chain) > 1:
        way = ", ".join(f"{link.comm} {link.pid}" for link in reversed(line.chain[:-1]))
        text += f", by way of {way}"
    elif line.confidence is Confidence.EXACT and parent.threads > 1:
        text += ", which forked it"
    if line.confidence is Confidence.LIKELY:
        text += f" (likely: {line.because})"
    if line.kind is Kind.BLOCKED and origin.threads > 1:
        text += f"; {_share(case, line)}"
    return text


def _share(case: Case, line: Lineage) -> str:
    """How many of the origin's threads pass the mask on."""
    origin = line.origin
    assert origin is not None
    owner = case.host.processes[origin.pid]
    thread = owner.thread(origin.tid) if origin.tid is not None else None
    mask = (thread.lasting_mask if thread is not None else None) or EMPTY
    count = len(mask - LIBC_OWN)
    them = f"{count} signals" if count > 1 else "it"
    return f"{origin.holders} of its {origin.threads} threads block {them}"


def open_it(case: Case, signals: SignalSet, tid: int | None = None) -> Remedy:
    """What waits arrives as soon as a thread is open for it."""
    names = ",".join(signal.short for signal in signals) if len(signals) < 5 else "all"
    thread = f"/{tid}" if tid is not None else ""
    return Remedy("now", f"sigscope unblock {names} {case.process.pid}{thread}")


def end_it(case: Case) -> Remedy:
    """The one signal that no mask holds back."""
    return Remedy("now", f"kill -KILL {case.process.pid}")


def start_clean(case: Case) -> Remedy:
    """With an empty mask, and everything at its default."""
    from shlex import quote

    process = case.process
    words = process.cmdline or (process.comm,)
    program = words[0]
    if program.startswith("-") or " " in program:  # a login shell; a title instead of arguments
        program = process.exe or program.removeprefix("-")
    more = " ..." if len(words) > 1 else ""
    return Remedy("for good", f"sigscope run -- {quote(program)}{more}")
