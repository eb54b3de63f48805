"""Reading and judging together: scan, closer look, diagnosis, and a second look if need be."""

from __future__ import annotations

import time
from collections.abc import Collection

from sigscope.analysis.diagnose import diagnose, lasting, suspects
from sigscope.kernel.closer import look_closer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Severity
from sigscope.model.host import Host

SECOND_LOOK = 0.25
"""Seconds. Healthy event loops were seen to open their mask every 0.1 s."""


def diagnose_targets(procfs: ProcFS, pids: Collection[int]) -> Diagnosis:
    """These processes, looked at closely; an error among the findings is looked at twice."""
    host = read_family(procfs, pids)
    first = diagnose(look_closer(procfs, host, pids), pids)
    return _settled(procfs, first)


def diagnose_host(procfs: ProcFS, host: Host, shown: Collection[int]) -> Diagnosis:
    """Every process of a scan, those under suspicion and those shown looked at closely."""
    close = suspects(host) | set(shown)
    return _settled(procfs, diagnose(look_closer(procfs, host, close)))


def _settled(procfs: ProcFS, first: Diagnosis) -> Diagnosis:
    """An error rests on two looks, a moment apart; a recorded tree is as it is."""
    if not procfs.live or not first.reaches(Severity.ERROR):
        return first
    time.sleep(SECOND_LOOK)
    suspected = {finding.pid for finding in first.findings if finding.severity is Severity.ERROR}
    host = read_family(procfs, suspected, strict=False)
    second = diagnose(look_closer(procfs, host, suspected), suspected)
    return lasting(first, second)
