"""Where the threads of a process wait in the kernel, for those that no signal wakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Waits:
    """``channels`` maps a tid to the kernel function that it sleeps in (proc_pid_wchan(5)).

    An empty name is one that the kernel keeps to itself. ``dumping`` is CoreDumping of the
    status file: the process is being written to a core file, and waits for that.
    """

    channels: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    dumping: bool = False
