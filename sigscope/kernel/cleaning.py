"""The usual start of ``run``: everything at its default and open, with next to nothing loaded.

What can set any mask and any dispositions (``dispositions``) needs the values of the house, which
take longer to load than Python itself. Here the interpreter's own functions do; only where 32 or
33 is ignored, of which glibc keeps us away, a bare system call is made through ctypes.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
"""As typing has it, which would be loaded for this alone."""
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # the system calls alone: what is around them loads enum and more

_LONGEST = 1 << 14
_IGNORED = b"\nSigIgn:\t"
_LIBC_OWN = (32, 33)
"""glibc's posix_spawn(3) leaves these two ignored in what it starts."""
_SIZE_OF_SET = 8
CALLS = {
    ("x86_64", 8): (13, 14),
    ("x86_64", 4): (174, 175),
    ("i686", 4): (174, 175),
    ("aarch64", 8): (134, 135),
    ("riscv64", 8): (134, 135),
}
"""rt_sigaction and rt_sigprocmask, by machine and size of a pointer (asm/unistd.h)."""


def clean() -> bool:
    """Have no signal blocked or ignored, and the default for all; False if that is not certain."""
    try:
        with open("/proc/self/status", "rb") as file:
            status = file.read(_LONGEST)
        at = status.index(_IGNORED) + len(_IGNORED)
        ignored = int(status[at : at + 16], 16)
        # Python has a handler for SIGINT, and execve would drop one that came just before it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        while ignored:
            number = ignored.bit_length()
            ignored -= 1 << number - 1
            if number not in _LIBC_OWN:
                signal.signal(number, signal.SIG_DFL)
            elif not _set_default(number):
                return False
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    except (OSError, ValueError):
        return False
    return True


def _set_default(number: int) -> bool:
    """By the call itself: struct sigaction is all zero then."""
    call = CALLS.get((os.uname().machine, 8 if sys.maxsize > 1 << 32 else 4))
    if call is None:
        return False
    import ctypes

    wanted = ctypes.create_string_buffer(64)
    failed: int = ctypes.CDLL(None).syscall(call[0], number, wanted, None, _SIZE_OF_SET)
    return not failed
