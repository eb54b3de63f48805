"""The passive engine: may we read the kernel's own structures here, and if not, why?

It is opened when it is first wanted, and once: a command that asks nothing of it pays nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sigscope.errors import NotPermitted, NotSupported, SigscopeError
from sigscope.model.gap import Gap

if TYPE_CHECKING:
    from sigscope.kernel.bpf.tasks import Tasks

AUTO, PROC, BPF, PTRACE = ENGINES = ("auto", "proc", "bpf", "ptrace")
WHAT = "what only the kernel's own structures tell"

_OTHERWISE = "use --engine auto"


class Passive:
    """``engine`` is one of ``ENGINES``; ``live`` tells that this host's own /proc is read."""

    def __init__(self, engine: str = AUTO, live: bool = True) -> None:
        self.engine = engine
        self._live = live
        self._opened: Tasks | Gap | None = None
        self._opener = 0
        self._refused = False

    def tasks(self) -> Tasks | Gap:
        """The walk over tasks, or why there is none; an error where it was insisted on."""
        if self._opened is None or self._opener != os.getpid():
            # A fork has the same maps as its parent, and each would write into the other's.
            self._opened, self._opener = self._open(), os.getpid()
        if isinstance(self._opened, Gap):
            self._insist(self._opened)
        return self._opened

    def failed(self, error: OSError | SigscopeError) -> Gap:
        """A walk that was begun went wrong: the gap, or an error where it was insisted on."""
        from sigscope.kernel.bpf.refusal import explain

        self._refused = isinstance(error, PermissionError)
        gap = Gap(WHAT, *explain(error), refused=self._refused)
        self._insist(gap)
        return gap

    def _insist(self, gap: Gap) -> None:
        if self.engine == BPF:
            kind = NotPermitted if self._refused else NotSupported
            raise kind(f"--engine bpf: {gap.why}", gap.hint or _OTHERWISE)

    def _open(self) -> Tasks | Gap:
        if self.engine == PTRACE:
            raise NotSupported("--engine ptrace stops its target: nothing is read so", _OTHERWISE)
        if self.engine == PROC:
            return Gap(WHAT, "--engine proc was asked for", _OTHERWISE)
        if not self._live:
            return Gap(WHAT, "it is read on the host itself, or from a snapshot that holds it")
        from sigscope.kernel.bpf.opening import open_tasks
        from sigscope.kernel.bpf.refusal import explain

        try:
            return open_tasks()
        except (OSError, SigscopeError) as error:
            self._refused = isinstance(error, PermissionError)
            return Gap(WHAT, *explain(error), refused=self._refused)
