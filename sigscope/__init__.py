"""Which signal is not arriving where, why, and who is to blame: as a library.

>>> import os, sigscope
>>> process = sigscope.read_process(os.getpid())
>>> process.pid == os.getpid(), process.threads[0].tid == os.getpid()
(True, True)
"""

from __future__ import annotations

TYPE_CHECKING = False
"""As typing has it, which would be loaded for this alone."""
if TYPE_CHECKING:
    from sigscope.api import diagnose, read_all, read_process

__version__ = "0.1.0"
__all__ = ["__version__", "diagnose", "read_all", "read_process"]


def __getattr__(name: str) -> object:
    """The three questions are loaded when they are asked: the command line needs few."""
    if name in ("diagnose", "read_all", "read_process"):
        from sigscope import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
