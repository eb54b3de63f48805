"""Requests, judged and printed one after the other, for ``sigscope fcgi``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from sigscope.analysis.fcgi.cause import NO_CLUES, judge
from sigscope.analysis.fcgi.reader import enough, front_end
from sigscope.cli.output import put, put_line, width
from sigscope.errors import ExitStatus
from sigscope.model.fcgi import Cause, Clues, Exchange
from sigscope.render.document import SCHEMA
from sigscope.render.exchange import exchange_json, exchange_lines


class Report:
    """Prints each request; ``status`` is the exit status of all so far."""

    def __init__(self, buffers: Sequence[int], as_json: bool) -> None:
        self._buffers = tuple(buffers)
        self._as_json = as_json
        self._host = os.uname().nodename
        self.requests = 0
        self.causes: Counter[Cause] = Counter()

    @property
    def status(self) -> ExitStatus:
        return ExitStatus.ANSWER_IS_NO if self.causes else ExitStatus.FINE

    def tell(self, exchange: Exchange, clues: Clues = NO_CLUES, pid: int | None = None) -> None:
        """Judge it, and print it at once."""
        answer = exchange.answer
        fronts = () if answer is None else tuple(front_end(answer, n) for n in self._buffers)
        worst = next((one for one in fronts if one.failed), fronts[0] if fronts else None)
        judgement = judge(exchange, worst, clues)
        self.requests += 1
        if judgement is not None:
            self.causes[judgement.cause] += 1
        if not self._as_json:
            put(exchange_lines(exchange, fronts, judgement, width()))
            return
        least = None if answer is None else enough(answer)
        told = exchange_json(exchange, fronts, least, judgement)
        put_line({"schema": SCHEMA, "command": "fcgi", "host": self._host, "pid": pid, **told})

    def summary(self) -> str:
        """How many, and how many failed for what."""
        failed = sum(self.causes.values())
        text = f"{self.requests} requests, {failed} failed"
        kinds = ", ".join(f"{count} {cause.value}" for cause, count in self.causes.most_common())
        return f"{text}: {kinds}" if kinds else text
