"""The plan of ``unblock``, what each freed signal will do at once, and what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sigscope.model.explanation import Explanation, Outcome
from sigscope.model.naming import listed, summed_up
from sigscope.model.signals import SignalSet
from sigscope.model.unblock import Change, Done, Plan
from sigscope.render.line import Line, Role, Span, escape, wrapped

Json = dict[str, object]

_COLUMN = len("left alone") + 2
_MOST = 8
_WILL = {
    Outcome.HANDLED: "a handler of {comm} runs",
    Outcome.TERMINATED: "it will terminate {comm}",
    Outcome.DUMPED: "it will terminate {comm}, with a core dump if its limits allow one",
    Outcome.STOPPED: "it will stop {comm}",
    Outcome.CONTINUED: "it lets {comm} go on",
    Outcome.DISCARDED: "it is dropped",
    Outcome.PENDING: "it stays pending",
    Outcome.CONSUMED: "a sigwait or a signalfd of {comm} takes it",
    Outcome.REFUSED: "it stays where it is",
    Outcome.UNKNOWN: "what it does is not known",
}


def plan_lines(plan: Plan, width: int) -> Iterator[Line]:
    """Which threads, which bits; then each pending signal, and who is left alone."""
    for change, tids in _alike(plan.changes):
        where = _where(tids)
        yield from _titled("opens", f"{listed(change.opened)} {where}", width)
        said = f"SigBlk {change.before.hex} -> {change.after.hex}"
        yield from wrapped(said, width, " " * _COLUMN, Role.FAINT)
    for forecast in plan.forecasts:
        role = Role.WARNING if Outcome.TERMINATED in forecast.outcomes else Role.PLAIN
        yield from _titled("at once", forecast_text(forecast, plan.comm), width, role)
        step = forecast.steps[-1] if forecast.steps else None
        if step is not None:
            said = f"{step.says}: {step.because}"
            yield from wrapped(said, width, " " * _COLUMN, Role.FAINT)
    if plan.changes and not plan.forecasts:
        yield from _titled("at once", "nothing: none of it is pending", width)
    for warning in plan.warnings:
        yield from _titled("beware", warning, width, Role.WARNING)
    reasons: dict[str, list[int]] = {}
    for left in plan.left_out:
        reasons.setdefault(left.why, []).append(left.tid)
    for why, tids in reasons.items():
        yield from _titled("left alone", f"{_where(tids)}: {why}", width)


def forecast_text(forecast: Explanation, comm: str) -> str:
    """ "SIGTERM is pending: it will terminate hping3"; every way, where there are several."""
    name = forecast.sending.signal.name
    thread = f" (for thread {forecast.sending.tid})" if forecast.sending.tid else ""
    ways = ", or ".join(_WILL[one].format(comm=escape(comm)) for one in forecast.outcomes)
    return f"{name} is pending{thread}: {ways}"


def done_lines(
    plan: Plan, done: Sequence[Done], again: Mapping[int, SignalSet], width: int
) -> Iterator[Line]:
    """What was done, read back; what was not, and why; and how it is undone."""
    for text in _outcomes(done, "opened"):
        yield from _titled("done", text, width)
    yield from _failures(done, width)
    for tid, bits in again.items():
        said = (
            f"thread {tid} blocks {listed(bits)} again: the program sets its mask itself, or a"
            " handler runs"
        )
        yield from _titled("but", said, width, Role.WARNING)
    if any(one.change is not None for one in done):
        command = f"sigscope unblock --undo {plan.pid}"
        yield from _titled("undo", command, width, Role.COMMAND)


def undone_lines(done: Sequence[Done], width: int) -> Iterator[Line]:
    """What is blocked again."""
    for text in _outcomes(done, "blocked again"):
        yield from _titled("undone", text, width)
    yield from _failures(done, width)


def change_json(change: Change) -> Json:
    """A thread, and its mask before and after."""
    return {
        "tid": change.tid,
        "before": {"hex": change.before.hex, "signals": [one.name for one in change.before]},
        "after": {"hex": change.after.hex, "signals": [one.name for one in change.after]},
    }


def done_json(done: Done) -> Json:
    """What was done to a thread; with ``why`` where nothing was."""
    change = done.change
    masks: Json = {"tid": done.tid, "before": None, "after": None}
    return {**(masks if change is None else change_json(change)), "why": done.why or None}


def _outcomes(done: Sequence[Done], verb: str) -> Iterator[str]:
    changes = tuple(one.change for one in done if one.change is not None)
    for change, tids in _alike(changes):
        bits = change.opened or change.after - change.before
        if bits:
            yield f"{summed_up(bits)} {verb} {_where(tids)}, read back: SigBlk {change.after.hex}"
        else:
            yield f"nothing {_where(tids)}: it was so already, SigBlk {change.after.hex}"


def _failures(done: Sequence[Done], width: int) -> Iterator[Line]:
    for one in done:
        if one.change is None:
            yield from _titled("not done", f"thread {one.tid}: {one.why}", width, Role.WARNING)


def _alike(changes: Sequence[Change]) -> Iterator[tuple[Change, list[int]]]:
    """Threads with equal masks together."""
    groups: dict[tuple[SignalSet, SignalSet], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.before, change.after), []).append(change)
    for group in groups.values():
        yield group[0], [change.tid for change in group]


def _where(tids: Sequence[int]) -> str:
    if len(tids) == 1:
        return f"in thread {tids[0]}"
    some = " ".join(map(str, tids[:_MOST])) + (" ..." if len(tids) > _MOST else "")
    return f"in {len(tids)} threads ({some})"


def _titled(title: str, text: str, width: int, role: Role = Role.PLAIN) -> Iterator[Line]:
    first, *rest = wrapped(text, width, " " * _COLUMN, role)
    yield Line.of(Span(title.ljust(_COLUMN), Role.FAINT), Span(str(first).strip(), role))
    yield from rest
