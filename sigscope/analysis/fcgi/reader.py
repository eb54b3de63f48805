"""nginx's reader of a FastCGI answer: does its buffer fill before it knows the status?

After ``ngx_http_upstream_process_header`` (src/http/ngx_http_upstream.c): read as much as the
rest of the buffer holds, look at it, and answer 502 "upstream sent too big header" if the buffer
is full and more is needed. The buffer is emptied only by ``ngx_http_fastcgi_process_header``
(src/http/modules/ngx_http_fastcgi_module.c), where a read ends within the content of a STDERR
record, or just behind it, before any STDOUT. Read on into its padding, or into the header of the
next record, and everything stays in the buffer: that is the trap.

How much a read finds depends on who is faster. All orders are followed, and all outcomes told.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from sigscope.analysis.fcgi.decision import BAD_GATEWAY, Decision, decisions
from sigscope.model.fcgi import Answer, End, FrontEnd, Outcome, Reason

MOST_STATES = 20_000
"""So many places at which a read may begin are followed; beyond, the answer is "unknown"."""
GATEWAY_TIMEOUT = 504
SMALLEST_BUFFER = 1


def front_end(answer: Answer, buffer: int) -> FrontEnd:
    """Every outcome that this answer can have in a buffer of so many bytes (1 or more).

    >>> from sigscope.model.fcgi import Arrival, Record
    >>> text = b"Content-type: text/html\\r\\n\\r\\nok"
    >>> records = (Record(7, 1, 937, 7), Record(6, 1, len(text), 4, text))
    >>> at_once = Answer(records, (Arrival(sum(one.size for one in records)),))
    >>> front_end(at_once, 1024).says, front_end(at_once, 960).says
    ('200', '502')
    """
    found = [_Reads(answer, buffer, one).outcomes() for one in decisions(answer.records)]
    if not all(found):
        return FrontEnd(buffer, ())
    told = {(one.status, one.reason): one for outcomes in found for one in outcomes}
    return FrontEnd(
        buffer, tuple(told[key] for key in sorted(told, key=lambda k: (k[0], k[1].name)))
    )


def enough(answer: Answer) -> int | None:
    """The smallest buffer that cannot fill too early, in bytes; None if nothing decides."""
    found = [one.outcome for one in decisions(answer.records)]
    return max((one.at for one in found if one is not None), default=None)


class _Reads:
    """All that may be read of one answer, by a reader with one size of buffer."""

    def __init__(self, answer: Answer, buffer: int, decision: Decision) -> None:
        self._answer = answer
        self._buffer = buffer
        self._decision = decision
        self._ends = tuple(accumulate(one.size for one in answer.arrivals))
        self._found: dict[tuple[int, Reason], Outcome] = {}

    def outcomes(self) -> tuple[Outcome, ...]:
        """Nothing if there are too many orders, or the content is not known."""
        if self._decision.blind:
            return ()
        waiting, seen = [(0, 0)], {(0, 0)}
        while waiting:
            place, filled = waiting.pop()
            for end in self._reads(place, self._buffer - filled):
                after = self._look(end, filled + end - place)
                if after is not None and after not in seen:
                    if len(seen) >= MOST_STATES:
                        return ()
                    seen.add(after)
                    waiting.append(after)
        return tuple(self._found.values())

    def _reads(self, place: int, room: int) -> list[int]:
        """Where a read that begins here may end. A read that finds the end of all is told."""
        first = bisect_right(self._ends, place)
        if first == len(self._ends):
            self._over(place)
            return []
        if self._answer.end is End.RESET and not self._settled_after(first):
            self._over(place)  # a reset may throw away what was not read yet
        found = []
        for number in range(first, len(self._ends)):
            if number > first and self._answer.arrivals[number].settled:
                break
            found.append(min(self._ends[number], place + room))
            if found[-1] == place + room:
                break
        return found

    def _settled_after(self, first: int) -> bool:
        return any(one.settled for one in self._answer.arrivals[first + 1 :])

    def _look(self, place: int, filled: int) -> tuple[int, int] | None:
        """The state after a read; None where it has an outcome."""
        decided = self._decision.outcome
        if decided is not None and place >= decided.at:
            self._tell(decided)
            return None
        if any(first <= place <= last for first, last in self._decision.emptied):
            return place, 0
        if filled == self._buffer:
            self._tell(Outcome(BAD_GATEWAY, Reason.TOO_BIG_HEADER, place))
            return None
        return place, filled

    def _over(self, place: int) -> None:
        if self._answer.end is End.RESET:
            self._tell(Outcome(BAD_GATEWAY, Reason.CONNECTION_RESET, place))
        elif self._answer.end is End.CLOSED:
            self._tell(Outcome(BAD_GATEWAY, Reason.CONNECTION_CLOSED, place))
        else:
            note = "after fastcgi_read_timeout"
            self._tell(Outcome(GATEWAY_TIMEOUT, Reason.NO_HEADER_YET, place, note))

    def _tell(self, outcome: Outcome) -> None:
        self._found.setdefault((outcome.status, outcome.reason), outcome)
