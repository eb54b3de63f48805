"""A restart that was tried: what is about to be done, and what was seen, thread by thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.host import Host
from sigscope.model.live import Method, Through, Watched
from sigscope.model.process import Process
from sigscope.render.line import Line, Role, Span, escape, wrapped

Json = dict[str, object]

_COLUMN = len("afterwards") + 2


def announcement(host: Host, process: Process, method: Method, width: int) -> Iterator[Line]:
    """What will be done, and who will notice it."""
    does = {
        Method.STOP: "sends SIGSTOP, and as soon as it stands SIGCONT",
        Method.INTERRUPT: "stops each thread as a debugger's attach does, and lets it go",
        Method.FREEZE: "freezes its cgroup, and thaws it",
    }[method]
    yield from _titled("live", f"{does}; all its threads are traced meanwhile", width)
    yield from _titled("noticed by", _noticed(host, process, method), width)
    said = "a call that would fail is made to start again: its timeout starts over"
    yield from _titled("undone", said, width)


def _noticed(host: Host, process: Process, method: Method) -> str:
    if method is not Method.STOP:
        return "nobody, but for the pause"
    parent = host.parent(process)
    who = f"its parent, {escape(parent.comm)} {parent.pid}," if parent else "its parent"
    return (
        f"{who} gets SIGCHLD for the stop and for the continuation (not with SA_NOCLDSTOP); a"
        " shell with job control says Stopped, and takes the terminal back"
    )


def watched_lines(watched: Sequence[Watched], width: int) -> Iterator[Line]:
    """Equal threads together, in the order in which they come."""
    groups: dict[tuple[object, ...], list[Watched]] = {}
    for one in watched:
        key = (one.name, one.result, one.through, one.undone, one.ended)
        groups.setdefault(key, []).append(one)
    for group in groups.values():
        one = group[0]
        where = f"thread {one.tid}" if len(group) == 1 else f"{len(group)} threads"
        role = Role.WARNING if one.undone or one.ended else Role.PLAIN
        yield from _titled("seen", f"{where}: {_story(one)}", width, role)
        for times in filter(None, map(_times, group[:4])):
            yield from wrapped(times, width, " " * _COLUMN, Role.FAINT)


def watched_json(one: Watched) -> Json:
    """A thread: the call, what it gave, how it went on; seconds that were left, or null."""
    return {
        "tid": one.tid,
        "syscall": one.name,
        "result": one.code,
        "through": one.through.value,
        "undone": one.undone,
        "left_before": one.before,
        "left_after": one.after,
        "ended": one.ended,
    }


def _story(one: Watched) -> str:
    if one.ended:
        return "has ended meanwhile"
    if one.through is Through.STAYED:
        return "did not stop: an uninterruptible sleep, or a vfork"
    if one.result is None:
        return "was in no system call; nothing to restart"
    name = one.name or "its call"
    if one.code is None:
        return f"{name} was over before the stop, or returned what it had"
    gave = f"{name} gave {one.code}"
    if one.undone:
        return f"{gave}, and would not have gone on by itself: it was made to start again"
    return f"{gave}, {_HOW[one.through]}"


_HOW = {
    Through.RESTART_SYSCALL: "and went on through restart_syscall",
    Through.AGAIN: "and was made again by the kernel",
    Through.HANDLER: "and another call came first: a handler ran",
    Through.NOT_SEEN: "and was not seen to go on while we watched",
}


def _times(one: Watched) -> str:
    parts = []
    if one.before is not None:
        parts.append(f"about {one.before:.1f} s were left before")
    if one.after is not None:
        parts.append(f"{one.after:.1f} s after")
    return ", ".join(parts)


def _titled(title: str, text: str, width: int, role: Role = Role.PLAIN) -> Iterator[Line]:
    first, *rest = wrapped(text, width, " " * _COLUMN, role)
    yield Line.of(Span(title.ljust(_COLUMN), Role.FAINT), Span(str(first).strip(), role))
    yield from rest
