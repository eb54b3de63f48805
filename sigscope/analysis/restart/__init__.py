"""After a stop, a freeze, an attach or a signal: do the system calls of a process resume?

``table`` says what each call answers when it is interrupted, ``filtered`` what a seccomp filter
makes of restart_syscall, ``judge`` puts the two together for each thread.
"""

from sigscope.analysis.restart.filtered import proven
from sigscope.analysis.restart.judge import descriptors, kind_of, prospect, prospects

__all__ = ["descriptors", "kind_of", "prospect", "prospects", "proven"]
