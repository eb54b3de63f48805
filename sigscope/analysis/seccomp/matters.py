"""Calls whose answer matters to every program, and what follows if they are refused.

The C library tries new calls first, and an older one if the new one is missing: which it takes
ENOSYS for, and nothing else. A policy that answers EPERM instead breaks that. A new
judgement is one entry here.
"""

from __future__ import annotations

from typing import NamedTuple

from sigscope.model.finding import Severity

WARNING, NOTE = Severity.WARNING, Severity.NOTE
Effect = tuple[Severity, str] | None


class Matter(NamedTuple):
    """``refused``: it fails with anything but ENOSYS; ``missing``: with that; ``killed``: SIGSYS.

    None where nothing follows that is worth telling.
    """

    calls: tuple[str, ...]
    refused: Effect
    missing: Effect
    killed: Effect
    source: str


RESTART = "restart_syscall"
_STOP = (
    "any stop (SIGSTOP, a debugger, a freeze) of a thread that sits in nanosleep, poll or a futex"
    " with a timeout"
)

MATTERS: tuple[Matter, ...] = (
    Matter(
        (RESTART,),
        (WARNING, f"{_STOP} ends that wait early, with this error"),
        (WARNING, f"{_STOP} ends that wait early, with this error"),
        (WARNING, f"{_STOP} kills it as soon as it goes on"),
        "restart_syscall(2); moby issue 20818 (Docker before 1.11)",
    ),
    Matter(
        ("rt_sigreturn", "sigreturn"),
        (WARNING, "no signal handler can return: the program crashes behind the first one"),
        (WARNING, "no signal handler can return: the program crashes behind the first one"),
        (WARNING, "each signal that is handled kills, when its handler returns"),
        "sigreturn(2)",
    ),
    Matter(
        ("rt_sigaction",),
        (WARNING, "no handler can be set or taken back: signals do what they did before"),
        (WARNING, "no handler can be set or taken back: signals do what they did before"),
        (WARNING, "a program that sets a handler dies, as nearly every one does at its start"),
        "sigaction(2)",
    ),
    Matter(
        ("rt_sigprocmask",),
        (WARNING, "what is blocked stays blocked, also in all that is started; Go crashes"),
        (WARNING, "what is blocked stays blocked, also in all that is started; Go crashes"),
        (WARNING, "starting a thread or a process kills: the C library blocks signals meanwhile"),
        "sigprocmask(2); src/runtime/sys_linux_amd64.s of Go",
    ),
    Matter(
        ("sigaltstack",),
        (WARNING, "Go programs crash at their start, and so do others with a stack for handlers"),
        (WARNING, "Go programs crash at their start, and so do others with a stack for handlers"),
        (WARNING, "Go programs die at their start, and so do others with a stack for handlers"),
        "sigaltstack(2); src/runtime/sys_linux_amd64.s of Go",
    ),
    Matter(
        ("exit_group",),
        (WARNING, "exit(3) ends the calling thread alone: other threads go on without it"),
        (WARNING, "exit(3) ends the calling thread alone: other threads go on without it"),
        (NOTE, "whatever exit status the program means, it ends by SIGSYS"),
        "exit_group(2); moby issue 40205",
    ),
    Matter(
        ("futex",),
        (WARNING, "locks fail: glibc aborts, for the error is none that it expects"),
        (WARNING, "locks fail: glibc aborts, for the error is none that it expects"),
        (WARNING, "the first lock that has to wait kills"),
        "futex(2); sysdeps/nptl/futex-internal.h of glibc",
    ),
    Matter(
        ("clone3",),
        (
            WARNING,
            "glibc from 2.34 on can start no thread and no program with posix_spawn: only ENOSYS"
            " makes it use clone",
        ),
        None,
        (WARNING, "glibc from 2.34 on dies when it starts a thread"),
        "clone(2); moby issue 42680",
    ),
    Matter(
        ("rseq",),
        (NOTE, "glibc from 2.35 on aborts in a thread that is started after the filter was loaded"),
        (NOTE, "glibc from 2.35 on aborts in a thread that is started after the filter was loaded"),
        (WARNING, "programs with glibc from 2.35 on die at their start"),
        "rseq(2); go issue 51315",
    ),
    Matter(
        ("faccessat2",),
        (
            WARNING,
            "glibc from 2.33 on fails to check access (test -w, make): only ENOSYS makes it use"
            " faccessat",
        ),
        None,
        (WARNING, "glibc from 2.33 on dies when it checks access with the effective ids"),
        "access(2); moby pull 41353",
    ),
    Matter(
        ("statx",),
        (WARNING, "ls, Qt and others fail to look at files: only ENOSYS makes them use stat"),
        None,
        (WARNING, "programs that look at files in the new way die"),
        "statx(2); moby pull 36417",
    ),
    Matter(
        ("fchmodat2",),
        (NOTE, "glibc from 2.39 on fails to change modes (tar): only ENOSYS makes it go on"),
        None,
        (NOTE, "glibc from 2.39 on dies when it changes the mode of a link (tar)"),
        "chmod(2); systemd issue 31469",
    ),
    Matter(
        ("close_range",),
        (NOTE, "GLib from 2.72 on fails to start programs: only ENOSYS makes it close one by one"),
        None,
        (NOTE, "programs that close many files at once die"),
        "close_range(2); moby issue 43595",
    ),
    Matter(
        ("futex_waitv",),
        (NOTE, "Wine takes it for present, and spins: only ENOSYS means missing to it"),
        None,
        (NOTE, "Wine dies"),
        "futex_waitv(2); pull 256 of ValveSoftware/wine",
    ),
    Matter(
        ("tgkill",),
        (NOTE, "raise(3), abort(3) and pthread_kill(3) send nothing"),
        (NOTE, "raise(3), abort(3) and pthread_kill(3) send nothing"),
        (NOTE, "raise(3), abort(3) and pthread_kill(3) end in SIGSYS"),
        "tgkill(2)",
    ),
    Matter(
        (
            "clock_gettime64",
            "clock_nanosleep_time64",
            "futex_time64",
            "ppoll_time64",
            "pselect6_time64",
            "rt_sigtimedwait_time64",
            "utimensat_time64",
        ),
        (
            WARNING,
            "32-bit programs with times of 64 bits get errors and wrong times: only ENOSYS makes"
            " them use the older call",
        ),
        None,
        (WARNING, "32-bit programs with times of 64 bits die"),
        "clock_gettime(2); moby issue 40734",
    ),
)

NEWER = "a newer call"
LATER = Matter(
    (NEWER,),
    (NOTE, "what a newer kernel offers seems forbidden, not missing: programs do not fall back"),
    None,
    (WARNING, "a program that tries what a newer kernel offers dies, where it would fall back"),
    "seccomp(2), Caveats; docker-library/official-images issue 16829",
)
"""Of numbers that are in no table yet."""
