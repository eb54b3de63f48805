"""What a process told the kernel to do with a signal: one entry of its sigaction table."""

from __future__ import annotations

from typing import NamedTuple

from sigscope.model.signals import SignalSet

SIG_DFL, SIG_IGN = 0, 1
FLAGS = {
    0x00000001: "NOCLDSTOP",
    0x00000002: "NOCLDWAIT",
    0x00000004: "SIGINFO",
    0x00000400: "UNSUPPORTED",
    0x00000800: "EXPOSE_TAGBITS",
    0x04000000: "RESTORER",
    0x08000000: "ONSTACK",
    0x10000000: "RESTART",
    0x40000000: "NODEFER",
    0x80000000: "RESETHAND",
}
"""include/uapi/asm-generic/signal-defs.h and asm/signal.h of x86 and arm64."""


class SigAction(NamedTuple):
    """struct k_sigaction (include/linux/signal_types.h), as the kernel keeps it.

    ``handler`` and ``restorer`` are addresses in the process; 0 and 1 are SIG_DFL and
    SIG_IGN. ``mask`` is what is blocked while the handler runs (without the signal itself).

    >>> SigAction(0x401000, 0x14000004, SignalSet()).flag_names
    ('SIGINFO', 'RESTORER', 'RESTART')
    """

    handler: int
    flags: int
    mask: SignalSet
    restorer: int = 0

    @property
    def disposition(self) -> str:
        """The words of :meth:`Process.disposition`."""
        return {SIG_DFL: "default", SIG_IGN: "ignored"}.get(self.handler, "caught")

    @property
    def flag_names(self) -> tuple[str, ...]:
        """The flags by name, without SA_; bits that have none in hex."""
        named = tuple(name for bit, name in FLAGS.items() if self.flags & bit)
        unknown = self.flags & ~sum(FLAGS)
        return (*named, hex(unknown)) if unknown else named

    @property
    def restarts(self) -> bool:
        """SA_RESTART: an interrupted call may start again after the handler."""
        return bool(self.flags & 0x10000000)
