"""Why perf events may not be opened here, and what would change that."""

from __future__ import annotations

import errno

from sigscope.errors import NotPermitted, NotSupported, SigscopeError
from sigscope.kernel.access import perf
from sigscope.kernel.place import here

WHAT = "watching with perf events"


def refusal(error: OSError) -> SigscopeError:
    """The error to raise for one of perf_event_open(2), its mmap or its filters."""
    if error.errno in (errno.EPERM, errno.EACCES):
        return _refused()
    if error.errno == errno.ENOSYS:
        return NotSupported(
            f"{WHAT}: this kernel has no perf_event_open(2), or its number on this machine is"
            " not known",
            "it needs CONFIG_PERF_EVENTS",
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return NotSupported(
            f"{WHAT}: too many open files, as each CPU takes some", "ulimit -n 65536"
        )
    if error.errno == errno.ENOMEM:
        return NotSupported(f"{WHAT}: no memory for its buffers", "ask for smaller ones")
    return NotSupported(f"{WHAT}: {error.strerror or error}", "choose another --engine")


def _refused() -> NotPermitted:
    said = perf(here())
    if said is not None:
        return NotPermitted(f"{WHAT}: {said.why}", said.hint)
    return NotPermitted(
        f"{WHAT}: refused in spite of CAP_PERFMON: a security module, or a sandbox",
        "run it on the host itself",
    )
