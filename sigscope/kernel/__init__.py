"""THE DOOR: every open(), ctypes call, ptrace, bpf and tracefs. Returns model values.

Contract: may import ``decode``, ``model``, ``errors``, psutil, ptrace, dpkt, elftools and
itanium_demangler; never ``analysis``, ``render`` or ``cli``. What cannot be read becomes a
:class:`Gap`; what vanished while it was read is left out, or is :class:`NoSuchTarget` where it
was asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False
"""As typing has it, which would be loaded for this alone."""
if TYPE_CHECKING:
    from sigscope.kernel.directory import Directory, LiveDirectory
    from sigscope.kernel.procfs import ProcFS

__all__ = ["Directory", "LiveDirectory", "ProcFS"]


def __getattr__(name: str) -> object:
    """Loaded when it is asked for by this way."""
    if name in __all__:
        from sigscope.kernel import directory, procfs

        return getattr(procfs if name == "ProcFS" else directory, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
