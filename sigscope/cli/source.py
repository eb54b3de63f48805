"""Opening what the answer is read from: this host's /proc, another one, or a snapshot."""

from __future__ import annotations

from sigscope.errors import UsageError
from sigscope.kernel.procfs import LIVE, ProcFS


def open_source(procfs: str, snapshot: str | None) -> ProcFS:
    """The ProcFS that ``--procfs`` or ``--from`` names."""
    if snapshot is None:
        return ProcFS(procfs)
    if procfs != LIVE:
        raise UsageError("--from and --procfs exclude each other", "give the snapshot alone")
    from sigscope.kernel.snapshot import open_snapshot

    return open_snapshot(snapshot)
