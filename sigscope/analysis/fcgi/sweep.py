"""The front end's answer for a run of lengths, as intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sigscope.analysis.fcgi.reader import front_end
from sigscope.model.fcgi import Answer, FrontEnd, Interval

SIZES = (1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)
"""Buffer sizes that people write into fastcgi_buffer_size."""


def sweep(
    lengths: Iterable[int], answer: Callable[[int], Answer], buffer: int
) -> Iterator[Interval]:
    """Neighbouring lengths with the same answer, as one interval each.

    >>> from sigscope.analysis.fcgi.php import Do, Step, answer_of
    >>> def logs(length):
    ...     return answer_of([Step(Do.MESSAGE, length), Step(Do.OUTPUT, 2)])
    >>> [(one.first, one.last) for one in sweep(range(900, 1100), logs, 1024) if one.says == "502"]
    [(924, 1099)]
    """
    first = last = None
    says = ""
    for length in lengths:
        now = front_end(answer(length), buffer).says
        if now != says:
            if first is not None and last is not None:
                yield Interval(first, last, says)
            first, says = length, now
        last = length
    if first is not None and last is not None:
        yield Interval(first, last, says)


def by_size(answer: Answer, sizes: Iterable[int] = SIZES) -> tuple[FrontEnd, ...]:
    """What each of the usual buffer sizes would make of this answer."""
    return tuple(front_end(answer, size) for size in sizes)
