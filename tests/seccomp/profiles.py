"""Real policies, as rules: what container runtimes, systemd and browsers let a program call."""

from __future__ import annotations

import functools
import shutil
import subprocess

from sigscope.model.seccomp import Filter
from tests.seccomp.libseccomp import (
    ALLOW,
    EQ,
    GE,
    KILL_PROCESS,
    LE,
    MASKED_EQ,
    NE,
    TRAP,
    Rule,
    compiled,
    errno,
)

EPERM, ENOSYS = 1, 38
NAMESPACES = 0x7E020000
"""CLONE_NEW*: clone with one of them is for CAP_SYS_ADMIN."""

CONTAINER_CALLS = tuple(
    (
        "accept accept4 access adjtimex alarm bind brk capget capset chdir chmod chown chown32 "
        "clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
        "clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect "
        "copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old "
        "epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat "
        "exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark "
        "fchdir fchmod fchmodat fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr "
        "flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 "
        "fsync ftruncate ftruncate64 futex futex_time64 futex_waitv futimesat getcpu getcwd "
        "getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups "
        "getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom "
        "getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid "
        "getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr "
        "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl "
        "io_destroy io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set "
        "io_setup io_submit io_uring_enter io_uring_register io_uring_setup ipc kill "
        "landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 "
        "lgetxattr link linkat listen listxattr llistxattr _llseek lremovexattr lseek lsetxattr "
        "lstat lstat64 madvise membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod "
        "mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open "
        "mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink "
        "mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at "
        "nanosleep newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal "
        "pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 "
        "preadv preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64 pwritev "
        "pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg "
        "recvmmsg_time64 recvmsg remap_file_pages removexattr rename renameat renameat2 "
        "restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo "
        "rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo "
        "sched_getaffinity sched_getattr sched_getparam sched_get_priority_max "
        "sched_get_priority_min sched_getscheduler sched_rr_get_interval "
        "sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam "
        "sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop "
        "semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 "
        "setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid "
        "setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid "
        "setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address "
        "setuid setuid32 setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd "
        "signalfd4 sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs "
        "statfs64 statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time "
        "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
        "timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
        "timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink "
        "unlinkat utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid "
        "write writev process_vm_readv process_vm_writev ptrace arch_prctl modify_ldt chroot "
    ).split()
)
"""Which calls the profile of Docker lets everybody make (moby, profiles/seccomp), capabilities of
its own default added, as of 2022."""

CONTAINER_RULES = (
    Rule(ALLOW, CONTAINER_CALLS),
    Rule(ALLOW, ("socket",), ((0, NE, 40, 0),)),
    *(
        Rule(ALLOW, ("personality",), ((0, EQ, value, 0),))
        for value in (0, 8, 0x20000, 0x20008, 0xFFFFFFFF)
    ),
    Rule(ALLOW, ("clone",), ((0, MASKED_EQ, NAMESPACES, 0),)),
    Rule(errno(ENOSYS), ("clone3",)),
)


@functools.cache
def container(tree: bool = False) -> Filter:
    """What runc loads for a container of Docker."""
    return compiled(errno(EPERM), CONTAINER_RULES, tree=tree)


@functools.cache
def old_container() -> Filter:
    """As Docker 1.10 did: restart_syscall was not among the calls, nor what came later."""
    late = {"restart_syscall", "clone3", "rseq", "statx", "faccessat2", "futex_waitv"}
    rules = [
        rule._replace(names=tuple(name for name in rule.names if name not in late))
        for rule in CONTAINER_RULES
    ]
    return compiled(errno(EPERM), rules)


@functools.cache
def browser() -> Filter:
    """In the manner of a browser's renderer: few calls, arguments looked at, the rest a trap."""
    calls = (
        "read write close mmap munmap mprotect madvise futex epoll_wait epoll_pwait poll "
        "recvmsg sendmsg clock_gettime gettimeofday exit exit_group rt_sigreturn "
        "rt_sigprocmask restart_syscall sched_yield brk fstat lseek getpid gettid"
    )
    return compiled(
        TRAP,
        (
            Rule(ALLOW, tuple(calls.split())),
            Rule(ALLOW, ("fcntl",), ((1, LE, 4, 0),)),
            Rule(ALLOW, ("prctl",), ((0, EQ, 15, 0),)),
            Rule(ALLOW, ("madvise", "tgkill"), ((2, GE, 1, 0), (2, LE, 8, 0))),
            Rule(ALLOW, ("clone",), ((0, MASKED_EQ, NAMESPACES | 0x100, 0x100),)),
            Rule(errno(EPERM), ("socket", "openat", "open", "kill")),
            Rule(KILL_PROCESS, ("ptrace", "process_vm_writev")),
        ),
        tree=True,
    )


@functools.cache
def systemd_service(sets: str = "@system-service") -> Filter | None:
    """SystemCallFilter= with these sets; None where systemd-analyze does not know them."""
    names = frozenset(_members(sets))
    if not names:
        return None
    return compiled(errno(EPERM), (Rule(ALLOW, tuple(sorted(names))),))


def _members(name: str) -> list[str]:
    if shutil.which("systemd-analyze") is None:
        return []
    ran = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True
    )
    found = []
    for line in ran.stdout.splitlines():
        word = line.strip()
        if word.startswith("@") and word != name:
            found += _members(word)
        elif word and not word.startswith(("@", "#")):
            found.append(word)
    return found
