"""The table of the signals that matter: all that are not default and open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sigscope.model.diagnosis import Diagnosis
from sigscope.model.lineage import Confidence, Kind
from sigscope.model.naming import listed
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, EVERYTHING, LIBC_OWN, UNBLOCKABLE, Signal
from sigscope.render.line import Line, Role, escape, wrapped
from sigscope.render.table import table

_ROOM = ((3, True), (2, True), (1, True), (1, False))
"""How many signals a row names, and whether it names the origin's program: the first that fits."""
HEADERS = ("signal", "disposition", "blocked", "pending", "from")


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """What one signal meets; equal rows are shown as one."""

    disposition: str
    blocked: str
    pending: str
    origin: str
    program: str = ""


ORDINARY = Row("default", "-", "-", "-")


def signal_table(
    diagnosis: Diagnosis, process: Process, width: int, everything: bool
) -> Iterator[Line]:
    """Equal rows are joined and the ordinary ones folded, unless ``everything`` is asked for."""
    groups: dict[Row, list[Signal]] = {}
    for signal in EVERYTHING:
        if everything or signal not in LIBC_OWN:
            groups.setdefault(_row(diagnosis, process, signal), []).append(signal)
    if everything:
        rows = [(signal, row) for row, signals in groups.items() for signal in signals]
        yield from table(HEADERS, [(signal.name, *_cells(row)) for signal, row in sorted(rows)])
        return
    ordinary = groups.pop(ORDINARY, [])
    if groups:
        yield from _joined(groups, width)
    if ordinary:
        what = f"the other {len(ordinary)} signals" if groups else "all signals"
        yield from wrapped(f"{what}: default and open (--all lists them)", width, "", Role.FAINT)


def _joined(groups: dict[Row, list[Signal]], width: int) -> Iterator[Line]:
    """A row a group; as many of its names as fit."""
    ranked = sorted(groups.items(), key=lambda group: _rank(group[0]))
    for most, program in _ROOM:
        cells = [(listed(signals, most), *_cells(row, program)) for row, signals in ranked]
        lines = list(table(HEADERS, cells))
        if max(len(str(line)) for line in lines) <= width:
            break
    yield from lines


def _cells(row: Row, program: bool = True) -> tuple[str, str, str, str]:
    origin = f"{row.program} {row.origin}" if program and row.program else row.origin
    return row.disposition, row.blocked, row.pending, origin


def _rank(row: Row) -> tuple[bool, bool, bool, str]:
    """Pending first, then handlers that are blocked, then the rest."""
    return (
        row.pending == "-",
        row.blocked == "-",
        row.disposition != "handler",
        row.disposition,
    )


def _row(diagnosis: Diagnosis, process: Process, signal: Signal) -> Row:
    disposition = process.disposition(signal)
    words = {"caught": "handler", None: "not known"}
    kind = Kind.IGNORED if disposition == "ignored" else Kind.BLOCKED
    line = diagnosis.lineage_of(process.pid, signal, kind)
    origin, program = "-", ""
    if line is not None and line.origin is not None:
        thread = f"/{line.origin.tid}" if line.origin.tid is not None else ""
        likely = ", likely" if line.confidence is Confidence.LIKELY else ""
        origin, program = f"{line.origin.pid}{thread}{likely}", escape(line.origin.comm)
    elif line is not None:
        origin = "not shown"
    if signal in UNBLOCKABLE:
        return Row("default", "-", _pending(process, signal), "-")
    return Row(
        words.get(disposition, disposition or "not known"),
        _blocked(process, signal),
        _pending(process, signal),
        origin,
        program,
    )


def _blocked(process: Process, signal: Signal) -> str:
    if process.blocked_by_some is None:
        return "not known"
    holders = [thread for thread in process.living if signal in (thread.blocked or EMPTY)]
    waiting = [thread.tid for thread in process.living if signal in (thread.awaited or EMPTY)]
    taking = [str(fd.fd) for fd in process.signalfds or () if signal in fd.signals]
    count = len(process.living)
    if waiting:
        return f"sigwait in {waiting[0]}"
    if not holders:
        return "-"
    text = (
        "yes"
        if count == 1
        else "all threads"
        if len(holders) == count
        else f"{len(holders)} of {count} threads"
    )
    return f"{text}, signalfd {taking[0]}" if taking else text


def _pending(process: Process, signal: Signal) -> str:
    if process.pending is None:
        return "not known"
    if signal in process.pending:
        return "process"
    tids = [str(thread.tid) for thread in process.living if signal in (thread.pending or EMPTY)]
    if not tids:
        return "-"
    return f"thread {tids[0]}" if len(tids) == 1 else f"{len(tids)} threads"
