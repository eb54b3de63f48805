"""Why a request failed: killed, cut off, waiting, or answered in full and lost.

The messages of limits are PHP's own: ``zend_timeout`` (Zend/zend_execute_API.c) and
``zend_mm_safe_error`` (Zend/zend_alloc.c).
"""

from __future__ import annotations

import re

from sigscope.analysis.fcgi.reader import enough
from sigscope.model.fcgi import (
    Cause,
    Clues,
    Ending,
    Exchange,
    FrontEnd,
    Judgement,
    Reason,
)

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
"""Methods that by HTTP's rules change nothing (RFC 9110, section 9.2.1)."""
_LIMITS = (
    (re.compile(r"Maximum execution time of (\d+) seconds? exceeded"), "max_execution_time"),
    (re.compile(r"Allowed memory size of (\d+) bytes exhausted"), "memory_limit"),
)
_GAVE_UP = frozenset(
    (
        Reason.TOO_BIG_HEADER,
        Reason.INVALID_HEADER,
        Reason.INVALID_STATUS,
        Reason.INVALID_LENGTH,
        Reason.INVALID_ENCODING,
    )
)
"""Reasons for which nginx closes the connection before the worker has sent all."""
NO_CLUES = Clues()
_UNSURE = "its work may be half done: look before it is done again"


def judge(exchange: Exchange, front: FrontEnd | None, clues: Clues = NO_CLUES) -> Judgement | None:
    """The cause with its evidence; None if the request did not fail."""
    if exchange.ending is Ending.COMPLETE:
        return _complete(exchange, front)
    if exchange.ending is Ending.OPEN:
        return _waiting(clues)
    if exchange.ending is Ending.ABORTED:
        if front is not None and any(one.reason in _GAVE_UP for one in front.outcomes):
            still = "the front end closed the connection while the worker was still writing"
            return _lost(exchange, front, [still])
        evidence = f"the front end closed the connection {_after(exchange)}, without an answer"
        return _cut("the front end's own", (evidence, *clues.evidence), exchange)
    if exchange.ending is Ending.LOST:
        return Judgement(
            Cause.UNKNOWN,
            exchange.remarks,
            None,
            "see it whole: fewer workers at once, or tcpdump -s 0 -B 65536",
        )
    return _ended(exchange, clues)


def _complete(exchange: Exchange, front: FrontEnd | None) -> Judgement | None:
    evidence = [f"END_REQUEST came {_after(exchange)}: the worker has finished"]
    for pattern, name in _LIMITS:
        if said := next((one for one in exchange.messages if pattern.search(one)), None):
            return _cut(f"PHP's {name}", (said, *evidence), exchange)
    if front is None or not front.failed:
        return None
    return _lost(exchange, front, evidence)


def _lost(exchange: Exchange, front: FrontEnd, evidence: list[str]) -> Judgement:
    """The front end made its own error of what the worker sent."""
    reasons = [one.reason for one in front.outcomes if one.failed]
    evidence += [
        f"{exchange.stderr_bytes} bytes of STDERR, {exchange.stdout_bytes} of STDOUT",
        *(f"nginx: {reason.value!r}" for reason in reasons),
    ]
    if len(front.outcomes) > len(reasons):
        evidence.append("it may have gone well: which of the two depends on when nginx reads")
    if Reason.TOO_BIG_HEADER in reasons:
        least = None if exchange.answer is None else enough(exchange.answer)
        more = "a larger fastcgi_buffer_size" if least is None else f"fastcgi_buffer_size {least}"
        advice = f"{more} or more, or fewer and shorter messages"
    else:
        advice = "mend what the script sends as its header"
    return Judgement(Cause.LOST, tuple(evidence), False, advice)


def _waiting(clues: Clues) -> Judgement:
    evidence = clues.evidence or ("no END_REQUEST, and the connection is open",)
    advice = "no signal is to blame; look at what it waits for"
    return Judgement(Cause.WAITING, tuple(evidence), False, advice)


def _ended(exchange: Exchange, clues: Clues) -> Judgement:
    how = "reset" if exchange.ending is Ending.RESET else "closed"
    evidence = (f"the worker's side {how} the connection {_after(exchange)}", *clues.evidence)
    if clues.limit:
        return _cut(clues.limit, evidence, exchange)
    if clues.signal:
        sender = f" from {clues.sender}" if clues.sender else ""
        advice = f"{clues.signal}{sender}; {_UNSURE}"
        return Judgement(Cause.KILLED, evidence, _retry(exchange), advice)
    return Judgement(
        Cause.UNKNOWN,
        evidence,
        _retry(exchange),
        f"killed or crashed, which the connection alone does not tell; {_UNSURE}",
    )


def _cut(whose: str, evidence: tuple[str, ...], exchange: Exchange) -> Judgement:
    advice = f"the limit is {whose}; {_UNSURE}"
    return Judgement(Cause.LIMIT, evidence, _retry(exchange), advice)


def _retry(exchange: Exchange) -> bool | None:
    return True if exchange.method in SAFE_METHODS else None


def _after(exchange: Exchange) -> str:
    return "at the end" if exchange.seconds is None else f"after {exchange.seconds:.3f} s"
