"""A TCP segment out of a capture."""

from __future__ import annotations

from enum import Flag, auto

from sigscope.model.value import dataclass


class TcpFlag(Flag):
    """The flags that matter here (RFC 9293, section 3.1)."""

    NONE = 0
    SYN = auto()
    FIN = auto()
    RST = auto()


@dataclass(frozen=True, slots=True)
class Segment:
    """``time`` since the epoch in seconds; ends as ``host:port``; ``seq`` of the first byte.

    ``length`` is what was sent, ``data`` as much of it as was captured.
    """

    time: float
    source: str
    target: str
    flags: TcpFlag
    seq: int
    length: int
    data: bytes
