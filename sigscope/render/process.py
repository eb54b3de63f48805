"""Who a process is, in a line: what it does, since when, whose child it is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from sigscope.model.host import Host
from sigscope.model.naming import numbers
from sigscope.model.process import Process
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall
from sigscope.model.thread import Thread
from sigscope.render.duration import duration
from sigscope.render.line import Line, Role, Span, escape

DOT = " · "


def identity(host: Host, process: Process, width: int) -> Iterator[Line]:
    """Name and pid, then what it does, who runs it, who started it, and where it lives."""
    name = f"{escape(process.comm)} {escape(numbers(process))}"
    facts = [
        _doing(process),
        f"{len(process.living)} threads" if len(process.living) > 1 else "",
        host.users.get(process.uid, f"uid {process.uid}"),
        f"{duration(host.age(process))} old",
        _starter(host, process),
        _place(process),
        _namespace_init(host, process),
    ]
    first, *rest = rows([name, *filter(None, facts)], width)
    yield Line.of(Span(name, Role.STRONG), first[len(name) :])
    yield from (Line.of("  ", row) for row in rest)
    if process.cmdline:
        yield Line.of("  ", Span(_clipped(command_line(process), 2 * width), Role.FAINT))


def rows(facts: list[str], width: int) -> list[str]:
    """The facts with a dot between; a new row begins between facts, and not within one."""
    found = [facts[0]]
    for fact in facts[1:]:
        joined = f"{found[-1]}{DOT}{fact}"
        room = width if len(found) == 1 else width - 2
        if len(joined) <= room:
            found[-1] = joined
        else:
            found.append(fact)
    return found


def _clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def command_line(process: Process) -> str:
    """As it could be typed again; a text that a program wrote over its arguments as it is."""
    words = process.cmdline or ()
    if len(words) == 1 and " " in words[0]:
        return escape(words[0])
    return escape(" ".join(map(shlex.quote, words)))


def call_text(call: SystemCall) -> str:
    """``poll(..., -1)``, ``read(5, ...)``: the name, and the argument that tells most."""
    if call.running:
        return "on the CPU"
    if call.number == -1:
        return "outside any system call"
    name = call.name or f"system call {call.number}"
    if call.timeout is not None:
        return f"{name}(…, {call.timeout if call.timeout < 0 else f'{call.timeout} ms'})"
    if name in _DESCRIPTOR_FIRST and call.args:
        return f"{name}({call.args[0] & 0xFFFFFFFF}, …)"
    return f"{name}(…)"


_DESCRIPTOR_FIRST = frozenset(
    "read write readv writev pread64 recvfrom recvmsg sendto sendmsg accept accept4 connect"
    " flock fcntl ioctl epoll_pwait2".split()
)


def doing(thread: Thread) -> str:
    """State and system call of one thread."""
    word = thread.state.word
    if thread.syscall is None or thread.state.gone:
        return word
    if thread.state is State.RUNNING or thread.syscall.running:
        return "running"
    since = ""
    if thread.asleep_ms is not None:
        since = f" for about {duration(thread.asleep_ms / 1000)}"
    return f"{word} in {call_text(thread.syscall)}{since}"


def _doing(process: Process) -> str:
    if process.leader_dead:
        return "main thread dead, others alive"
    leader = process.thread(process.pid)
    return doing(leader) if leader is not None else process.state.word


def _namespace_init(host: Host, process: Process) -> str:
    """Who is spared signals in its pid namespace, and takes it along when it ends."""
    depth = len(process.nspid)
    if depth < 2 or process.nspid[-1] == 1:
        return ""
    for one in host.ancestors(process):
        if len(one.nspid) == depth and one.nspid[-1] == 1:
            if one.pid == process.ppid:
                return ""  # that is told already
            return f"in the pid namespace of {escape(one.comm)} {one.pid}"
    return ""


def _starter(host: Host, process: Process) -> str:
    parent = host.parent(process)
    if parent is None:
        return ""
    forker = process.forked_by
    if parent.pid == 1:
        return f"child of {escape(parent.comm)} 1"
    thread = f", thread {forker}" if forker is not None and len(parent.living) > 1 else ""
    return f"started by {escape(parent.comm)} {parent.pid}{thread}"


def _place(process: Process) -> str:
    return escape(str(process.container or process.unit or ""))
