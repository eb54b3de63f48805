"""Which source of events a watch gets: the best that may be used here, or the one asked for."""

from __future__ import annotations

from collections.abc import Callable

from sigscope.errors import NotPermitted, NotSupported, SigscopeError, UsageError
from sigscope.kernel.watch.source import Source, Wanted

AUTO = "auto"


def _bpf(wanted: Wanted) -> Source:
    from sigscope.kernel.bpf.watch import BpfSource

    try:
        return BpfSource(wanted)
    except OSError as error:
        from sigscope.kernel.bpf.refusal import explain

        why, hint = explain(error)
        kind = NotPermitted if isinstance(error, PermissionError) else NotSupported
        raise kind(why, hint) from error


def _perf(wanted: Wanted) -> Source:
    from sigscope.kernel.perf.source import PerfSource

    return PerfSource(wanted)


def _tracefs(wanted: Wanted) -> Source:
    from sigscope.kernel.tracefs.source import TracefsSource

    return TracefsSource(wanted)


def _ptrace(wanted: Wanted) -> Source:
    from sigscope.kernel.ptrace.source import PtraceSource

    return PtraceSource(wanted)


Opener = Callable[[Wanted], Source]
PASSIVE: tuple[tuple[str, Opener], ...] = (
    ("bpf", _bpf),
    ("perf", _perf),
    ("tracefs", _tracefs),
)
"""The sources that disturb nobody, the best first."""
ON_REQUEST: tuple[tuple[str, Opener], ...] = (("ptrace", _ptrace),)
"""Those that nobody gets without having asked."""


def engines() -> tuple[str, ...]:
    """What ``--engine`` takes.

    >>> engines()[:2]
    ('auto', 'bpf')
    """
    return AUTO, *(name for name, _ in (*PASSIVE, *ON_REQUEST))


def open_source(engine: str, wanted: Wanted) -> Source:
    """The source of that name, or with "auto" the first that may be opened.

    NotPermitted or NotSupported say what each of them is missing; UsageError for another name.
    """
    if engine == AUTO:
        return _first(wanted)
    for name, opener in (*PASSIVE, *ON_REQUEST):
        if name == engine:
            return opener(wanted)
    raise UsageError(f"there is no engine {engine} for a watch", f"one of: {' '.join(engines())}")


def _first(wanted: Wanted) -> Source:
    refused: list[tuple[str, SigscopeError]] = []
    for name, opener in PASSIVE:
        try:
            return opener(wanted)
        except (NotPermitted, NotSupported) as error:
            refused.append((name, error))
    kind = (
        NotPermitted if any(isinstance(one, NotPermitted) for _, one in refused) else NotSupported
    )
    reasons = "; ".join(f"{name}: {error.message}" for name, error in refused)
    hints = dict.fromkeys(error.hint for _, error in refused if error.hint)
    # One that begins as another does says that already.
    said = [one for one in hints if not any(other.startswith(f"{one};") for other in hints)]
    raise kind(f"signals cannot be watched here: {reasons}", "; or ".join([*said, OWN]))


OWN = "watch processes of your own with --engine ptrace, which disturbs them"
"""What is left to an ordinary user."""
