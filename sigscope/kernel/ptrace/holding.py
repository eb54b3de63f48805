"""A tracer's own thread, in which nothing can interrupt it while a target stands still.

ptrace(2) belongs to a thread: when it ends, however it ends, the kernel lets go of all that
it traced. So the work is done in one that lives for this alone. Meanwhile signals are held back in
the whole process: a Ctrl-C, a Ctrl-Z or the end of a terminal has to wait until the target runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from sigscope.errors import NotSupported
from sigscope.kernel.collection import no_collection

T = TypeVar("T")
_OWN_FAULTS = frozenset(
    (
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGTRAP,
        signal.SIGSYS,
        signal.SIGABRT,
    )
)
_WATCH = 0.05
"""Seconds between the looks of the thread that waits."""
LIMIT = 60.0
"""Seconds after which we no longer believe that the tracer's thread comes back."""


class _Work(threading.Thread, Generic[T]):
    """A daemon: if it hangs in the kernel, it does not keep the process alive."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(name="tracer", daemon=True)
        self._work = work
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        prefer()
        try:
            self.result = self._work()
        except BaseException as error:  # it is raised again by the one who waits
            self.error = error


def in_own_thread(work: Callable[[], T], meanwhile: Callable[[], None], limit: float = LIMIT) -> T:
    """What ``work`` returns or raises.

    ``meanwhile`` is called now and then while it runs. SIGCHLD is blocked in all threads
    that we know of (the caller's and the new one), as ``waiting`` needs it.
    """
    with _signals_held(), no_collection():
        thread = _Work(work)
        thread.start()
        deadline = time.monotonic() + limit
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(_WATCH)
            if thread.is_alive():
                meanwhile()
    if thread.is_alive() or not _left(thread, deadline):
        raise NotSupported(
            f"the kernel has not come back from a request for {limit:.0f} s",
            "the target is let go when we end",
        )
    if thread.error is not None:
        raise thread.error
    return thread.result  # type: ignore[return-value]  # it has ended, and without an error


def _left(thread: threading.Thread, deadline: float) -> bool:
    """Wait until the kernel, too, knows of its end: only then has it let go of everything."""
    while os.path.exists(f"/proc/self/task/{thread.native_id}"):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """All but our own faults, in the calling thread and those that it starts."""
    held = signal.valid_signals() - _OWN_FAULTS - {signal.SIGKILL, signal.SIGSTOP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    ignored = signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    main = threading.current_thread() is threading.main_thread()
    if ignored and main:  # then the kernel tells nobody of a stop
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        if ignored and main:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def prefer() -> None:
    """Run before all ordinary work, in this thread, if we may: on a busy host a target would
    else stand still for as long as others compute before it is our turn.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
