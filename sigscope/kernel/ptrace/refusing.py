"""Why the kernel does not let us trace: one EPERM for a dozen causes (ptrace(2)).

The rules are those of ``kernel.access``; here they are asked about a process that is there.
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace

from sigscope.errors import NoSuchTarget, NotPermitted, NotSupported, SigscopeError
from sigscope.kernel.access import condition, traceable
from sigscope.kernel.other import read_other
from sigscope.kernel.place import here
from sigscope.kernel.ptrace.requests import DETACH, Requests
from sigscope.model.access import Layer, Refusal
from sigscope.model.place import Place

_ENDED = "what runs: sigscope tree --all"


def refusal(pid: int, tid: int, error: OSError, requests: Requests | None = None) -> SigscopeError:
    """The error that says which layer refused, for a thread that is still there."""
    who = f"process {pid}" if tid == pid else f"thread {tid} of process {pid}"
    if error.errno == errno.ESRCH:
        return NoSuchTarget(f"{who} has ended", _ENDED)
    if error.errno in (errno.EINVAL, errno.EIO, errno.ENOSYS):
        return NotSupported(
            f"this kernel does not stop {who}: {error.strerror} (PTRACE_SEIZE)",
            "what /proc tells is: leave --attach out",
        )
    place = _asked(here(), requests)
    them = read_other(place, pid, tid=tid)
    if them is None:
        return NoSuchTarget(f"{who} has ended", _ENDED)
    said = traceable(place, them) or _UNSEEN
    return NotPermitted(f"{who} may not be stopped: {said.why}", said.hint)


_UNSEEN = Refusal(
    Layer.SECURITY_MODULE,
    "a security module or a sandbox refuses it",
    "look for the denial: dmesg | tail; ausearch -m avc",
)


def permission_refusal(pid: int) -> tuple[str, str] | None:
    """Why we may not trace it, and what helps, for a user without CAP_SYS_PTRACE.

    None with that capability: who has it may trace what the modes of /proc do not show.
    """
    place = here()
    them = read_other(place, pid)
    if them is None or place.holds("SYS_PTRACE"):
        return None
    said = traceable(place, them) or _UNSEEN
    return said.why, said.hint


def state_refusal(pid: int) -> tuple[str, str] | None:
    """What it is, or who has it: nobody could trace it now. None if that is not why."""
    them = read_other(here(), pid)
    said = condition(them) if them is not None else None
    return None if said is None else (said.why, said.hint)


def _asked(place: Place, requests: Requests | None) -> Place:
    """A request for something that we do not trace is ESRCH, unless a filter came first."""
    if requests is None:
        return place
    try:
        requests(DETACH, os.getpid())
    except OSError as error:
        if error.errno == errno.ESRCH:
            return place
        return replace(place, refused_calls=place.refused_calls | {"ptrace"})
    return place
