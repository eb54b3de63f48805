"""Something that could not be read: missing is not empty."""

from __future__ import annotations

from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing, why, and the hint that makes it readable.

    >>> Gap("syscall of 4285", "permission denied", "sudo sigscope pid 4285").what
    'syscall of 4285'
    """

    what: str
    why: str
    hint: str = ""
    unjudged: int | None = None
    """The pid of a process of which something could not be judged for want of this."""
    refused: bool = False
    """Was it a permission that was missing?"""
