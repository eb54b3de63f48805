"""What goes with a process when it ends."""

from __future__ import annotations

from sigscope.model.gap import Gap
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Loss:
    """``peers`` are remote addresses of established TCP connections, ``unix`` the number of
    connected UNIX sockets, ``children`` the pids that will be orphaned; None: not known.

    ``restart`` is the Restart= of its systemd unit, where it is the unit's and known.
    """

    peers: tuple[str, ...] | None
    unix: int | None
    children: tuple[int, ...] | None
    restart: str | None = None
    gaps: tuple[Gap, ...] = ()
