"""Orphaned process groups, which no TSTP, TTIN or TTOU stops (setpgid(2), kernel/exit.c)."""

from __future__ import annotations

from sigscope.model.host import Host
from sigscope.model.process import Process


def orphaned(host: Host, process: Process) -> bool | None:
    """is_current_pgrp_orphaned(): has no member a parent in the session, outside the group?

    None if the parent of a member was not read, unless another member settles it.
    """
    unsure = False
    for member in host.processes.values():
        if member.pgrp != process.pgrp or member.session != process.session:
            continue
        if member.ppid in (0, 1) or (member.zombie and len(member.threads) == 1):
            continue
        parent = host.processes.get(member.ppid)
        if parent is None:
            unsure = True
        elif parent.pgrp != process.pgrp and parent.session == process.session:
            return False
    return None if unsure else True
