"""The screens of ``sigscope seccomp``: what follows from the filters first, then their answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sigscope.model.finding import Severity
from sigscope.model.process import Process
from sigscope.model.seccomp import (
    INSTRUCTION_POINTER,
    Answer,
    Filter,
    FilterAction,
    action_text,
    errno_name,
)
from sigscope.model.seccomp_report import AbiReport, Consequence, Holder, StackReport
from sigscope.render.findings import LABELS
from sigscope.render.line import BLANK, Line, Role, Span, wrapped

STRICT = 1
"""Seccomp of the status file (proc_pid_status(5))."""
MARGIN = " " * 9
FEW = 12
"""So many calls are named; of the largest group they are counted, if there are more."""
_MOST_TIDS, _MOST_WAITING = 8, 3
_LABELS = {
    FilterAction.KILL_PROCESS: "kill",
    FilterAction.KILL_THREAD: "kill thread",
    FilterAction.TRAP: "SIGSYS",
    FilterAction.NOTIFY: "supervisor",
    FilterAction.TRACE: "tracer",
    FilterAction.LOG: "logged",
    FilterAction.ALLOW: "allowed",
}
_COLUMN = 13


def same_lines(others: Sequence[Process], width: int) -> Iterator[Line]:
    """Who has the same filters as the one that is shown, program by program."""
    pids: dict[str, list[str]] = {}
    for process in others:
        pids.setdefault(process.comm, []).append(str(process.pid))
    told = [f"{comm} {' '.join(numbers)}" for comm, numbers in pids.items()]
    if told:
        yield from wrapped(f"and, with the same filters, {', '.join(told)}", width, "  ")


def without_filters(process: Process, stacks: Sequence[StackReport]) -> str:
    """One sentence for a process of which no filter is to be told; empty if there is one."""
    if process.kernel_thread:
        return "a kernel thread: it makes no system calls"
    if process.zombie:
        return "a zombie: it has ended, and makes no more calls"
    if process.seccomp == STRICT:
        return (
            "strict mode: only read, write, _exit and sigreturn are allowed; any other call kills"
            " it by SIGKILL, and so does restart_syscall behind a stop"
        )
    if any(report.filters for report in stacks):
        return ""
    if process.seccomp == 0 or stacks:
        own = (one for report in stacks for one in report.holders if one.process is process)
        where = "" if any(holder.whole for holder in own) else " in its main thread"
        return f"no seccomp filter{where}: every call is allowed"
    return "it has seccomp filters, and what they answer could not be read (see below)"


def stack_lines(report: StackReport, chosen: Sequence[AbiReport], width: int) -> Iterator[Line]:
    """One stack of one process: what follows, and the answers of the chosen ABIs."""
    yield from wrapped(_of_whom(report), width, "")
    if not report.filters:
        return
    yield BLANK
    if not report.readable:
        said = "not assessed: a filter could not be read whole, or is none that a kernel would take"
        yield from wrapped(said, width, "", Role.WARNING)
        return
    waiting = [one for holder in report.holders for one in holder.restarting]
    main = chosen[0]
    yield from _restart_line(main.restart, width)
    for consequence in main.consequences:
        yield from _consequence(consequence, waiting, width)
    yield BLANK
    for abi in chosen:
        yield from abi_lines(abi, width)
    others = [abi for abi in report.abis if abi not in chosen and abi.groups]
    for abi in others:
        text = f"{abi.abi.name}: {_counts(abi)} (--arch {abi.abi.name} tells which)"
        yield from wrapped(text, width, "", Role.FAINT)


def _restart_line(answer: Answer, width: int) -> Iterator[Line]:
    if answer.surely_passes:
        said = "restart_syscall: is allowed, and a wait that a stop interrupts goes on"
        yield from wrapped(said, width, "")
    elif not answer.whole and not answer.outcomes:
        said = "not assessed: what becomes of restart_syscall could not be followed"
        yield from wrapped(said, width, "", Role.WARNING)


def _of_whom(report: StackReport) -> str:
    """ "2 filters in all 5 threads: 12 and 1116 instructions"."""
    lengths = [str(len(one.instructions)) for one in report.filters]
    count = len(lengths)
    if not count:
        return f"no filter{_where(report.holders)}"
    told = lengths[0] if count == 1 else f"{', '.join(lengths[:-1])} and {lengths[-1]}"
    newest = ", newest first" if count > 1 else ""
    filters = f"{count} filter{'s' if count > 1 else ''}"
    return f"{filters}{_where(report.holders)}: {told} instructions{newest}"


def _where(holders: Sequence[Holder]) -> str:
    holder = holders[0]
    if not holder.whole:
        return f" in {threads(holder)}"
    count = len(holder.tids)
    return f" in all {count} threads" if count > 1 else ""


def threads(holder: Holder) -> str:
    """ "threads 12 13": of some threads of a process, by their tids."""
    tids = " ".join(map(str, holder.tids[:_MOST_TIDS]))
    more = f" and {len(holder.tids) - _MOST_TIDS} more" if len(holder.tids) > _MOST_TIDS else ""
    return f"thread{'s' if len(holder.tids) > 1 else ''} {tids}{more}"


def _consequence(
    one: Consequence, waiting: Sequence[tuple[int, str]], width: int
) -> Iterator[Line]:
    word, role = LABELS[one.severity]
    first, *more = wrapped(verdict(one), width, MARGIN, Role.STRONG)
    yield Line.of(Span(word.ljust(len(MARGIN)), role), *first.spans[1:])
    yield from more
    yield from wrapped(one.says, width, MARGIN)
    if one.calls == ("restart_syscall",) and waiting:
        tids = " ".join(f"{tid} in {call}" for tid, call in waiting[:_MOST_WAITING])
        over = len(waiting) - _MOST_WAITING
        more_text = f" and {over} more" if over > 0 else ""
        yield from wrapped(f"sits in such a call now: {tids}{more_text}", width, MARGIN)
    if one.severity is not Severity.NOTE:
        yield from wrapped(one.source, width, MARGIN, Role.FAINT)


def _named(calls: Sequence[str]) -> str:
    return calls[0] if len(calls) == 1 else f"{', '.join(calls[:-1])} and {calls[-1]}"


def verdict(one: Consequence) -> str:
    """ "clone3: fails with EPERM"."""
    each = "each " if len(one.calls) > 1 else ""
    return f"{_named(one.calls)}: {each}{action_text(one.answer.action, one.answer.data)}"


def abi_lines(report: AbiReport, width: int) -> Iterator[Line]:
    """The answers to all calls of one ABI, grouped."""
    total = sum(len(group.calls) for group in report.groups) + len(report.depends)
    if not total:
        said = f"{report.abi.name}: the names of its calls are not known here"
        yield from wrapped(said, width, "", Role.FAINT)
        return
    yield Line.of(Span(report.abi.name, Role.STRONG), f", {total} calls")
    for place, group in enumerate(report.groups):
        label = answer_label(group.action, group.data)
        few = place > 0 or len(group.calls) <= FEW
        text = " ".join(group.calls) if few else f"{len(group.calls)} calls"
        yield from _row(label, text, width)
    depends = [one for one in report.depends if one[1].outcomes]
    unknown = [name for name, answer in report.depends if not answer.outcomes]
    if depends:
        text = " · ".join(f"{name} ({_on(answer)})" for name, answer in depends)
        yield from _row("depends", text, width)
    if unknown:
        yield from _row("not followed", " ".join(unknown), width)
    newer = report.newer
    text = "could not be followed" if not newer.whole else action_text(newer.action, newer.data)
    yield from _row("newer", f"a call that is not in this table yet {text}", width)


def _row(label: str, text: str, width: int) -> Iterator[Line]:
    first, *more = wrapped(text, width, " " * (_COLUMN + 2))
    yield Line.of("  ", Span(label.ljust(_COLUMN), Role.STRONG), *first.spans[1:])
    yield from more


def answer_label(action: FilterAction, data: int) -> str:
    """A word for an answer: "allowed", or the errno.

    >>> answer_label(FilterAction.ERRNO, 38), answer_label(FilterAction.ERRNO, 0)
    ('ENOSYS', 'success')
    """
    if action is FilterAction.ERRNO:
        return errno_name(data) if data else "success"
    return _LABELS[action]


def _on(answer: Answer) -> str:
    places = sorted(answer.depends)
    told = [_place(place) for place in places]
    return ", ".join(told) + ("" if answer.whole else "; not followed to the end")


def _place(place: int) -> str:
    return "where it is called" if place == INSTRUCTION_POINTER else f"args[{place}]"


def _counts(report: AbiReport) -> str:
    said = [
        f"{len(group.calls)} {answer_label(group.action, group.data)}" for group in report.groups
    ]
    if report.depends:
        said.append(f"{len(report.depends)} depend on arguments")
    return ", ".join(said)


def call_lines(name: str, answers: Iterable[tuple[str, Answer]], width: int) -> Iterator[Line]:
    """One call in each ABI that has it: the answer, or all answers and what leads to them."""
    for abi, answer in answers:
        text = action_text(answer.action, answer.data) if answer.whole else "could not be followed"
        yield Line.of(Span(name, Role.STRONG), f" ({abi}) {text}")
        for outcome in answer.outcomes:
            more = outcome.ways - 1
            others = f" (and {more} other way{'s' if more > 1 else ''})" if more else ""
            when = " and ".join(outcome.when) or "always"
            label = answer_label(outcome.action, outcome.data)
            yield from _row(label, f"if {when}{others}", width)


def program_lines(number: int, count: int, one: Filter, texts: Iterable[str]) -> Iterator[Line]:
    """A listing: where, the four fields of each instruction, and what it does."""
    name = f"filter {number} of {count}" + (" (the newest)" if number == 1 < count else "")
    facts = [f"{len(one.instructions)} instructions"]
    facts += ["what it refuses is logged"] if one.log else []
    facts += [] if one.complete else ["only the beginning could be read"]
    yield Line.of(Span(name, Role.STRONG), f", {', '.join(facts)}")
    for at, (instruction, text) in enumerate(zip(one.instructions, texts, strict=True)):
        code, yes, no, k = instruction
        fields = f"{at:04d}: {code:#04x} {yes:#04x} {no:#04x} {k:#010x}"
        yield Line.of(Span(fields, Role.FAINT), f"  {text}")
