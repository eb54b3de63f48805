"""Each command, with the doors that it goes through and what it finds behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from sigscope.model.access import Door
from sigscope.model.other import Other
from sigscope.model.value import dataclass

When = Callable[[Other], bool]


def always(_: Other) -> bool:
    """For every process."""
    return True


def _pending(other: Other) -> bool:
    return other.pending


def _filtered(other: Other) -> bool:
    return other.filters > 0


@dataclass(frozen=True, slots=True)
class Step:
    """A door, what is missing if it is shut, and whether nothing is left of the answer then.

    ``others`` are other ways to the same: only with all of them shut it is missing.
    """

    door: Door
    what: str
    needed: bool = False
    when: When = always
    others: tuple[Door, ...] = ()


class Scope(Enum):
    """At whom a command looks closely."""

    TARGET = "target"
    TREE = "tree"
    """Also at its ancestors, and at all who may have something wrong with their signals."""
    SUSPECTS = "suspects"
    """At nobody else, and at a target only if there may be something wrong."""
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Row:
    """A command, as it is typed."""

    command: str
    steps: tuple[Step, ...] = ()
    scope: Scope = Scope.TARGET


_CALLS = Step(Door.CALL, "the system calls of its threads")
_PROGRAM = Step(Door.READ, "the file of its program")
_SIGNALFDS = Step(Door.DESCRIPTORS, "what its signalfds take")
_LOOK = (_CALLS, _PROGRAM, _SIGNALFDS)
_SENDERS = Step(Door.BPF, "who sent what is pending", when=_pending)
_STOP = (
    Step(Door.TRACE, "a stop", needed=True),
    Step(Door.CALL, "what a stop would break (--force does it all the same)", needed=True),
    Step(Door.GENTLY_AT_ALL, "a stop that breaks nothing (--force does it)", needed=True),
)
_STOP_OF_ALL = (*_STOP, Step(Door.GENTLY, "a stop of all that breaks nothing", needed=True))
_STOP_OF_SOME = (*_STOP, Step(Door.GENTLY, "threads whose calls a stop would break"))
_EVENTS = "the events"
_ASKED = Step(
    Door.FILTERS,
    "what its filters let it be asked",
    needed=True,
    when=_filtered,
    others=(Door.BPF,),
)

ROWS: tuple[Row, ...] = (
    Row("pid", (*_LOOK, _SENDERS)),
    Row("pid --attach", (*_STOP_OF_SOME, *_LOOK)),
    Row("tree", _LOOK, Scope.TREE),
    Row(
        "handlers",
        (Step(Door.BPF, "which functions run", needed=True), *_LOOK),
    ),
    Row(
        "handlers --attach",
        (
            *_STOP_OF_SOME,
            _ASKED,
            *_LOOK,
        ),
    ),
    Row(
        "timers",
        (
            Step(Door.BPF, "interval timers, and what remains of POSIX timers"),
            Step(Door.CALL, "POSIX timers"),
            Step(Door.DESCRIPTORS, "timerfds"),
            _PROGRAM,
        ),
    ),
    Row(
        "timers --attach",
        (
            *_STOP_OF_SOME,
            replace(_ASKED, needed=False),
            Step(Door.DESCRIPTORS, "timerfds"),
            _PROGRAM,
        ),
    ),
    Row(
        "seccomp",
        (Step(Door.BPF, "what its filters answer", needed=True, when=_filtered), *_LOOK),
    ),
    Row("explain", (*_LOOK, Step(Door.DESCRIPTORS, "its connections"))),
    Row(
        "restart",
        (
            Step(Door.CALL, "the system calls of its threads", needed=True),
            _PROGRAM,
            _SIGNALFDS,
        ),
    ),
    Row("restart --live", (*_STOP_OF_ALL, Step(Door.RUNNING, "a stop", needed=True))),
    Row("audit", (*_LOOK, _SENDERS), Scope.SUSPECTS),
    Row(
        "watch",
        (Step(Door.EVENTS, _EVENTS, needed=True, others=(Door.PERF, Door.TRACEFS)),),
    ),
    Row("watch --engine bpf", (Step(Door.EVENTS, _EVENTS, needed=True),)),
    Row("watch --engine perf", (Step(Door.PERF, _EVENTS, needed=True),)),
    Row("watch --engine tracefs", (Step(Door.TRACEFS, _EVENTS, needed=True),)),
    Row("watch --engine ptrace", (Step(Door.TRACE, "a stop", needed=True),)),
    Row(
        "fcgi",
        (
            Step(Door.EVENTS, "what its descriptors carry", needed=True),
            Step(Door.DESCRIPTORS, "its sockets", needed=True),
        ),
    ),
    Row(
        "fcgi --engine ptrace",
        (
            Step(Door.TRACE, "a stop", needed=True),
            Step(Door.GENTLY_AT_ALL, "a stop that breaks nothing", needed=True),
            Step(Door.DESCRIPTORS, "its sockets", needed=True),
        ),
    ),
    Row(
        "unblock",
        (
            *_STOP,
            Step(Door.RECORDS, "a place for the record that --undo needs", needed=True),
        ),
    ),
    Row("run", scope=Scope.NOBODY),
    Row(
        "snapshot",
        (*_LOOK, Step(Door.BPF, "what only the kernel's own structures tell")),
    ),
    Row("decode", scope=Scope.NOBODY),
)
"""In the order of the manual. A mode that asks for more stands behind its command."""
