"""Which CPUs there are: a buffer belongs to each."""

from __future__ import annotations

import os

from sigscope.decode.host import decode_cpu_list
from sigscope.errors import DecodeError

ONLINE = "/sys/devices/system/cpu/online"


def online() -> frozenset[int]:
    """The CPUs that are switched on.

    >>> 0 in online() or len(online()) > 0
    True
    """
    try:
        with open(ONLINE, "rb") as file:
            return decode_cpu_list(file.read(1 << 13))
    except (OSError, DecodeError):
        return frozenset(range(os.cpu_count() or 1))
