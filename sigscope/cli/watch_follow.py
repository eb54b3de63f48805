"""``sigscope watch``, live: events from a source become lines until something ends it."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Iterable, Iterator

from sigscope.analysis.watch.choosing import Choice
from sigscope.analysis.watch.stories import Stories
from sigscope.cli.interruption import Interruption
from sigscope.cli.output import put_remarks, remark, width
from sigscope.cli.target import resolve
from sigscope.cli.watch_choice import Asked, choice_of
from sigscope.cli.watch_command import Started
from sigscope.cli.watch_report import Report
from sigscope.decode.watch_record import Closed
from sigscope.errors import ExitStatus, UsageError
from sigscope.kernel.directory import is_number
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.watch.looking import look, read_census, read_known
from sigscope.kernel.watch.opening import open_source
from sigscope.kernel.watch.recording import Recorder, header_of, record_all
from sigscope.kernel.watch.source import Source, Wanted
from sigscope.model.story import Story
from sigscope.render.gaps import gap_lines

BUNCH = 0.03
"""Seconds in which events gather: what happens together is told together."""
AT_MOST = 0.5
LAST = 0.15
"""Seconds for what a command's end has still brought about."""
_MOST_NEW = 256
"""New faces of one bunch that /proc is asked about."""
_HUNG_UP = select.POLLERR | select.POLLHUP


def follow(asked: Asked) -> int:
    """Until ^C, the number or the time that was asked for, the end of the command or the pids."""
    procfs = ProcFS()
    choice_of(asked, procfs)  # whatever is wrong with the words is told before anything starts
    with contextlib.ExitStack() as stack:
        command = Started(asked.command) if asked.command else None
        if command is not None:
            stack.callback(command.close)
        choice = choice_of(asked, procfs, None if command is None else command.pid)
        source = stack.enter_context(open_source(asked.engine, _wanted(asked, procfs, choice)))
        header = header_of(source.engine)
        recorder = None
        if asked.record is not None:
            recorder = Recorder(asked.record, header)
            stack.callback(recorder.close)
        report = Report(asked, choice, header.wall, header.started, source.engine)
        over = stack.enter_context(Interruption())
        return _Follow(asked, procfs, source, report, recorder, command, over).run()


def _wanted(asked: Asked, procfs: ProcFS, choice: Choice) -> Wanted:
    """Everything, as the signals that led to those that are asked for may be any; but a tracer
    traces nobody else."""
    if asked.engine != "ptrace":
        return Wanted(every=asked.every)
    pids = {one.pid for word in _named(asked) for one in resolve(procfs, word)}
    pids |= choice.tree.pids
    if not pids:
        raise UsageError("--engine ptrace needs a target", "sigscope watch --engine ptrace PID")
    below = bool(choice.tree)
    return Wanted(every=asked.every, targets=frozenset(pids), descendants=below)


def _named(asked: Asked) -> tuple[str, ...]:
    """The words for those that get signals."""
    return (*asked.targets, *asked.trees, *asked.receivers)


def _pids_alone(words: Iterable[str]) -> frozenset[int]:
    """Their numbers; empty where one of them is a name."""
    numbers = [word.partition("/")[0] for word in words]
    return frozenset(map(int, numbers)) if all(map(is_number, numbers)) else frozenset()


