"""The checks of ``sigscope pid`` in the words that a list of checks needs.

Their modules say what they mean; what they must see, what helps, and where the reason
stands is told here, for the audit and for SARIF.
"""

from __future__ import annotations

from sigscope.model.finding import Severity

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
CLEAN = "start it with a clean mask: sigscope run; SIGKILL ends it now"
INHERITANCE = "signal(7), section Signal mask and pending signals; fork(2), execve(2)"

TOLD: dict[str, tuple[tuple[Severity, ...], str, str, str]] = {
    "blocked-pending": (
        (ERROR,),
        "ShdPnd or SigPnd, and SigBlk of every thread, at several looks; no signalfd, no sigwait",
        f"sigscope unblock frees it, live; {CLEAN}",
        "signal(7); complete_signal of kernel/signal.c",
    ),
    "blocked-handler": (
        (WARNING,),
        "SigCgt, and SigBlk of every thread; no signalfd; where the mask came from",
        CLEAN,
        INHERITANCE,
    ),
    "blocked-inherited": (
        (WARNING,),
        "SigBlk of every thread, and of the thread of the parent that forked it",
        CLEAN,
        INHERITANCE,
    ),
    "blocked-fault": (
        (WARNING, NOTE),
        "SigBlk of every thread",
        CLEAN,
        "force_sig_info_to_task of kernel/signal.c",
    ),
    "sigchld-ignored": (
        (WARNING,),
        "SigIgn of the process and of its parent",
        "start it with clean dispositions: sigscope run",
        "wait(2), NOTES; sigaction(2)",
    ),
    "stopped": (
        (WARNING, NOTE),
        "State T or t",
        "SIGCONT, or look at the tracer",
        "signal(7); ptrace(2)",
    ),
    "leader-dead": (
        (NOTE,),
        "State Z of the main thread, and threads that live",
        "none is needed",
        "pthread_exit(3); kernel/exit.c",
    ),
    "ignored-inherited": (
        (NOTE,),
        "SigIgn of the process and of its ancestors",
        "none is needed, as a rule; else sigscope run",
        "sigaction(2), execve(2)",
    ),
    "timer-blocked": (
        (WARNING, NOTE),
        "signal and notify of /proc/PID/timers, the interval timers (BPF engine); SigBlk of every"
        " thread; no signalfd or sigwait",
        "start it with a clean mask; in the program, open the signal or wait for it in sigwait",
        "timer_create(2), setitimer(2), signal(7); proc_pid_timers(5)",
    ),
    "timer-not-advancing": (
        (NOTE,),
        "the interval timers (BPF engine); how long ago each thread last ran; a handler for SIGPROF"
        " or SIGVTALRM",
        "limit the wait itself: a timeout of the call, or a limit that counts wall-clock time",
        "setitimer(2)",
    ),
}
"""Id -> severities, evidence, remedy, source."""

OF_ONE_PROCESS = frozenset({("blocked-handler", NOTE)})
"""Worth a word when somebody asks about that very process; of a whole host it is noise. Event
loops (mosquitto, strace, the workers of Apache) block their handlers' signals and open them for
an instant, which no look at /proc can see."""
