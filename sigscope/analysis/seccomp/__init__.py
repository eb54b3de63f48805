"""What seccomp filters answer: a simulator of classic BPF, and what its answers mean.

``simulate`` answers for one call, ``survey`` for a whole table of them, ``restart_answer`` for the
call with which the kernel goes on after a stop, and ``proven`` for all that a tracer relies on.
"""

from sigscope.analysis.seccomp.proven import proven
from sigscope.analysis.seccomp.restarting import restart_answer
from sigscope.analysis.seccomp.simulate import simulate, survey

__all__ = ["proven", "restart_answer", "simulate", "survey"]
