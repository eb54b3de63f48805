"""Opening what the answer is read from: this host's /proc, another one, or a snapshot."""

from __future__ import annotations

from sigscope.errors import UsageError
from sigscope.kernel.passive import AUTO, PROC, PTRACE
from sigscope.kernel.procfs import LIVE, ProcFS


def open_source(procfs: str, snapshot: str | None, engine: str = AUTO) -> ProcFS:
    """The ProcFS that ``--procfs`` or ``--from`` names, and beside it the ``--engine``."""
    if engine == PTRACE:
        raise UsageError(
            "this command stops nothing, and --engine ptrace would",
            "sigscope pid and sigscope handlers have it, as --attach",
        )
    if snapshot is None:
        return ProcFS(procfs, engine=engine)
    if procfs != LIVE:
        raise UsageError("--from and --procfs exclude each other", "give the snapshot alone")
    if engine not in (AUTO, PROC):
        raise UsageError(
            f"--from and --engine {engine} exclude each other",
            "a snapshot holds what was read when it was taken",
        )
    from sigscope.kernel.snapshot import open_snapshot

    return open_snapshot(snapshot, engine)
