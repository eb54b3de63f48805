"""The records of the programs that watch signals: one shape for who writes and who reads.

Each begins with its kind. They stand in a ring buffer, and in recordings just as there:
4 bytes of length, 4 that mean nothing, the record, and zeroes up to a multiple of 8 bytes.
"""

from __future__ import annotations

from sigscope.decode.records import Record

SENT = Record(
    1,
    "flags I", "time Q",
    "tid I", "tgid I", "uid I", "parent I", "comm 16s", "parent_comm 16s",
    "to_tid I", "to_tgid I", "to_comm 16s", "signal I", "result I", "info 48s",
)  # fmt: skip
"""``flags`` are GROUP and its kin; ``info`` holds a siginfo if they say neither NO_INFO nor
PRIVATE."""
GROUP, BLOCKED, UNKILLABLE, NO_INFO, PRIVATE, INSIDE = (1 << bit for bit in range(6))
"""Process-directed; the target thread blocks it; SIGNAL_UNKILLABLE; SEND_SIG_NOINFO and
SEND_SIG_PRIV in place of a siginfo; a pid in the siginfo may be of another pid namespace."""
DELIVERED = Record(
    2,
    "signal I", "time Q", "tid I", "tgid I", "code i", "uid I", "handler Q", "flags Q", "comm 16s",
)  # fmt: skip
TAKEN = Record(3, "signal I", "time Q", "tid I", "tgid I", "call q", "comm 16s")
"""``call`` is the number of the system call in which it was taken, -1 where that is not known."""
FORKED = Record(
    4, "uid I", "time Q", "tid I", "tgid I", "to_tid I", "to_tgid I", "comm 16s"
)  # fmt: skip
EXECUTED = Record(
    5,
    "uid I", "time Q", "tid I", "tgid I", "parent I", "length I",
    "comm 16s", "parent_comm 16s", "path 128s", "arguments 256s",
)  # fmt: skip
"""``length``: bytes of ``arguments`` that were copied; more than it holds if there were more."""
EXITED = Record(
    6, "process I", "time Q", "tid I", "tgid I", "status I", "uid I", "parent I", "spare I",
    "comm 16s",
)  # fmt: skip
KEY = Record(
    None, "kind I", "signal I", "group I", "result I", "code i", "tgid I", "to_tgid I", "origin I",
    "handler Q",
)  # fmt: skip
"""What events have in common that are counted together; what a kind has not is 0. ``origin``: 0 and
1 as SEND_SIG_NOINFO and SEND_SIG_PRIV, 2 for one with a siginfo."""
FOLDED = Record(7, "spare I", "time Q", "times Q", f"key {KEY.size}s")
"""So many more of that key, the last one at that time. It is written by the reader."""
LOST = Record(8, "spare I", "time Q", "events Q")
"""So many found no room. It is written by the reader."""
HEADER = 8
"""Bytes before each record."""
