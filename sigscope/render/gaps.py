"""What could not be read, why, and how to make it readable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sigscope.model.gap import Gap
from sigscope.render.line import Line, Role, Span, wrapped

_OF_PID = r"^(.*?)(?:task/\d+/)?(\S+) of (\d+)$"
_MOST_PIDS = 6


def gap_count(gaps: Sequence[Gap]) -> Iterator[Line]:
    """That there are some, where they would bury the answer."""
    if gaps:
        things = "1 thing" if len(gaps) == 1 else f"{len(gaps)} things"
        yield Line.of(Span(f"{things} could not be read (--all says what, and why)", Role.FAINT))


def gap_lines(gaps: Iterable[Gap], width: int) -> Iterator[Line]:
    """Gaps of the same kind and cause on one line, with the pids they hold for."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for gap in gaps:
        match = re.match(_OF_PID, gap.what)
        what, pid = (match[1] + match[2], match[3]) if match else (gap.what, "")
        pids = groups.setdefault((what, gap.why, gap.hint), [])
        if pid and pid not in pids:
            pids.append(pid)
    if not groups:
        return
    yield Line.of(Span("not seen", Role.STRONG))
    for (what, why, hint), pids in groups.items():
        of = f" of {' '.join(pids[:_MOST_PIDS])}" if pids else ""
        more = f" and {len(pids) - _MOST_PIDS} more" if len(pids) > _MOST_PIDS else ""
        yield from wrapped(f"{what}{of}{more}: {why}", width, "  ")
        if hint:
            yield from wrapped(hint, width, "    ", Role.FAINT)
