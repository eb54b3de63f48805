"""sigqueue(3), which the standard library has not."""

from __future__ import annotations

import ctypes
import os


def queue_value(pid: int, number: int, value: int) -> None:
    """Send a signal with a value to a process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.sigqueue(pid, number, ctypes.c_void_p(value)) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
