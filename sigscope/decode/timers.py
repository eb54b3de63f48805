"""/proc/PID/timers (proc_pid_timers(5), fs/proc/base.c): the POSIX timers of a process."""

from __future__ import annotations

import re

from sigscope.errors import DecodeError
from sigscope.model.signals import LAST, Signal
from sigscope.model.timer import Notify, Timer

_TIMER = re.compile(
    rb"ID: (?P<number>\d{1,10})\n"
    rb"signal: (?P<signal>\d{1,10})/[0-9a-f]{1,16}\n"
    rb"notify: (?P<notify>signal|none|thread)/(?P<whom>pid|tid)\.(?P<id>\d{1,10})\n"
    rb"ClockID: (?P<clock>-?\d{1,10})\n"
)


def decode_timers(data: bytes) -> tuple[Timer, ...]:
    r"""Four lines each. The file does not say when a timer expires, nor whether it is armed.

    >>> decode_timers(b"ID: 3\nsignal: 14/0000000000000000\nnotify: signal/tid.7\nClockID: 1\n")
    (Timer(number=3, signal=<SIGALRM>, notify=<Notify.SIGNAL: 'signal'>, clock=1, tid=7),)
    """
    timers = []
    end = 0
    for match in _TIMER.finditer(data):
        if match.start() != end:
            break
        end = match.end()
        timers.append(_timer(match))
    if end != len(data):
        raise DecodeError("timers", f"timer {len(timers) + 1} is cut off or has other lines")
    return tuple(timers)


def _timer(match: re.Match[bytes]) -> Timer:
    number, notify = int(match["signal"]), Notify(match["notify"].decode("ascii"))
    if number > LAST:
        raise DecodeError("timers", f"{number} is no signal")
    return Timer(
        number=int(match["number"]),
        signal=Signal(number) if number and notify is not Notify.NONE else None,
        notify=notify,
        clock=int(match["clock"]),
        tid=int(match["id"]) if match["whom"] == b"tid" else None,
    )
