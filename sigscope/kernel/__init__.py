"""THE DOOR: every open(), ctypes call, ptrace, bpf and tracefs. Returns model values.

Contract: may import ``decode``, ``model``, ``errors``, psutil, ptrace, dpkt, elftools and
itanium_demangler; never ``analysis``, ``render`` or ``cli``. What cannot be read becomes a
:class:`Gap`; what vanished while it was read is left out, or is :class:`NoSuchTarget` where it
was asked for.
"""

from sigscope.kernel.directory import Directory, LiveDirectory
from sigscope.kernel.procfs import ProcFS

__all__ = ["Directory", "LiveDirectory", "ProcFS"]
