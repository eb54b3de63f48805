"""What sent a signal, from its siginfo: only some of them are the doing of who was running.

The codes are those of include/uapi/asm-generic/siginfo.h; which function of the kernel gives
which, stands beside each rule.
"""

from __future__ import annotations

from sigscope.model.siginfo import SI_KERNEL, SI_USER
from sigscope.model.signals import FAULTS
from sigscope.model.story import Origin
from sigscope.model.watch import Sent

SI_QUEUE, SI_TIMER, SI_MESGQ, SI_TKILL = -1, -2, -3, -6
_HOW = {SI_USER: "kill", SI_QUEUE: "sigqueue", SI_TKILL: "tgkill", SI_MESGQ: "mq_notify"}
_CHILD = {
    "CLD_EXITED": "has exited",
    "CLD_KILLED": "was killed",
    "CLD_DUMPED": "was killed and dumped core",
    "CLD_TRAPPED": "was trapped",
    "CLD_STOPPED": "has stopped",
    "CLD_CONTINUED": "goes on",
}
_ITIMERS = {"SIGALRM": "ITIMER_REAL", "SIGVTALRM": "ITIMER_VIRTUAL", "SIGPROF": "ITIMER_PROF"}
_TERMINAL = {
    "SIGINT": "^C on its terminal",
    "SIGQUIT": "^\\ on its terminal",
    "SIGTSTP": "^Z on its terminal",
    "SIGTTIN": "it read from its terminal in the background",
    "SIGTTOU": "it wrote to its terminal in the background",
    "SIGWINCH": "its terminal was resized",
    "SIGHUP": "its terminal hung up, or the leader of its session ended",
    "SIGCONT": "its process group lost its last parent while it was stopped",
}
_KERNEL = {
    "SIGKILL": "the kernel: out of memory, or its pid namespace or cgroup was ended",
    "SIGPIPE": "it wrote to a pipe or socket that nobody reads",
    "SIGXFSZ": "its file grew over RLIMIT_FSIZE",
    "SIGXCPU": "it used up RLIMIT_CPU",
    "SIGURG": "urgent data on a socket",
    "SIGIO": "a file is ready",
    "SIGSYS": "a seccomp filter",
    "SIGPWR": "power fails",
}
_SELF_MADE = ("SIGPIPE", "SIGXFSZ", "SIGXCPU")
_FAULTS = {
    "SIGSEGV": ("SEGV_MAPERR, nothing is mapped there", "SEGV_ACCERR, it may not go there"),
    "SIGBUS": ("BUS_ADRALN", "BUS_ADRERR, behind the end of a file", "BUS_OBJERR"),
    "SIGFPE": ("FPE_INTDIV, division by zero", "FPE_INTOVF"),
    "SIGILL": ("ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP"),
    "SIGTRAP": ("TRAP_BRKPT", "TRAP_TRACE"),
    "SIGSYS": ("SYS_SECCOMP, a seccomp filter",),
}


def origin_of(sent: Sent, sender_ended: bool = False) -> tuple[Origin, str]:
    """What sent it, and the siginfo in words. ``sender_ended``: a thread above that had ended.

    >>> from sigscope.model.watch import Task, Result
    >>> from sigscope.model.siginfo import SigInfo
    >>> from sigscope.model.signals import Signal
    >>> origin_of(Sent(0, Task(9, 9), Task(7, 7), SigInfo(Signal(14), 128), True, Result.QUEUED))
    (<Origin.TIMER: 'timer'>, 'its ITIMER_REAL expired')
    """
    info, name = sent.info, sent.info.signal.name
    if name == "SIGCHLD" and info.code > 0 and info.code != SI_KERNEL:
        return Origin.CHILD, f"child {info.pid or '?'} {_CHILD.get(info.code_name, 'changed')}"
    if info.code == SI_TIMER:
        number = "" if info.timer is None else f" {info.timer}"
        return Origin.TIMER, f"its POSIX timer{number} expired"
    if info.code == SI_KERNEL:
        return _of_kernel(sent, name)
    if info.code > 0:
        if info.signal in FAULTS:
            words = _FAULTS.get(name, ())
            known = 0 < info.code <= len(words)
            return Origin.FAULT, words[info.code - 1] if known else f"a fault, code {info.code}"
        return Origin.KERNEL, _KERNEL.get(name, f"the kernel, code {info.code}")
    if info.code not in _HOW:
        return Origin.KERNEL, f"the kernel ({info.code_name})"
    return _of_process(sent, name, sender_ended)


def _of_kernel(sent: Sent, name: str) -> tuple[Origin, str]:
    """SEND_SIG_PRIV of kernel/signal.c, and force_sig()."""
    if name in _ITIMERS:  # it_real_fn() and check_cpu_itimer()
        return Origin.TIMER, f"its {_ITIMERS[name]} expired"
    if name == "SIGSTOP" and not sent.group:  # ptrace_attach(): the one running is the tracer
        return Origin.TRACER, "PTRACE_ATTACH: it is stopped for a tracer, not by kill"
    if sent.info.signal in FAULTS and not sent.group:
        return Origin.FAULT, "a fault"
    if name in _TERMINAL:  # isig() of n_tty.c, disassociate_tty(), kill_orphaned_pgrp()
        return Origin.TERMINAL, _TERMINAL[name]
    return Origin.KERNEL, _KERNEL.get(name, "the kernel")


def _of_process(sent: Sent, name: str, sender_ended: bool) -> tuple[Origin, str]:
    """SEND_SIG_NOINFO looks like kill(2) of whoever is running."""
    own = sent.sender.tid == sent.target.tid
    if sent.info.code == SI_USER and not sent.group and own and name in _SELF_MADE:
        return Origin.KERNEL, _KERNEL[name]  # send_sig(SIGPIPE, current, 0) of pipe_write()
    itself = sent.sender.tgid is not None and sent.sender.tgid == sent.target.tgid
    if sender_ended and sent.info.code == SI_USER and sent.group and not (own or itself):
        who = "its parent"  # reparent_leader(), for the thread that forked it
        if sent.sender.tgid not in (None, sent.sender.tid):
            who = "the thread of its parent that forked it"
        return Origin.PARENT, f"{who} ended (PR_SET_PDEATHSIG)"
    how = _HOW[sent.info.code]
    value = sent.info.value
    if sent.info.code == SI_QUEUE and value:
        how += f" with {value:#x}"
    return Origin.ITSELF if itself or own else Origin.PROCESS, how
