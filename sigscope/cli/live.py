"""``sigscope restart --live``: the trial on one living process, which is asked for first."""

from __future__ import annotations

import os
import sys

import click

from sigscope.cli.output import put, put_json, remark, width
from sigscope.errors import ExitStatus, UsageError, WouldHarm
from sigscope.kernel.ptrace.preflight import look_first, refuse_any
from sigscope.model.host import Host
from sigscope.model.live import Method
from sigscope.model.naming import numbers
from sigscope.model.process import Process
from sigscope.model.restart import Prospect
from sigscope.model.state import State
from sigscope.render.line import BLANK, escape
from sigscope.render.live import announcement, watched_json, watched_lines


def try_restart(
    host: Host,
    process: Process,
    prospects: tuple[Prospect, ...],
    method: Method,
    proven: frozenset[str],
    yes: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Announce, ask, do, tell. 0 if every call went on by itself, 1 if one was helped."""
    if any(thread.state is State.STOPPED for thread in process.living) or process.frozen:
        raise WouldHarm(f"process {process.pid} is stopped already", "let it go on: kill -CONT")
    refuse_any(process.pid, look_first(process.pid), force)
    if not as_json:
        put([BLANK])
        put(announcement(host, process, method, width()))
    if not yes and not asked(f"try it on {process.comm} {numbers(process)}?"):
        remark("nothing was stopped")
        return int(ExitStatus.ANSWER_IS_NO)
    from sigscope.actions.restart import try_live

    watched = try_live(process, method, proven)
    if as_json:
        from sigscope.render.document import document
        from sigscope.render.restart import restart_json

        put_json(
            document(
                "restart",
                host,
                restarts=[restart_json(process.pid, one) for one in prospects],
                live=[watched_json(one) for one in watched],
                method=method.value,
                gaps=[],
            )
        )
    else:
        put(watched_lines(watched, width()))
    helped = any(one.undone or one.ended for one in watched)
    return int(ExitStatus.ANSWER_IS_NO if helped else ExitStatus.FINE)


def asked(question: str) -> bool:
    """Yes or no, from the terminal; UsageError if nobody is there to ask."""
    if sys.stdin is None or not os.isatty(sys.stdin.fileno()):
        raise UsageError("it asks first, and there is nobody to ask", "say so beforehand: --yes")
    return click.confirm(escape(question), default=False, err=True)
