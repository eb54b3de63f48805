"""``sigscope unblock``: free a stuck signal, live. It alters the target; the plan comes first."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

import click

from sigscope.actions.unblock import blocked_again, undo
from sigscope.actions.unblock import unblock as act
from sigscope.analysis.restart import proven
from sigscope.analysis.unblock import ends_it, planned
from sigscope.cli.live import asked
from sigscope.cli.options import SignalOrTarget, container_option, in_container, json_option
from sigscope.cli.output import put, put_json, put_remarks, remark, width
from sigscope.cli.target import Target, Words, resolve
from sigscope.decode.signal_name import parse_signal
from sigscope.errors import ExitStatus, NoSuchTarget, UsageError, WouldHarm
from sigscope.kernel.closer import look_closer
from sigscope.kernel.directory import is_number
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.ptrace.preflight import look_first, refuse
from sigscope.kernel.scan import read_family
from sigscope.kernel.undoing import load
from sigscope.model.host import Host
from sigscope.model.naming import numbers
from sigscope.model.process import Process
from sigscope.model.signals import EVERYTHING, LIBC_OWN, UNBLOCKABLE, Signal, SignalSet
from sigscope.model.unblock import Done, Plan
from sigscope.render.gaps import gap_lines
from sigscope.render.line import BLANK
from sigscope.render.process import identity
from sigscope.render.unblock import done_lines, plan_lines, undone_lines

ALL = "ALL"
SETTLING = (0.02, 0.1)
"""Seconds between the looks at what the program makes of its new mask: a handler may run first."""


@click.command(short_help="Free a stuck signal, live (alters the target).")
@click.argument(
    "words",
    nargs=-1,
    type=SignalOrTarget(),
    callback=lambda ctx, param, value: in_container(ctx, param, value, required=True),
    metavar="SIGNAL... TARGET",
)
@container_option
@click.option("--thread", "tids", type=int, multiple=True, metavar="TID", help="This thread only.")
@click.option("-n", "--dry-run", is_flag=True, help="Show the plan, and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--keep-pending-out",
    is_flag=True,
    help="Refuse if a signal that becomes free would end the process.",
)
@click.option("--undo", "undoing", is_flag=True, help="Block again what was opened in TARGET.")
@click.option("--force", is_flag=True, help="Also stop threads whose call a stop may break.")
@json_option
def unblock(
    words: Words,
    tids: tuple[int, ...],
    dry_run: bool,
    yes: bool,
    keep_pending_out: bool,
    undoing: bool,
    force: bool,
    as_json: bool,
) -> int:
    """ALTERS the target: opens SIGNAL in the masks of its threads, live.

    First it shows which bits of which threads, and what each signal that is pending will do at
    once; then it asks. Each thread is stopped for some microseconds. SIGNAL may be "all".

    \b
    sigscope unblock --dry-run ALRM 4285
    sigscope unblock ALRM 4285
    sigscope unblock --undo 4285
    """
    source = ProcFS()
    names, word = _split(words)
    target = _single(source, word, words.container)
    if undoing:
        if names or dry_run or keep_pending_out:
            raise UsageError("--undo takes a TARGET alone", f"sigscope unblock --undo {word}")
        return _undo(source, target, yes, as_json)
    signals = _signals(names, word)
    host, process = _look(source, target)
    obstacles = look_first(process.pid)
    left = refuse(process.pid, obstacles, force)
    reasons = {one.tid: one.why for one in obstacles if one.tid is not None and one.tid in left}
    wanted = {*tids, *((target.tid,) if target.tid is not None else ())}
    plan = planned(host, process, signals, _own(process, wanted), reasons)
    if not as_json:
        put(identity(host, process, width()))
        put([BLANK])
        put(plan_lines(plan, width()))
        put_remarks(gap_lines((gap for gap in process.gaps if "syscall" in gap.what), width()))
    if not plan.changes:
        return _nothing(host, plan, signals, as_json)
    if keep_pending_out and (fatal := ends_it(plan)):
        names = [one.sending.signal.name for one in fatal]
        raise WouldHarm(
            f"not done: {', '.join(names)} is pending, and may end {process.comm} {process.pid}",
            "without --keep-pending-out it is done all the same",
        )
    if dry_run:
        _document(host, plan, (), True, as_json)
        return int(ExitStatus.FINE)
    if not yes and not asked(f"open it in {process.comm} {numbers(process)}?"):
        remark("nothing was changed")
        return int(ExitStatus.ANSWER_IS_NO)
    done = act(plan, proven(process, source.machine))
    return _verified(host, plan, done, as_json)


def _verified(host: Host, plan: Plan, done: tuple[Done, ...], as_json: bool) -> int:
    """Was it set, and is it so a moment later? The program may set its mask at the same time."""
    changes = [one.change for one in done if one.change is not None]
    again: dict[int, SignalSet] = {}
    for pause in SETTLING:
        time.sleep(pause)
        try:
            again = blocked_again(plan.pid, changes)
        except NoSuchTarget:  # as was foretold, perhaps
            again = {}
        if not again:
            break
    wanted = {change.tid: change.opened for change in plan.changes}
    short = any(change.after & wanted[change.tid] for change in changes)
    fine = bool(changes) and not again and not short and len(changes) == len(plan.changes)
    _document(host, plan, done, fine, as_json)
    if not as_json:
        put(done_lines(plan, done, again, width()))
    return int(ExitStatus.FINE if fine else ExitStatus.ANSWER_IS_NO)


def _undo(source: ProcFS, target: Target, yes: bool, as_json: bool) -> int:
    host, process = _look(source, target)
    record = load(*process.identity)
    if not as_json:
        put(identity(host, process, width()))
    if not yes and not asked(f"block again what was opened in {process.comm} {numbers(process)}?"):
        remark("nothing was changed")
        return int(ExitStatus.ANSWER_IS_NO)
    done = undo(record, proven(process, source.machine))
    if as_json:
        plan = Plan(process.pid, process.start_time, process.comm, ())
        _document(host, plan, done, True, as_json)
    else:
        put(undone_lines(done, width()))
    changed = any(one.change is not None for one in done)
    return int(ExitStatus.FINE if changed else ExitStatus.ANSWER_IS_NO)


def _nothing(host: Host, plan: Plan, signals: SignalSet, as_json: bool) -> int:
    _document(host, plan, (), False, as_json)
    if plan.left_out:
        remark("nothing to do: what blocks it is better left alone")
    else:
        names = "any signal" if len(signals) > 8 else " or ".join(one.name for one in signals)
        remark(f"nothing to do: no thread of {plan.comm} {plan.pid} blocks {names}")
    return int(ExitStatus.ANSWER_IS_NO)


def _alive(process: Process) -> Process:
    if process.zombie:
        raise NoSuchTarget(
            f"process {process.pid} has ended: a zombie", f"sigscope pid {process.ppid}"
        )
    return process


def _look(source: ProcFS, target: Target) -> tuple[Host, Process]:
    host = look_closer(source, read_family(source, (target.pid,)), (target.pid,))
    return host, _alive(host.processes[target.pid])


def _split(words: Words) -> tuple[list[str], str]:
    """The signals, and the target; in a container that may be left out, and is its init then."""
    last = words[-1] if len(words) else ""
    if words.container is not None and not is_number(last.partition("/")[0]):
        return list(words), ""
    return list(words[:-1]), last


def _single(source: ProcFS, word: str, container: str | None = None) -> Target:
    if container is not None:
        from sigscope.cli.contained import Inside

        inside = Inside(source, container)
        return inside.resolve(word)[0] if word else inside.init()
    try:
        found = resolve(source, word)
    except NoSuchTarget as error:
        with suppress(UsageError):
            error.hint = f"behind the signal: sigscope unblock {parse_signal(word).short} TARGET"
        raise
    if len(found) > 1:
        pids = " ".join(str(target.pid) for target in found[:8])
        raise UsageError(f"{word!r} means {len(found)} processes", f"name one of them: {pids}")
    return found[0]


def _own(process: Process, tids: Iterable[int]) -> frozenset[int]:
    for tid in tids:
        if process.thread(tid) is None:
            has = " ".join(str(thread.tid) for thread in process.threads[:8])
            raise NoSuchTarget(f"process {process.pid} has no thread {tid}", f"it has: {has}")
    return frozenset(tids)


def _signals(names: list[str], word: str) -> SignalSet:
    words = [name for text in names for name in text.split(",")]
    if not words:
        raise UsageError("which signal?", f"sigscope unblock ALRM {word}; or: all")
    found = EVERYTHING - UNBLOCKABLE - LIBC_OWN if ALL in map(str.upper, words) else SignalSet()
    return found | SignalSet.containing(_signal(name) for name in words if name.upper() != ALL)


def _signal(name: str) -> Signal:
    signal = parse_signal(name)
    if signal in UNBLOCKABLE:
        raise UsageError(f"{signal.name} is never blocked: there is nothing to open", "signal(7)")
    if signal in LIBC_OWN:
        raise UsageError(
            f"{signal.name} is glibc's own: a thread blocks it for a moment, and must",
            "pthread_cancel(3) and setuid(2) of threads depend on it",
        )
    return signal


def _document(host: Host, plan: Plan, done: tuple[Done, ...], fine: bool, as_json: bool) -> None:
    if not as_json:
        return
    from sigscope.render.document import document, explanation_json
    from sigscope.render.unblock import change_json, done_json

    put_json(
        document(
            "unblock",
            host,
            pid=plan.pid,
            start_time=plan.start_time,
            plan=[change_json(change) for change in plan.changes],
            left_alone=[{"tid": one.tid, "why": one.why} for one in plan.left_out],
            warnings=list(plan.warnings),
            forecasts=[explanation_json(one, ()) for one in plan.forecasts],
            done=[done_json(one) for one in done],
            verified=fine and bool(done),
            gaps=[],
        )
    )
