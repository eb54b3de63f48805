"""Whether we see the pids that programs see: those of the host."""

from __future__ import annotations

import os

INITIAL_PID_NAMESPACE = "pid:[4026531836]"
"""PID_NS_INIT_INO of include/uapi/linux/nsfs.h: the same number on every kernel."""


def nested() -> bool:
    """Do we live in a pid namespace below that of the host?"""
    return os.readlink("/proc/self/ns/pid") != INITIAL_PID_NAMESPACE
