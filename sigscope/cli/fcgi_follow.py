"""``sigscope fcgi TARGET``: the requests of live workers, as they end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from sigscope.analysis.fcgi.clues import clues_of
from sigscope.analysis.fcgi.locations import leading_to
from sigscope.cli.boundary import explain
from sigscope.cli.fcgi_report import Report
from sigscope.cli.interruption import Interruption
from sigscope.cli.output import put_remarks, remark, width
from sigscope.cli.target import Target, Words, resolve_all
from sigscope.decode.followed import Finished, Followed
from sigscope.errors import ExitStatus, NotPermitted, NotSupported, SigscopeError
from sigscope.kernel.frontends import read_passes
from sigscope.kernel.passive import BPF, PTRACE
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.workers import find_workers, idle, open_connections, waits_for, worker_of
from sigscope.model.fcgi import Clues, Ending, Worker
from sigscope.model.traffic import Event
from sigscope.render.fcgi import size_text
from sigscope.render.gaps import gap_lines

if TYPE_CHECKING:
    from sigscope.cli.fcgi_history import Past

DEFAULT_BUFFER = 4096
AT_LEAST, AT_MOST = 0.01, 1.0
"""Seconds between two looks: events come in bunches, and an end is noticed soon."""
MODEST = 5
"""Whoever is followed comes first on a busy CPU; events wait in the ring buffer meanwhile."""
OTHERWISE = (
    "or follow your own worker, which makes it slower: --engine ptrace;"
    " or capture its port with tcpdump: sigscope fcgi --from-pcap FILE"
)


class Events(Protocol):
    """Where events come from: kernel.bpf.traffic, or kernel.ptrace.traffic."""

    @property
    def lost(self) -> int: ...

    def wait(self, seconds: float, /) -> None: ...

    def events(self) -> Iterator[Event]: ...

    def __enter__(self) -> Events: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


@dataclass(slots=True)
class Stage:
    """Who is followed: workers by pid, and the masters whose new workers are followed, too."""

    workers: dict[int, Worker] = field(default_factory=dict)
    masters: set[int] = field(default_factory=set)
    status: int = int(ExitStatus.FINE)


def follow(
    words: Sequence[str],
    buffers: Sequence[int],
    count: int | None,
    seconds: float | None,
    as_json: bool,
    engine: str = BPF,
    history: str | None = None,
) -> int:
    """Until there were so many requests, that time is over, no worker is left, or ^C."""
    procfs = ProcFS()
    stage = _stage(procfs, words)
    if not stage.workers:
        return stage.status
    report = Report(buffers or _buffers(procfs, stage), as_json)
    before = [pair for pid in stage.workers for pair in open_connections(pid)]
    past = _past(history)
    with _traffic(stage, before, engine) as traffic:
        remark(f"following {_names(stage.workers.values())}; ^C ends it")
        with Interruption() as over:
            foreign = _Loop(procfs, stage, report, traffic, count, before, past).run(seconds, over)
        if traffic.lost:
            remark(f"{traffic.lost} events were lost: there were more than could be taken")
    if foreign is not None and not report.requests:
        raise foreign
    remark(report.summary())
    return max(stage.status, int(report.status))


def _resolved(procfs: ProcFS, words: Sequence[str]) -> tuple[list[Target], int]:
    """Of a container its init: whoever serves FastCGI in there is found below it."""
    if isinstance(words, Words) and words.container is not None and not len(words):
        from sigscope.cli.contained import Inside

        return [Inside(procfs, words.container).init()], int(ExitStatus.FINE)
    return resolve_all(procfs, words)


def _stage(procfs: ProcFS, words: Sequence[str]) -> Stage:
    found, status = _resolved(procfs, words)
    stage = Stage(status=status)
    below: set[int] = set()
    for target in found:
        try:
            workers, master = find_workers(procfs, target.pid)
        except SigscopeError as error:
            explain(error)
            stage.status = max(stage.status, int(error.status))
            continue
        stage.workers |= {one.pid: one for one in workers}
        if master is not None:
            stage.masters.add(master)
            below |= {one.pid for one in workers}
    return stage


def _buffers(procfs: ProcFS, stage: Stage) -> tuple[int, ...]:
    """Those of the locations of a running nginx that lead to these workers."""
    listens = {end for one in stage.workers.values() for end in one.listens}
    passes, gaps = read_passes(procfs)
    leading = leading_to(passes, listens)
    for one in leading:
        text = f"nginx: {one.location} leads here: {size_text(one.buffer)} ({one.where})"
        if one.cached:
            text += "; fastcgi_cache takes a part of that, and the verdict is not exact"
        remark(text)
    if gaps:
        put_remarks(gap_lines(gaps, width()))
    if not leading:
        remark(
            f"no nginx here is known to lead to them: {size_text(DEFAULT_BUFFER)} is assumed"
            " (--nginx-buffer-size)"
        )
        return (DEFAULT_BUFFER,)
    return tuple(sorted({one.buffer for one in leading}))


def _past(history: str | None) -> Past | None:
    if history is None:
        return None
    from sigscope.cli.fcgi_history import Past

    return Past(history, live=True)


def _traffic(stage: Stage, before: Sequence[tuple[int, int]], engine: str) -> Events:
    if engine == PTRACE:
        return _traced(stage, before)
    from sigscope.kernel.bpf.refusal import explain as refusal
    from sigscope.kernel.bpf.traffic import Traffic

    os.nice(MODEST)
    targets = {**dict.fromkeys(stage.workers, False), **dict.fromkeys(stage.masters, True)}
    try:
        return Traffic(targets, before)
    except OSError as error:
        why, helps = refusal(error)
        kind = NotPermitted if isinstance(error, PermissionError) else NotSupported
        hint = f"{helps}; {OTHERWISE}" if helps else OTHERWISE
        raise kind(f"a live worker cannot be followed: {why}", hint) from None


def _traced(stage: Stage, before: Sequence[tuple[int, int]]) -> Events:
    from sigscope.kernel.ptrace.traffic import TracedTraffic

    remark("each of their system calls stops them twice: they are slower meanwhile")
    if stage.masters:
        remark("workers that the master forks from now on are not followed (--engine bpf)")
        stage.masters.clear()
    return TracedTraffic(stage.workers, before)


def _names(workers: Iterable[Worker]) -> str:
    found = list(workers)
    pids = " ".join(str(one.pid) for one in found[:8]) + (" ..." if len(found) > 8 else "")
    return f"{found[0].comm} {pids}"


class _Loop:
    """Takes events in bunches, and tells of each request that ended."""

    def __init__(
        self,
        procfs: ProcFS,
        stage: Stage,
        report: Report,
        traffic: Events,
        count: int | None,
        before: Sequence[tuple[int, int]],
        past: Past | None,
    ) -> None:
        self._before = before
        self._past = past
        self._since = time.monotonic()
        self._procfs = procfs
        self._stage = stage
        self._report = report
        self._traffic = traffic
        self._count = count
        self._followed = Followed(time.time() - time.monotonic())

    def run(self, seconds: float | None, over: Interruption) -> SigscopeError | None:
        """None, or what the only traffic was if it was no FastCGI."""
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            while not self._enough() and not over:
                left = AT_MOST if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    break
                self._traffic.wait(min(left, AT_MOST))
                self._take()
                if self._followed.foreign and not self._report.requests:
                    return self._foreign()
                if not self._stage.workers and not self._stage.masters:
                    remark("all workers have ended")
                    break
                time.sleep(min(AT_LEAST, max(0.0, left)))
        finally:
            self._take()
            before = [pair for pair in self._before if not idle(*pair)]
            unseen = self._followed.unseen(before, self._since)
            for one in (*self._followed.waiting(), *unseen):
                clues = Clues(evidence=waits_for(one.pid))
                self._report.tell(one.exchange, clues, one.pid)
        return None

    def _enough(self) -> bool:
        return self._count is not None and self._report.requests >= self._count

    def _take(self) -> None:
        for event in self._traffic.events():
            for one in self._followed.take(event):
                self._tell(one)
            if self._enough():
                break
        self._changes()

    def _tell(self, one: Finished) -> None:
        if self._enough():
            return
        worker = self._stage.workers.get(one.pid)
        clues = clues_of(one.exchange, worker, one.signals, one.end)
        if one.exchange.ending is Ending.OPEN:
            clues = Clues(evidence=waits_for(one.pid))
        elif self._past is not None and one.end is not None:
            clues = self._past.of_worker(one.pid, clues)
        self._report.tell(one.exchange, clues, one.pid)

    def _changes(self) -> None:
        """Workers that came and went."""
        for pid in self._followed.forked:
            for master in self._stage.masters:
                if (worker := worker_of(self._procfs, pid, master)) is not None:
                    self._stage.workers[pid] = worker
        self._followed.forked.clear()
        for pid in self._followed.ended:
            self._stage.workers.pop(pid, None)
            self._stage.masters.discard(pid)
        self._followed.ended.clear()

    def _foreign(self) -> SigscopeError:
        (pid, what), _ = self._followed.foreign.most_common(1)[0]
        worker = self._stage.workers.get(pid)
        name = f"{worker.comm} {pid}" if worker is not None else str(pid)
        return NotSupported(
            f"{name} is no FastCGI worker: on its connections there is {what}",
            "name the process that listens at the address of fastcgi_pass",
        )
