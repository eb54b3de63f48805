"""One situation: threads, dispositions, what is pending, and one signal that is sent to it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

AWAITING = ("sigwait", "signalfd_read", "signalfd_poll", "signalfd_epoll")
OPENING = ("ppoll", "pselect", "epoll_pwait", "rt_sigsuspend")
IDLE = ("pause", "nanosleep", "read", "poll", "futex")
CALLS = (*IDLE, *AWAITING, *OPENING, "busy", "vfork", "exit")


@dataclass(frozen=True)
class Task:
    """One thread: what it ``does`` (one of CALLS), and its mask.

    ``set`` is what it awaits, holds a signalfd of, or has as its mask during the call.
    """

    does: str = "pause"
    blocked: int = 0
    set: int = 0


@dataclass(frozen=True)
class Sent:
    """A signal that is sent: ``thread`` is an index, or None for the whole process.

    ``user`` is root, same (the target's own) or other; ``late`` is for earlier signals only:
    sent after the process was stopped or frozen, not before.
    """

    signal: int
    thread: int | None = None
    queued: bool = False
    inside: bool = False
    user: str = "root"
    count: int = 1
    late: bool = False


@dataclass(frozen=True)
class Situation:
    """``actions`` is of (signal, kind): i ignored, h a handler, r a handler with SA_RESTART."""

    sent: Sent
    threads: tuple[Task, ...] = (Task(),)
    actions: tuple[tuple[int, str], ...] = ()
    earlier: tuple[Sent, ...] = ()
    stopped: bool = False
    init: bool = False
    traced: str = ""
    """"", "passed on" (each stop is continued with its signal) or "held" (in a ptrace-stop)."""
    frozen: str = ""
    """"", "v1" or "v2": the cgroup freezer."""
    own_user: bool = False
    queue_limit: int | None = None
    orphaned: bool = False
    far_sender: bool = False
    """The sender is in a session of its own."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Situation:
        """The reverse of ``to_json``."""
        value: dict[str, Any] = json.loads(text)
        value["sent"] = Sent(**value["sent"])
        value["threads"] = tuple(Task(**task) for task in value["threads"])
        value["actions"] = tuple((number, kind) for number, kind in value["actions"])
        value["earlier"] = tuple(Sent(**sent) for sent in value["earlier"])
        return cls(**value)

    def lines(self, uid: int) -> str:
        """What ``situation.c`` is told."""
        lines = [
            f"pidns {int(self.init)}",
            f"uid {uid if self.own_user else 0}",
            f"own_session {int(self.orphaned)}",
            f"sender_session {int(self.far_sender)}",
        ]
        if self.queue_limit is not None:
            lines.append(f"queue_limit {self.queue_limit}")
        lines += [f"action {number} {kind}" for number, kind in self.actions]
        lines += [f"thread {task.does} {task.blocked:x} {task.set:x}" for task in self.threads]
        return "\n".join((*lines, "end", ""))


def paste(value: object) -> str:
    """Python source for a situation, defaults left out: ready to be pasted into ``cases``."""
    if isinstance(value, tuple):
        inner = ", ".join(map(paste, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if not isinstance(value, (Situation, Task, Sent)):
        return repr(value)
    plain = type(value)(sent=Sent(0)) if isinstance(value, Situation) else None
    given = []
    for field in fields(value):
        content = getattr(value, field.name)
        default = getattr(plain, field.name) if plain is not None else field.default
        if content != default:
            shown = _mask(content) if field.name in ("blocked", "set") else paste(content)
            given.append(f"{field.name}={shown}")
    return f"{type(value).__name__}({', '.join(given)})"


def _mask(mask: int) -> str:
    numbers = [number for number in range(1, 65) if mask >> (number - 1) & 1]
    if len(numbers) > 32:
        left = [str(number) for number in range(1, 65) if number not in numbers]
        return f"all_but({', '.join(left)})"
    return f"of({', '.join(map(str, numbers))})"


def of(*numbers: int) -> int:
    """A mask: ``of(1, 2) == 3``."""
    return sum(1 << (number - 1) for number in set(numbers))


def all_but(*numbers: int) -> int:
    """All 64 but these."""
    return (1 << 64) - 1 - of(*numbers)
