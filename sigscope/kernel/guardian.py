"""A process that lets a stopped one go on if we cannot do it any more.

While a target is stopped for our sake, being killed ourselves would leave it so. So before the
stop a child of ours takes a seat in a session of its own, with no signal to disturb it, and waits
for the end of a pipe. If that comes without a word from us, it does what we owe.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

_DONE = b"."
_RELEASED = 0


@contextlib.contextmanager
def watched_over(rescue: Callable[[], None]) -> Iterator[None]:
    """Inside ``with``, if this process is killed, ``rescue`` runs all the same.

    At the normal end, and where an exception is raised, it does not: then the caller's own
    ``finally`` is there.
    """
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    everything = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, everything)
    child = os.fork()
    if child == 0:
        _watch(ours, theirs, rescue)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(ours)
    try:
        yield
    finally:
        with contextlib.suppress(BrokenPipeError):
            os.write(theirs, _DONE)
        os.close(theirs)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def _watch(ours: int, theirs: int, rescue: Callable[[], None]) -> None:
    """In the child; it never returns, and runs nothing else of Python's end."""
    try:
        os.setsid()
        os.close(theirs)
        if os.read(ours, 1) != _DONE:
            rescue()
    finally:
        os._exit(_RELEASED)
