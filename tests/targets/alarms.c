/*
 * alarms [BLOCKED] KIND...: a program that will be signalled by itself, in the ways that are named:
 *
 *     prof:N virtual:N real:N   an interval timer of N seconds
 *     every:N                   ITIMER_REAL, again and again after N seconds
 *     limit                     RLIMIT_CPU of 1000 and 2000 seconds
 *     alrm                      a POSIX timer that sends SIGALRM in an hour
 *     overrun                   a POSIX timer that sends SIGRTMIN a thousand times a second
 *     helper                    a POSIX timer of SIGEV_THREAD, in an hour
 *     timerfd                   a timerfd of an hour, and one that expires every millisecond
 *     cpu                       a POSIX timer on its own CPU time (CLOCK_PROCESS_CPUTIME_ID) that has
 *                               overrun before its signal was taken
 *     user                      it becomes user 65534
 *     filter                    a seccomp filter kills it for getitimer
 *     busy                      it does not sleep on a socket, but uses CPU time for ever
 *
 * It has handlers for the signals of the interval timers, and says when they run.
 */
#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static void must(int result, const char *what)
{
    if (result != 0) {
        perror(what);
        exit(3);
    }
}

static void function(union sigval value)
{
    (void)value;
}

static void make(int notify, int number, struct itimerspec when)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = number};
    if (notify == SIGEV_THREAD)
        event.sigev_notify_function = function;
    must(timer_create(CLOCK_MONOTONIC, &event, &timer), "timer_create");
    must(timer_settime(timer, 0, &when, NULL), "timer_settime");
}

static int descriptor(struct itimerspec when)
{
    int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
    must(timerfd_settime(fd, 0, &when, NULL), "timerfd");
    return fd;
}

static long long used(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Its next expiration is far away, in CPU time of a process that sleeps; what it says is true. */
static int overrun(void)
{
    timer_t timer;
    sigset_t taken;
    struct itimerspec when = {{0, 50000000}, {0, 50000000}}, left;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    sigemptyset(&taken);
    sigaddset(&taken, SIGRTMIN + 1);
    block(&taken);
    must(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer), "timer_create");
    must(timer_settime(timer, 0, &when, NULL), "timer_settime");
    do {
        long long began = used();
        while (used() - began < 170000000)
            ;
        if (sigwaitinfo(&taken, NULL) < 0)
            exit(3);
        must(timer_gettime(timer, &left), "timer_gettime");
    } while (timer_getoverrun(timer) < 1 || left.it_value.tv_nsec < 20000000);
    return timer_getoverrun(timer);
}

static void become_nobody(void)
{
    must(setgid(65534), "setgid");
    must(setuid(65534), "setuid");
    must(prctl(PR_SET_DUMPABLE, 1), "dumpable");
}

static void filter(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getitimer, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

int main(int argc, char **argv)
{
    struct itimerspec hour = {.it_value = {.tv_sec = 3600}};
    struct itimerspec often = {.it_value = {.tv_nsec = 1000000}, .it_interval = {.tv_nsec = 1000000}};
    int busy = 0, late = -1, ready = -1, overruns = -1;
    sigset_t blocked = signals_from(argv[1]);
    block(&blocked);
    for (int i = 2; i < argc; i++) {
        struct itimerval when = {.it_value = {.tv_sec = 0}};
        char *colon = strchr(argv[i], ':');
        if (colon)
            when.it_value.tv_sec = atol(colon + 1);
        switch (argv[i][0]) {
        case 'p':
            handle(SIGPROF);
            must(setitimer(ITIMER_PROF, &when, NULL), "prof");
            break;
        case 'v':
            handle(SIGVTALRM);
            must(setitimer(ITIMER_VIRTUAL, &when, NULL), "virtual");
            break;
        case 'r':
            handle(SIGALRM);
            must(setitimer(ITIMER_REAL, &when, NULL), "real");
            break;
        case 'e':
            handle(SIGALRM);
            when.it_interval = when.it_value;
            must(setitimer(ITIMER_REAL, &when, NULL), "every");
            break;
        case 'l':
            must(setrlimit(RLIMIT_CPU, &(struct rlimit){1000, 2000}), "limit");
            break;
        case 'a':
            make(SIGEV_SIGNAL, SIGALRM, hour);
            break;
        case 'o':
            make(SIGEV_SIGNAL, SIGRTMIN, often);
            break;
        case 'h':
            make(SIGEV_THREAD, 0, hour);
            break;
        case 't':
            late = descriptor(hour);
            ready = descriptor(often);
            break;
        case 'c':
            overruns = overrun();
            break;
        case 'u':
            become_nobody();
            break;
        case 'f':
            filter();
            break;
        case 'b':
            busy = 1;
            break;
        default:
            fprintf(stderr, "%s?\n", argv[i]);
            return 2;
        }
    }
    int pair[2];
    char byte;
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {%s}, \"late\": %d, \"ready\": %d,"
        " \"overruns\": %d}",
        getpid(), gettid(), busy ? "" : "\"main\": \"recvfrom\"", late, ready, overruns);
    while (busy)
        ;
    for (;;)
        recv(pair[0], &byte, 1, 0);
}
