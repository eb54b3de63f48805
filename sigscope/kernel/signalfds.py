"""The signalfds of a process: what they take is blocked, and arrives all the same."""

from __future__ import annotations

from sigscope.decode.fdinfo import decode_epoll, decode_signalfd
from sigscope.kernel.directory import Directory
from sigscope.kernel.refusal import GONE
from sigscope.model.process import SignalFd

_SIGNALFD = "anon_inode:[signalfd]"
_EPOLL = "anon_inode:[eventpoll]"


def read_signalfds(directory: Directory) -> tuple[SignalFd, ...]:
    """The signalfds among the descriptors; one that is closed meanwhile is left out.

    A process with a great many descriptors is looked at up to the limit of
    :meth:`Directory.names`. OSError where the descriptors are not shown to us.
    """
    sets: dict[int, bytes] = {}
    watched: set[int] = set()
    for name in directory.names("fd"):
        try:
            target = directory.link(f"fd/{name}")
            if target == _SIGNALFD:
                sets[int(name)] = directory.read(f"fdinfo/{name}")
            elif target == _EPOLL:
                watched |= decode_epoll(directory.read(f"fdinfo/{name}"))
        except OSError as error:
            if error.errno not in GONE:
                raise
    return tuple(
        SignalFd(fd, decode_signalfd(data), fd in watched) for fd, data in sorted(sets.items())
    )
