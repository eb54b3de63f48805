"""Reading and judging together: scan, closer look, diagnosis, and more looks if need be."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from sigscope.analysis.checks.timer_blocked import candidates
from sigscope.analysis.diagnose import diagnose, lasting, suspects
from sigscope.cli.target import Target
from sigscope.kernel.closer import look_closer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Severity
from sigscope.model.host import Host

PAUSES = (0.011, 0.023, 0.037, 0.053, 0.126)
"""Seconds between the looks on which more than a note rests: uneven, a quarter of one in all.

Healthy event loops were seen to open their mask every 0.1 s, and two looks at a busy shell hit
upon the same instant of its loop too often.
"""


def diagnose_targets(
    procfs: ProcFS, targets: Iterable[Target], further: Callable[[Host], Host] | None = None
) -> Diagnosis:
    """These processes, looked at closely; where more than a note is found, several times.

    ``further`` adds to what the first look has seen.
    """
    seen = {target.pid: target.process for target in targets if target.process is not None}
    pids = tuple(seen)
    closer = _closer(procfs, read_family(procfs, pids, seen=seen), pids)
    first = diagnose(further(closer) if further else closer, pids)
    return _settled(procfs, first)


def diagnose_host(procfs: ProcFS, host: Host, shown: Collection[int]) -> Diagnosis:
    """Every process of a scan, those under suspicion and those shown looked at closely."""
    close = suspects(host) | set(shown)
    return _settled(procfs, diagnose(_closer(procfs, host, close)))


def _closer(procfs: ProcFS, host: Host, pids: Collection[int]) -> Host:
    """A close look, and the timers of those whose timers may be mute."""
    host = look_closer(procfs, host, pids)
    mute = candidates(host.processes[pid] for pid in pids if pid in host.processes)
    if not mute:
        return host
    from sigscope.kernel.details import read_timers

    return read_timers(procfs, host, mute)


def _settled(procfs: ProcFS, first: Diagnosis) -> Diagnosis:
    """More than a note rests on several looks; a recorded tree is as it is."""
    settled = first
    for pause in PAUSES if procfs.live else ():
        suspected = {one.pid for one in settled.findings if one.severity is not Severity.NOTE}
        if not suspected:
            break
        time.sleep(pause)
        host = read_family(procfs, suspected, strict=False)
        again = diagnose(_closer(procfs, host, suspected), suspected)
        settled = lasting(settled, again)
    return settled
