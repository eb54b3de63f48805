"""/proc/PID/limits (proc_pid_limits(5)): the one limit that sends signals."""

from __future__ import annotations

import re

from sigscope.errors import DecodeError

_CPU = re.compile(
    rb"(?m)^Max cpu time +(unlimited|\d{1,20}) +(unlimited|\d{1,20}) +seconds *$",
)


def decode_cpu_limit(data: bytes) -> tuple[int | None, int | None]:
    r"""RLIMIT_CPU, soft and hard, in seconds; None is unlimited.

    >>> decode_cpu_limit(b"Max cpu time              60              unlimited       seconds\n")
    (60, None)
    """
    match = _CPU.search(data)
    if match is None:
        raise DecodeError("limits", "it has no line on CPU time")
    soft, hard = (None if one == b"unlimited" else int(one) for one in match.groups())
    return soft, hard
