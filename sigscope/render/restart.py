"""What becomes of the system calls of a process: those at risk first, equal threads together."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence

from sigscope.model.process import Process
from sigscope.model.restart import Becomes, Event, Fate, Prospect, RestartClass
from sigscope.render.line import BLANK, Line, Role, Span, escape, wrapped
from sigscope.render.process import call_text

Json = dict[str, object]

_COLUMN = len("restarts") + 2
_INDENT = " " * _COLUMN
_MOST = 8
_SAYS = {
    Becomes.RESUMES: "goes on, with the time that is left",
    Becomes.RESTARTS: "starts again",
    Becomes.EINTR: "fails with EINTR",
    Becomes.KILLED: "kills it",
    Becomes.UNKNOWN: "not known",
}
_WORDS = {
    Becomes.RESUMES: ("resumes", Role.FAINT),
    Becomes.RESTARTS: ("restarts", Role.FAINT),
    Becomes.EINTR: ("EINTR", Role.ERROR),
    Becomes.FAILS: ("FAILS", Role.ERROR),
    Becomes.KILLED: ("KILLED", Role.ERROR),
    Becomes.UNKNOWN: ("unknown", Role.WARNING),
}
ALLOW = "allow restart_syscall in the filter; Docker before 1.11 denied it (moby issue 20818)"


def restart_lines(process: Process, prospects: Sequence[Prospect], width: int) -> Iterator[Line]:
    """One block for each different prospect, then what it comes to."""
    if process.kernel_thread:
        yield from wrapped("a kernel thread: no signal and no tracer interrupts it", width, "")
        return
    if process.zombie:
        yield from wrapped("a zombie: it has ended, and is in no system call", width, "")
        return
    for group in _grouped(prospects):
        yield from _block(process, group, width)
        yield BLANK
    yield from wrapped(_sum(prospects), width, "")
    if any(one.at_risk and "SO_" in one.because for one in prospects):
        command = f"to know: sigscope restart --sockets {process.pid}"
        yield from wrapped(command, width, "  ", Role.COMMAND)
    if any(_refused(one) for one in prospects):
        yield from wrapped(f"whose filter: {_owner(process)}", width, "  ")
        yield from wrapped(f"for good: {ALLOW}", width, "  ", Role.COMMAND)


def restart_json(pid: int, prospect: Prospect) -> Json:
    """A thread, its call, and what each event makes of it; "possible" where that is not sure."""
    after = prospect.after(Event.STOP_CONT)
    call = prospect.call
    return {
        "pid": pid,
        "tid": prospect.tid,
        "syscall": None if call is None else call.name,
        "class": prospect.kind.value,
        **{f"after_{event.value}": prospect.after(event).becomes.value for event in Event},
        "errno": None
        if after.errno is None
        else errno.errorcode.get(after.errno, str(after.errno)),
        "possible": [fate.becomes.value for fate in prospect.fates[Event.STOP_CONT]],
        "partial": prospect.partial,
        "filter": prospect.answer,
        "because": prospect.because,
        "source": prospect.source,
    }


def _grouped(prospects: Iterable[Prospect]) -> list[list[Prospect]]:
    """Equal ones together; those that break first, those that are sure to do well last."""
    groups: dict[tuple[object, ...], list[Prospect]] = {}
    for one in prospects:
        fates = tuple(one.fates[event] for event in Event)
        key = (one.call and one.call.name, one.kind, fates, one.because, one.source, one.partial)
        groups.setdefault(key, []).append(one)
    return sorted(groups.values(), key=lambda group: (_rank(group[0]), -len(group)))


def _rank(one: Prospect) -> int:
    if one.breaks:
        return 0
    return 1 if one.at_risk else 3 if one.kind is RestartClass.NONE else 2


def _block(process: Process, group: Sequence[Prospect], width: int) -> Iterator[Line]:
    one = group[0]
    word, role = _WORDS[one.after(Event.STOP_CONT).becomes]
    if one.at_risk and not one.breaks:
        word, role = "perhaps", Role.WARNING
    call = "its system call" if one.call is None else call_text(one.call)
    first, *rest = wrapped(f"{call}, {_where(process, group)}", width, _INDENT)
    yield Line.of(Span(word.ljust(_COLUMN), role), str(first).strip())
    yield from rest
    if one.at_risk and one.kind is not RestartClass.UNKNOWN:
        said = f"after a stop, a freeze or an attach: {_ways(one, Event.STOP_CONT)}"
        yield from wrapped(said, width, _INDENT)
    source = f" [{one.source}]" if one.source else ""
    yield from wrapped(f"{one.because}{source}", width, _INDENT, Role.FAINT)
    if one.kind not in (RestartClass.NONE, RestartClass.UNKNOWN):
        yield from wrapped(f"after a signal: {_after_signal(one)}", width, _INDENT, Role.FAINT)
    if one.partial:
        said = "what it has transferred until then is returned, if there is some: a short count"
        yield from wrapped(said, width, _INDENT, Role.FAINT)


def _where(process: Process, group: Sequence[Prospect]) -> str:
    if len(process.living) == 1:
        return "in its only thread"
    if len(group) == 1:
        return f"in thread {group[0].tid}"
    tids = " ".join(str(one.tid) for one in group[:_MOST])
    return f"in {len(group)} threads: {tids}{' ...' if len(group) > _MOST else ''}"


def _after_signal(one: Prospect) -> str:
    flagged, plain = _ways(one, Event.SIGNAL_RESTART), _ways(one, Event.SIGNAL)
    if flagged == plain:
        return f"{plain}, whether its handler has SA_RESTART or not"
    return f"{flagged} if its handler has SA_RESTART, else {plain}"


def _ways(one: Prospect, event: Event) -> str:
    return ", or ".join(_said(fate) for fate in one.fates[event])


def _said(fate: Fate) -> str:
    if fate.becomes is not Becomes.FAILS:
        return _SAYS[fate.becomes]
    if fate.errno is None:
        return "returns at once with what a handler leaves"
    if fate.errno == 0:
        return "returns 0 at once"
    return f"fails with {errno.errorcode.get(fate.errno, f'errno {fate.errno}')} at once"


def _refused(one: Prospect) -> bool:
    return one.answer is not None and one.answer not in ("none", "allow", "log")


def _owner(process: Process) -> str:
    if process.container is not None:
        return escape(str(process.container))
    return f"unit {escape(process.unit)}" if process.unit else "installed by itself or its parents"


def _sum(prospects: Sequence[Prospect]) -> str:
    broken = sum(one.breaks for one in prospects)
    doubtful = sum(one.at_risk for one in prospects) - broken
    parts = []
    if broken:
        parts.append(f"a stop breaks the calls of {_count(broken)}")
    if doubtful:
        parts.append(
            f"may break those of {_count(doubtful)}"
            if parts
            else f"a stop may break the calls of {_count(doubtful)}"
        )
    return "; ".join(parts) or "a stop, a freeze or an attach does no harm to its calls"


def _count(number: int) -> str:
    return "1 thread" if number == 1 else f"{number} threads"
