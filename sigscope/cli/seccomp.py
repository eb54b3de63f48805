"""``sigscope seccomp``: what do its filters answer?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import click

from sigscope.analysis.seccomp.grouping import Stack, holders, outliers, unread
from sigscope.analysis.seccomp.report import abi_report
from sigscope.cli.options import engine_option, json_option, source_options, target_arguments
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.seccomp_screens import Question, instructions, screens
from sigscope.cli.source import open_source
from sigscope.cli.target import Target, resolve_all
from sigscope.decode.call_tables import abis_of, call_names, parse_abi, parse_calls
from sigscope.errors import ExitStatus, NoSuchTarget, SigscopeError, UsageError
from sigscope.kernel.closer import look_closer
from sigscope.kernel.depths import look_deeper
from sigscope.kernel.details import read_calls
from sigscope.kernel.placement import read_placements
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family, read_host
from sigscope.model.abi import OF_MACHINE
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.seccomp import Filter
from sigscope.model.seccomp_report import Holder, Outlier, StackReport
from sigscope.render.gaps import gap_lines
from sigscope.render.seccomp import STRICT
from sigscope.render.seccomp_host import host_lines

_UNREAD = Gap("", "only /proc was read, or it has changed meanwhile", "--engine auto, as root")
FILTERED = 2
"""Seccomp of the status file (proc_pid_status(5)), as STRICT is."""


@click.command(short_help="What do its filters answer?")
@target_arguments(required=False)
@click.option("-a", "--all", "everything", is_flag=True, help="Group every process of the host.")
@click.option("--call", "calls", metavar="NAME[,NAME]", default="", help="Only these calls.")
@click.option("--arch", metavar="ABI", help="Whose calls: x86-64, i386, x32 or aarch64.")
@click.option("--disasm", is_flag=True, help="List the instructions of the filters.")
@json_option
@engine_option
@source_options
def seccomp(
    targets: tuple[str, ...],
    everything: bool,
    calls: str,
    arch: str | None,
    disasm: bool,
    as_json: bool,
    engine: str,
    procfs: str,
    snapshot: str | None,
) -> int:
    """What do the seccomp filters of TARGET answer, and what follows from that?

    Reads only: nothing is stopped. Exit status 1 if restart_syscall is not certainly allowed:
    a stop would then break waits of the target.

    \b
    sigscope seccomp 4285                    the answers, grouped
    sigscope seccomp 4285 --call clone3      to one call
    sigscope seccomp --all                   who on this host has which filters
    """
    if everything == bool(targets):
        what = "--all and a TARGET exclude each other" if everything else "a TARGET is missing"
        raise UsageError(what, "sigscope seccomp --all; or: sigscope seccomp 4285")
    source = open_source(procfs, snapshot, engine)
    known = abis_of(source.machine)
    abis = (parse_abi(arch),) if arch else ()
    question = Question(source.machine, abis, parse_calls(calls, abis or known), disasm)
    if everything:
        return _whole_host(source, question, as_json)
    found, status = resolve_all(source, targets)
    if not found:
        return status
    pids = [target.pid for target in found]
    host = look_closer(source, read_family(source, pids), pids)
    seen = [_chosen(host.processes[target.pid], target) for target in found]
    for process in filter(unread, seen):
        if not _still_there(source, process):
            raise NoSuchTarget(f"process {process.pid} has ended meanwhile")
    stacks = _stacks(holders(seen), question)
    gaps = [*_gaps(host, seen), *(gap for process in seen for gap in process.gaps)]
    if as_json:
        _put_document(host, stacks, gaps, question)
    else:
        put(screens(host, seen, stacks, question))
        put_remarks(gap_lines(gaps, width()))
    return max(status, _status(host, seen, stacks))


def _still_there(source: ProcFS, process: Process) -> bool:
    try:
        return read_status(source, process.pid).identity == process.identity
    except SigscopeError:
        return False


def _chosen(process: Process, target: Target) -> Process:
    """With the thread that was named alone."""
    if target.tid is None:
        return process
    return replace(process, threads=tuple(one for one in process.threads if one.tid == target.tid))


def _stacks(having: dict[Stack, list[Holder]], question: Question) -> list[StackReport]:
    """The answers of each stack: simulated once, however many have it."""
    machine = OF_MACHINE.get(question.machine, ())
    abis = (*machine, *(abi for abi in question.abis if abi not in machine))
    return [
        StackReport(
            stack,
            tuple(who),
            tuple(abi_report(stack, abi, call_names(abi)) for abi in abis) if stack else (),
        )
        for stack, who in having.items()
    ]


def _gaps(host: Host, processes: Iterable[Process]) -> Iterator[Gap]:
    """Why filters could not be read: once for all of whom that is so."""
    for process in processes:
        if unread(process):
            missing = host.shallow or _UNREAD
            what = f"seccomp filters of {process.pid}"
            yield replace(missing, what=what, unjudged=process.pid)


def _status(host: Host, processes: Iterable[Process], stacks: Iterable[StackReport]) -> int:
    """1 if a wait might not outlast a stop; 4 or 5 if that could not be told for all of them."""
    seen = tuple(processes)
    if any(map(unread, seen)):
        denied = host.shallow is not None and host.shallow.refused
        return int(ExitStatus.NOT_PERMITTED if denied else ExitStatus.NOT_SUPPORTED)
    strict = any(process.seccomp == STRICT for process in seen)
    refused = any(not one.restart.surely_passes for one in stacks)
    return int(ExitStatus.ANSWER_IS_NO if strict or refused else ExitStatus.FINE)


def _whole_host(source: ProcFS, question: Question, as_json: bool) -> int:
    host = read_host(source)
    host = read_placements(source, host, host.processes)
    pids = [one.pid for one in host.processes.values() if not one.kernel_thread and not one.zombie]
    host = look_deeper(source, host, pids)
    filtered = [pid for pid in pids if host.processes[pid].seccomp == FILTERED]
    host = read_calls(source, host, filtered)
    seen = [
        process
        for process in (host.processes[pid] for pid in pids)
        if not unread(process) or _still_there(source, process)
    ]
    stacks = _stacks(holders(seen), question)
    differing = tuple(outliers([report.holders for report in stacks]))
    hidden = [process for process in seen if unread(process)]
    gaps = [*host.gaps, *_gaps(host, hidden)]
    if as_json:
        _put_document(host, stacks, gaps, question, differing)
    else:
        put(host_lines(stacks, differing, len(hidden), width()))
        put_remarks(gap_lines(gaps, width()))
    return _status(host, seen, stacks)


def _put_document(
    host: Host,
    stacks: Sequence[StackReport],
    gaps: Sequence[Gap],
    question: Question,
    differing: Sequence[Outlier] = (),
) -> None:
    from sigscope.render.seccomp_document import seccomp_document

    def texts(one: Filter) -> list[str]:
        return instructions(one, question)

    put_json(seccomp_document(host, stacks, differing, gaps, texts if question.disasm else None))
