/* The process that is judged: its threads do as told, and tell of every signal they take. */
#include "situation.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>

static int empty_pipe[2];

static void handler(int sig, siginfo_t *info, void *context)
{
    int kept = errno;
    (void)context;
    tell('H', sig, info->si_code, info->si_value.sival_int);
    errno = kept;
}

static void read_signals(int descriptor)
{
    struct signalfd_siginfo info;
    ssize_t got = read(descriptor, &info, sizeof info);
    if (got == sizeof info)
        tell('F', info.ssi_signo, info.ssi_code, info.ssi_int);
    else if (got < 0 && errno == EINTR)
        tell('E', 0, SYS_read, 0);
}

static void fork_and_wait(void)
{
    if (vfork() == 0) {
        set_mask(~0ULL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            syscall(SYS_pause);
    }
}

static int is(const struct activity *activity, const char *name)
{
    return strcmp(activity->name, name) == 0;
}

/* One round of what this thread does; 0 if a signal ended it, the call's number otherwise. */
static long once(struct activity *a, int descriptor, int epoll, int index)
{
    struct pollfd empty = {.fd = empty_pipe[0], .events = POLLIN};
    struct pollfd signals = {.fd = descriptor, .events = POLLIN};
    struct timespec long_time = {100000, 0};
    struct epoll_event event;
    struct { const void *set; size_t size; } pair = {&a->set, sizeof a->set};
    siginfo_t info;
    static int word;
    char byte;

    if (is(a, "pause"))
        return syscall(SYS_pause) < 0 ? -SYS_pause : 0;
    if (is(a, "nanosleep"))
        return syscall(SYS_nanosleep, &long_time, NULL) < 0 ? -SYS_nanosleep : 0;
    if (is(a, "read"))
        return read(empty_pipe[0], &byte, 1) < 0 ? -SYS_read : 0;
    if (is(a, "poll"))
        return syscall(SYS_poll, &empty, 1, -1) < 0 ? -SYS_poll : 0;
    if (is(a, "futex"))
        return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL) < 0 ? -SYS_futex : 0;
    if (is(a, "busy")) {
        /* A signal that was there before the call has been taken when the counter moves. */
        syscall(SYS_getppid);
        counters[index]++;
        return 0;
    }
    if (is(a, "sigwait")) {
        long sig = syscall(SYS_rt_sigtimedwait, &a->set, &info, NULL, sizeof a->set);
        if (sig > 0)
            tell('C', sig, info.si_code, info.si_value.sival_int);
        return sig < 0 ? -SYS_rt_sigtimedwait : 0;
    }
    if (is(a, "signalfd_read")) {
        read_signals(descriptor);
        return 0;
    }
    if (is(a, "signalfd_poll") || is(a, "signalfd_epoll")) {
        int by_poll = is(a, "signalfd_poll");
        long got = by_poll ? syscall(SYS_poll, &signals, 1, -1)
                           : syscall(SYS_epoll_wait, epoll, &event, 1, -1);
        if (got > 0)
            read_signals(descriptor);
        return got < 0 ? -(by_poll ? SYS_poll : SYS_epoll_wait) : 0;
    }
    if (is(a, "ppoll"))
        return syscall(SYS_ppoll, NULL, 0, NULL, &a->set, sizeof a->set) < 0 ? -SYS_ppoll : 0;
    if (is(a, "pselect"))
        return syscall(SYS_pselect6, 0, NULL, NULL, NULL, NULL, &pair) < 0 ? -SYS_pselect6 : 0;
    if (is(a, "epoll_pwait"))
        return syscall(SYS_epoll_pwait, epoll, &event, 1, -1, &a->set, sizeof a->set) < 0
                   ? -SYS_epoll_pwait : 0;
    if (is(a, "rt_sigsuspend"))
        return syscall(SYS_rt_sigsuspend, &a->set, sizeof a->set) < 0 ? -SYS_rt_sigsuspend : 0;
    if (is(a, "vfork")) {
        fork_and_wait();
        return 0;
    }
    if (is(a, "exit"))
        syscall(SYS_exit, 0);
    errno = EINVAL;
    die(a->name);
    return 0;
}

static void *act(void *argument) __attribute__((noreturn));

static void *act(void *argument)
{
    struct activity *activity = argument;
    int index = activity - activities, descriptor = -1, epoll = -1;
    if (strncmp(activity->name, "signalfd", 8) == 0) {
        int flags = is(activity, "signalfd_read") ? 0 : SFD_NONBLOCK;
        descriptor = syscall(SYS_signalfd4, -1, &activity->set, sizeof activity->set, flags);
        if (descriptor < 0)
            die("signalfd");
    }
    if (is(activity, "signalfd_epoll") || is(activity, "epoll_pwait")) {
        struct epoll_event event = {.events = EPOLLIN};
        epoll = epoll_create1(0);
        if (descriptor >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event))
            die("epoll_ctl");
    }
    tell('R', 0, 0, index);
    set_mask(activity->blocked);
    for (;;) {
        long ended = once(activity, descriptor, epoll, index);
        if (ended < 0)
            tell('E', 0, -ended, 0);
    }
}

static void install(void)
{
    for (int sig = 1; sig <= 64; sig++) {
        struct sigaction action = {.sa_flags = SA_SIGINFO};
        if (sig == SIGKILL || sig == SIGSTOP || sig == 32 || sig == 33)
            continue;
        if (actions[sig] == 'h' || actions[sig] == 'r')
            action.sa_sigaction = handler;
        else
            action.sa_handler = actions[sig] == 'i' ? SIG_IGN : SIG_DFL;
        if (actions[sig] == 'r')
            action.sa_flags |= SA_RESTART;
        sigaction(sig, &action, NULL);
    }
}

void be_target(void)
{
    set_mask(~0ULL);
    close_range(COUNTERS + 1, ~0U, 0);
    close(0);
    if (own_session ? setsid() < 0 : setpgid(0, 0) < 0)
        die("session");
    install();
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (queue_limit >= 0)
        setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){queue_limit, queue_limit});
    if (uid && setresuid(uid, uid, uid))
        die("setresuid");
    prctl(PR_SET_DUMPABLE, 1);
    depend(0);
    if (pipe2(empty_pipe, O_CLOEXEC))
        die("pipe");
    for (int i = 1; i < threads; i++) {
        pthread_t thread;
        pthread_attr_t small;
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 65536);
        if (pthread_create(&thread, &small, act, &activities[i]))
            die("pthread_create");
    }
    act(&activities[0]);
}
