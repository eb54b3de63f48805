"""Who sent a signal, and how: the siginfo that waits in a queue (sigaction(2))."""

from __future__ import annotations

from typing import NamedTuple

from sigscope.model.signals import Signal

SI_USER, SI_KERNEL = 0, 128
_CODES = {
    SI_USER: "SI_USER",
    SI_KERNEL: "SI_KERNEL",
    -1: "SI_QUEUE",
    -2: "SI_TIMER",
    -3: "SI_MESGQ",
    -4: "SI_ASYNCIO",
    -5: "SI_SIGIO",
    -6: "SI_TKILL",
    -7: "SI_DETHREAD",
    -60: "SI_ASYNCNL",
}
_BY_A_PROCESS = frozenset((SI_USER, -1, -3, -6))
_CHILD = ("CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED")


class SigInfo(NamedTuple):
    """One entry of a pending queue (include/uapi/asm-generic/siginfo.h).

    ``pid`` is the sender (for SIGCHLD the child) as a global pid, or as a pid of our own
    namespace where that could be translated; 0 for the kernel and for a sender outside of the
    target's namespace. ``value`` is sigqueue(3)'s or the timer's sigval, ``timer`` the id
    of a POSIX timer. What this kind of signal does not carry is None. ``inside`` tells that ``pid``
    is a number of the target's own pid namespace: in ours the sender is not known (any more).

    >>> SigInfo(Signal(15), 0, 812, 0).code_name, SigInfo(Signal(17), 1, 812, 0).code_name
    ('SI_USER', 'CLD_EXITED')
    """

    signal: Signal
    code: int
    pid: int | None = None
    uid: int | None = None
    value: int | None = None
    timer: int | None = None
    inside: bool = False

    @property
    def code_name(self) -> str:
        """si_code by name; the number where it has none."""
        if self.signal.name == "SIGCHLD" and 1 <= self.code <= len(_CHILD):
            return _CHILD[self.code - 1]
        return _CODES.get(self.code, str(self.code))

    @property
    def by_a_process(self) -> bool:
        """Did somebody send it (kill, tgkill, sigqueue, mq_notify), or the kernel by itself?"""
        return self.code in _BY_A_PROCESS
