"""Stopping another process, and leaving it as it would have been.

Why SEIZE and never ATTACH: ATTACH sends a SIGSTOP, and a tracer that dies before it has
waited for that leaves the target stopped. A SEIZEd thread that is INTERRUPTed stops without a
signal, and goes on whenever the tracer dies, at every instant.

No stop is neutral, though: the call in which a thread sits has been interrupted, and most
programs would notice. epoll_wait, sigtimedwait, semop and socket calls with a timeout fail
with EINTR; nanosleep, poll and futex go on through restart_syscall(2), which some seccomp filters
refuse, or kill for. So before a thread is let go its return register is looked at, and where
the program would see the stop, the kernel is told to do the call again (``laundering``).
Until that is done the stop can be seen, should we be killed: the kernel lets go of what a dead
tracer held, and no order of steps of ours comes before it. PTRACE_O_EXITKILL would make it worse.

Nothing here is loaded by a command that only reads /proc.

Contract: only ``kernel.ptrace`` makes ptrace(2) requests; what a seccomp filter
allows is a value that the caller gives (the judgement is made in ``analysis``).
"""
