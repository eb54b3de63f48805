"""The 64 signals of the kernel, and sets of them.

Numbers 1 to 31 differ between architectures (signal(7)); they are taken from the
running one, through the standard library. Real-time signals are counted from 34, as
glibc does: 32 and 33 belong to its threads, and carry the names of their use there
(glibc, sysdeps/unix/sysv/linux/internal-signals.h).
"""

from __future__ import annotations

import signal as libc
from collections.abc import Iterable, Iterator
from enum import Enum

from sigscope.model.value import dataclass

FIRST, LAST = 1, 64
RTMIN = 34
ALL_BITS = (1 << LAST) - 1
ALIASES = {"SIGIOT": "SIGABRT", "SIGCLD": "SIGCHLD", "SIGPOLL": "SIGIO", "SIGRTMAX": "SIGRTMIN+30"}


def _names() -> dict[int, str]:
    names = {
        member.value: name
        for name, member in libc.Signals.__members__.items()
        if name not in ALIASES and not name.startswith("SIGRT")
    }
    names.setdefault(16, "SIGSTKFLT")  # the standard library learned it in 3.11
    names[32], names[33] = "SIGCANCEL", "SIGSETXID"
    names[RTMIN] = "SIGRTMIN"
    names.update({n: f"SIGRTMIN+{n - RTMIN}" for n in range(RTMIN + 1, LAST + 1)})
    return names


NAMES = _names()
NUMBERS = {name: number for number, name in NAMES.items()}


class Action(Enum):
    """What the kernel does with a signal whose disposition is the default (signal(7))."""

    TERMINATE = "terminate"
    CORE = "core"
    STOP = "stop"
    CONTINUE = "continue"
    IGNORE = "ignore"


_ACTIONS = {
    **dict.fromkeys(
        "SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGSEGV SIGXCPU SIGXFSZ SIGSYS".split(),
        Action.CORE,
    ),
    **dict.fromkeys("SIGSTOP SIGTSTP SIGTTIN SIGTTOU".split(), Action.STOP),
    **dict.fromkeys("SIGCHLD SIGURG SIGWINCH".split(), Action.IGNORE),
    "SIGCONT": Action.CONTINUE,
}


class Signal(int):
    """One signal by its number; ``ValueError`` outside 1 to 64.

    >>> Signal(14).name, Signal(14).short, Signal(36).name
    ('SIGALRM', 'ALRM', 'SIGRTMIN+2')
    """

    def __new__(cls, number: int) -> Signal:
        if not FIRST <= number <= LAST:
            raise ValueError(f"{number} is not a signal: they are numbered {FIRST} to {LAST}")
        return super().__new__(cls, number)

    @classmethod
    def named(cls, name: str) -> Signal:
        """The signal of exactly this name, SIG included; ``KeyError`` if there is none.

        >>> Signal.named("SIGCLD")
        <SIGCHLD>
        """
        return cls(NUMBERS[ALIASES.get(name, name)])

    @property
    def name(self) -> str:
        return NAMES.get(self, f"SIG{int(self)}")

    @property
    def short(self) -> str:
        """The name as it is typed after ``kill -``."""
        return self.name.removeprefix("SIG")

    @property
    def default_action(self) -> Action:
        return _ACTIONS.get(self.name, Action.TERMINATE)

    def __repr__(self) -> str:
        return f"<{self.name}>"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class SignalSet:
    """A set of signals, as the kernel prints it: bit N-1 stands for signal N.

    >>> mask = SignalSet(0x86002)
    >>> [signal.name for signal in mask]
    ['SIGINT', 'SIGALRM', 'SIGTERM', 'SIGTSTP']
    >>> mask.hex, Signal(14) in mask, (mask - SignalSet.of("SIGINT")).hex
    ('0000000000086002', True, '0000000000086000')
    """

    mask: int = 0

    @classmethod
    def of(cls, *names: str) -> SignalSet:
        return cls.containing(Signal.named(name) for name in names)

    @classmethod
    def containing(cls, signals: Iterable[int]) -> SignalSet:
        mask = 0
        for number in signals:
            mask |= 1 << (number - 1)
        return cls(mask)

    @property
    def hex(self) -> str:
        """The 16 digits of /proc/PID/status."""
        return f"{self.mask:016x}"

    def __contains__(self, number: int) -> bool:
        return bool(self.mask >> (number - 1) & 1)

    def __iter__(self) -> Iterator[Signal]:
        rest = self.mask
        while rest:
            lowest = rest & -rest
            yield Signal(lowest.bit_length())
            rest ^= lowest

    def __len__(self) -> int:
        return self.mask.bit_count()

    def __bool__(self) -> bool:
        return self.mask != 0

    def __and__(self, other: SignalSet) -> SignalSet:
        return SignalSet(self.mask & other.mask)

    def __or__(self, other: SignalSet) -> SignalSet:
        return SignalSet(self.mask | other.mask)

    def __sub__(self, other: SignalSet) -> SignalSet:
        return SignalSet(self.mask & ~other.mask)

    def __invert__(self) -> SignalSet:
        return SignalSet(~self.mask & ALL_BITS)

    def __le__(self, other: SignalSet) -> bool:
        """Is every one of these signals in the other set, too?"""
        return self.mask & ~other.mask == 0


EMPTY = SignalSet()
EVERYTHING = ~EMPTY
UNBLOCKABLE = SignalSet.of("SIGKILL", "SIGSTOP")
LIBC_OWN = SignalSet.of("SIGCANCEL", "SIGSETXID")
"""glibc's own two: never blocked by sigfillset, ignored after posix_spawn. Not an anomaly."""
FAULTS = SignalSet.of("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS")
"""Raised by the CPU or a seccomp filter in the thread itself: blocked, they kill."""
DEFAULT_TERMINATES = SignalSet.containing(
    n for n in range(FIRST, LAST + 1) if Signal(n).default_action in (Action.TERMINATE, Action.CORE)
)
DEFAULT_HARMLESS = SignalSet.containing(
    n
    for n in range(FIRST, LAST + 1)
    if Signal(n).default_action in (Action.IGNORE, Action.CONTINUE)
)
