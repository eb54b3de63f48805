"""Of each note that healthy software raises: is it worth a tired person's attention?

Read by ``python -m tests.daemons.healthy``; the test demands that every note that lasts
stands here, so that a new one is looked at, and judged, by somebody.
"""

from __future__ import annotations

from typing import NamedTuple


class Judged(NamedTuple):
    """One kind of note of one daemon."""

    daemon: str
    finding: str
    worth: bool
    reason: str

    def __str__(self) -> str:
        return f"{'worth telling' if self.worth else 'noise'}: {self.reason}"


LOOP = "its event loop opens the mask every 0.1 s or sooner, and its TERM works; audit is silent"
BUSY = "caught between fork and exec, when the C library holds all back for an instant"

JUDGED = (
    Judged(
        "apache2-event",
        "blocked-handler",
        False,
        "only a worker: the master stops it by the pipe of death, and INT is the master's",
    ),
    Judged("mosquitto", "blocked-handler", False, LOOP),
    Judged(
        "supervisord",
        "ignored-inherited",
        True,
        "a program run under it gets EPIPE errors where it would have ended in a shell",
    ),
    Judged(
        "bash-traps",
        "ignored-inherited",
        True,
        "Ctrl-C, and the USR1 that the script ignores, do not reach its jobs",
    ),
    Judged(
        "bash-job-control",
        "ignored-inherited",
        True,
        "kill -INT does nothing to the job, in spite of -m",
    ),
    Judged(
        "interactive-bash",
        "ignored-inherited",
        True,
        "the job was started by a start file, and Ctrl-C will not end it after fg",
    ),
    Judged(
        "interactive-bash",
        "blocked-fault",
        False,
        "script(1) reads a signalfd, blocked all itself and has no crash handler to lose",
    ),
    Judged(
        "nohup",
        "ignored-inherited",
        True,
        "HUP is nohup's purpose; that INT does not end it surprises",
    ),
    Judged("strace", "blocked-handler", False, "ALRM is its own, opened only while it sleeps"),
    Judged("strace", "traced", True, "who wonders why gdb cannot attach is told"),
)


def judgement(daemon: str, finding: str) -> Judged | None:
    """None where nobody has judged this note of this daemon yet."""
    if daemon.startswith("busy-"):
        return Judged(daemon, finding, False, BUSY)
    for one in JUDGED:
        if (one.daemon, one.finding) == (daemon, finding):
            return one
    return None
