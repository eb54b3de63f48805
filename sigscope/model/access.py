"""Which doors the kernel keeps shut for us, which layer does that, and what opens them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from sigscope.model.value import dataclass


class Door(Enum):
    """A way to look at a process (the first ones), or at the kernel itself."""

    SHOWN = "shown"
    """It is in /proc, and its status file can be read: masks, dispositions, what is pending."""
    READ = "read"
    """exe, maps and environ: PTRACE_MODE_READ of ptrace(2)."""
    DESCRIPTORS = "descriptors"
    """The folder fd: the same, and the mode of the file."""
    CALL = "call"
    """syscall, mem and timers: PTRACE_MODE_ATTACH, and the mode of the file."""
    TRACE = "trace"
    """PTRACE_SEIZE."""
    FILTERS = "filters"
    """PTRACE_SECCOMP_GET_FILTER."""
    GENTLY = "gently"
    """A stop that breaks no call of any of its threads."""
    GENTLY_AT_ALL = "gently at all"
    """The same of one thread at least."""
    RUNNING = "running"
    """It is not stopped or frozen: only then it can be stopped and let go on."""
    BPF = "bpf"
    """Programs that read the kernel's structures."""
    EVENTS = "events"
    """Programs that are told what happens, of whomever."""
    TRACEFS = "tracefs"
    PERF = "perf"
    """perf_event_open of a tracepoint."""
    RECORDS = "records"
    """Our own files, where what was changed is written down."""


class Layer(Enum):
    """Who says no."""

    UID = "uid"
    CAPABILITIES = "capabilities"
    USER_NAMESPACE = "user namespace"
    PID_NAMESPACE = "pid namespace"
    YAMA = "Yama"
    SECCOMP = "seccomp"
    HIDEPID = "hidepid"
    LOCKDOWN = "lockdown"
    SECURITY_MODULE = "security module"
    KERNEL = "kernel"
    """It cannot do that."""
    FILES = "file system"
    TARGET = "target"
    """What it is, or who has it: nobody could, now."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who refuses, why, and the line that helps *here* ("" if nothing does)."""

    layer: Layer
    why: str
    hint: str = ""


Refusals = Mapping[Door, Refusal]
"""The doors that are shut; one that is not in there is open."""
