"""Reading and judging the timers of some processes: what one look tells, and two."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sigscope.analysis.catalog import elsewhere
from sigscope.analysis.timers import judge
from sigscope.cli.attach import Attaching
from sigscope.cli.target import Target
from sigscope.errors import ExitStatus
from sigscope.kernel.alarms import read_alarms
from sigscope.kernel.closer import look_closer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.kernel.settings import read_limit
from sigscope.model.alarm import Alarms, Judged
from sigscope.model.catalog import Elsewhere
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """All that is shown of one process; ``elsewhere`` are limits, each with its value."""

    process: Process
    alarms: Alarms
    timers: tuple[Judged, ...]
    elsewhere: tuple[tuple[Elsewhere, str], ...]

    @property
    def arrives(self) -> bool:
        """Would each signal act that an armed timer sends?"""
        return all(
            one.arrives.acts
            for one in self.timers
            if one.arrives is not None and one.alarm.armed is not False
        )


Seen = dict[int, tuple[Process, Alarms]]
"""By pid: who was there, and its timers at that moment."""


def look(
    source: ProcFS, targets: Collection[Target], attaching: Attaching | None = None
) -> tuple[Host, Seen]:
    """What there is of them now; who has ended meanwhile, or is another by now, is left out."""
    pids = tuple(target.pid for target in targets)
    host = look_closer(source, read_family(source, pids, strict=False), pids)
    if attaching is not None:
        host = attaching(host)
    found: Seen = {}
    for target in targets:
        process, first = host.processes.get(target.pid), target.process
        if process is not None and (first is None or first.identity == process.identity):
            found[target.pid] = process, read_alarms(source, host, process)
    return host, found


def judged(source: ProcFS, host: Host, seen: Seen, before: Seen | None = None) -> list[Answer]:
    """Each of them; with an earlier look, it is measured whether its timers advance."""
    return [
        _answer(source, host, process, alarms, (before or {}).get(process.pid))
        for process, alarms in seen.values()
    ]


def _answer(
    source: ProcFS,
    host: Host,
    process: Process,
    alarms: Alarms,
    before: tuple[Process, Alarms] | None,
) -> Answer:
    parent = host.parent(process)
    timers = judge(host, process, alarms, None if before is None else before[1])
    limits = elsewhere(process, parent)
    valued = tuple((one, _value(source, one, process, parent)) for one in limits)
    return Answer(process, alarms, tuple(timers), valued)


def _value(source: ProcFS, one: Elsewhere, process: Process, parent: Process | None) -> str:
    """What that limit is set to, where the file that says it can be read."""
    if not source.live or parent is None:
        return ""
    return read_limit(one.name, process, parent)


def gaps_of(answer: Answer) -> Iterator[Gap]:
    """What of it could not be seen."""
    yield from dict.fromkeys((*answer.process.gaps, *answer.alarms.gaps))


def status_of(answers: Collection[Answer]) -> int:
    """What could not be seen comes before what would not arrive."""
    if any(one.alarms.gaps for one in answers):
        refused = any(gap.refused for one in answers for gap in one.alarms.gaps)
        return int(ExitStatus.NOT_PERMITTED if refused else ExitStatus.NOT_SUPPORTED)
    arrives = all(one.arrives for one in answers)
    return int(ExitStatus.FINE if arrives else ExitStatus.ANSWER_IS_NO)