class _Follow:
    def __init__(
        self,
        asked: Asked,
        procfs: ProcFS,
        source: Source,
        report: Report,
        recorder: Recorder | None,
        command: Started | None,
        over: Interruption,
    ) -> None:
        self._asked = asked
        self._procfs = procfs
        self._source = source
        self._report = report
        self._recorder = recorder
        self._command = command
        self._over = over
        self._stories = Stories(patience=asked.patience)
        self._stories.tells_taken = not any("sigwait" in gap.what for gap in source.gaps)
        self._pids = frozenset() if asked.waits else _pids_alone(_named(asked))
        self._record_told = False

    def run(self) -> int:
        """The exit status: that of the command, if there is one."""
        census = read_census(self._procfs)
        self._stories.people.fill(census)
        if self._recorder is not None:
            record_all(self._recorder, census)
        put_remarks(gap_lines(self._source.gaps, width()))
        self._begin()
        deadline = None
        if self._asked.seconds is not None:
            deadline = time.monotonic() + self._asked.seconds
        if self._command is not None:
            self._command.go()
        try:
            self._loop(deadline)
        finally:
            self._end()
        return int(ExitStatus.FINE) if self._command is None else self._command.exit_status

    def _begin(self) -> None:
        what = " ".join(_named(self._asked))
        if self._command is not None:
            what = self._command.command[0]
        remark(f"watching {what or 'all signals'} ({self._source.engine}); ^C ends it")
        if not self._asked.as_json:
            self._report.head()

    def _loop(self, deadline: float | None) -> None:
        poll = select.poll()
        poll.register(self._source.fileno(), select.POLLIN)
        poll.register(self._over.fileno(), select.POLLIN)
        reader = _reader()
        if reader is not None:
            poll.register(reader, 0)
        while not (self._over and self._command is None):
            left = AT_MOST if deadline is None else deadline - time.monotonic()
            if left <= 0:
                break
            ready = poll.poll(1000 * min(left, self._until_due()))
            if any(fd == reader and what & _HUNG_UP for fd, what in ready):
                break
            if ready:
                time.sleep(min(BUNCH, max(0.0, left)))
            if self._over and self._command is not None:
                with contextlib.suppress(KeyError):  # ^C is the command's affair
                    poll.unregister(self._over.fileno())
            self._take()
            if self._report.full or self._report.over or self._all_gone():
                break
            if self._command is not None and self._command.poll():
                time.sleep(LAST)
                break

    def _until_due(self) -> float:
        due = self._stories.next_due()
        if due is None:
            return AT_MOST
        return max(0.005, min(AT_MOST, (due - time.monotonic_ns()) / 1e9))

    def _take(self) -> None:
        """One bunch: events, then what /proc says of those that nobody took."""
        now = time.monotonic_ns()
        events = self._source.events()
        stories: list[Story] = []
        for event in events:
            self._stories.meet(event)
        self._describe()
        for event in events:
            stories += self._stories.take(event)
        if self._recorder is not None:
            record_all(self._recorder, events)
        stories += self._stories.tick(now)
        stories += self._looked()
        self._report.add(stories)
        self._report.status(self._source.lost)
        if self._recorder is not None:
            self._recorder.flush()
            if self._recorder.failed and not self._record_told:
                self._record_told = True
                remark(f"the record {self._recorder.path} ends here: {self._recorder.failed}")

    def _describe(self) -> None:
        for pid in self._stories.people.wanting()[:_MOST_NEW]:
            known = read_known(self._procfs, pid)
            if known is not None:
                self._stories.people.describe(known)
                if self._recorder is not None:
                    self._recorder.add(known)

    def _looked(self) -> Iterator[Story]:
        for pid in self._stories.unsettled():
            seen = look(self._procfs, pid, time.monotonic_ns())
            if self._recorder is not None:
                self._recorder.add(seen)
            yield from self._stories.settle(seen)

    def _all_gone(self) -> bool:
        """Targets given by pid have all ended, and nothing else was asked for."""
        if not self._pids or not self._pids <= self._stories.ends.keys():
            return False
        for pid in sorted(self._pids):
            remark(_ended(pid, self._stories.ends[pid].status))
        return True

    def _end(self) -> None:
        """What is still under way is told as far as it goes."""
        with contextlib.suppress(BrokenPipeError):
            self._take()
        now = time.monotonic_ns()
        self._report.add(self._stories.finish(now))
        lost = self._source.lost
        if self._recorder is not None:
            self._recorder.close(Closed(now, lost))
        self._report.close(now, lost)
        if self._stories.let_go:
            remark(f"{self._stories.let_go} signals were let go: too many waited at once")


def _ended(pid: int, status: int | None) -> str:
    if status is None:
        return f"{pid} has ended"
    code = os.waitstatus_to_exitcode(status)
    how = f"exit status {code}" if code >= 0 else f"killed by signal {-code}"
    return f"{pid} has ended: {how}"


def _reader() -> int | None:
    """Our standard output, if it is a pipe that somebody may close."""
    if sys.stdout is None or sys.stdout.isatty():
        return None
    with contextlib.suppress(OSError, ValueError):
        return sys.stdout.fileno()
    return None
