/*
 * receives ROLE
 *
 * Gets signals as its role says, raises some itself when a letter on its standard input asks for
 * that, and at the end reports what it got: a line "signal code pid value times" for each kind.
 *
 *   handle    a handler for each signal      block     blocked; taken from the queue at the end
 *   ignore    SIG_IGN for each               full      the same, with a full queue
 *   sigwait   sigtimedwait() in a loop       signalfd  read() of a signalfd in a loop
 *   init      handlers for SIGUSR1 and 36 alone; to be run as PID 1 of a pid namespace
 *
 * Letters: a an interval timer, t a POSIX timer, p a broken pipe, s a fault, c a child that ends,
 * . nothing; each is answered by a dot when the signal was handled. q: report.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define MOST 4096
static const int signals[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH, SIGURG, 36, 37};
static const int own[] = {SIGALRM, SIGPIPE, SIGSEGV, SIGCHLD, 40};

static struct got {
    int signal, code, pid, value, times;
} got[MOST];
static volatile int kinds;
static volatile long counts[65];
static sigjmp_buf back;

static void count(int number, int code, int pid, int value)
{
    if (code == SI_TIMER || (code > 0 && code < 128 && number != SIGCHLD))
        pid = 0;
    if (code != SI_QUEUE && code != SI_TIMER)
        value = 0;
    int at = 0;
    while (at < kinds && !(got[at].signal == number && got[at].code == code &&
                           got[at].pid == pid && got[at].value == value))
        at++;
    if (at == MOST)
        abort();
    if (at == kinds) {
        got[at] = (struct got){number, code, pid, value, 0};
        kinds++;
    }
    got[at].times++;
    counts[number]++;
}

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    count(number, info->si_code, info->si_pid, info->si_value.sival_int);
    if (number == SIGSEGV)
        siglongjmp(back, 1);
}

static void handle(int number)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static sigset_t all(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&set, signals[i]);
    return set;
}

static void wait_for(int number, long before)
{
    while (counts[number] == before)
        usleep(500);
}

static void raise_own(char letter)
{
    if (letter == 'a') {
        long before = counts[SIGALRM];
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 1000}}, NULL);
        wait_for(SIGALRM, before);
    } else if (letter == 't') {
        long before = counts[40];
        timer_t timer;
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 40};
        event.sigev_value.sival_int = 77;
        timer_create(CLOCK_MONOTONIC, &event, &timer);
        timer_settime(timer, 0, &(struct itimerspec){.it_value = {0, 1000000}}, NULL);
        wait_for(40, before);
        timer_delete(timer);
    } else if (letter == 'p') {
        int ends[2];
        if (pipe(ends) != 0)
            abort();
        close(ends[0]);
        if (write(ends[1], "x", 1) >= 0 || errno != EPIPE)
            abort();
        close(ends[1]);
    } else if (letter == 's') {
        if (!sigsetjmp(back, 1))
            *(volatile int *)8 = 1;
    } else if (letter == 'c') {
        long before = counts[SIGCHLD];
        pid_t child = fork();
        if (child == 0)
            _exit(7);
        wait_for(SIGCHLD, before);
        waitpid(child, NULL, 0);
    }
}

/* The call itself: the C library makes SI_TKILL an SI_USER. */
static int await(sigset_t *set, siginfo_t *info, long nanoseconds)
{
    return syscall(SYS_rt_sigtimedwait, set, info, &(struct timespec){0, nanoseconds}, 8);
}

/* Takes what there is without waiting; 0 at the end. */
static int take(int fd)
{
    sigset_t set = all();
    if (fd < 0) {
        siginfo_t info;
        int number = await(&set, &info, 0);
        if (number <= 0)
            return number < 0 && errno == EINTR;
        count(number, info.si_code, info.si_pid, info.si_value.sival_int);
        return 1;
    }
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != sizeof info)
        return errno == EINTR;
    count(info.ssi_signo, info.ssi_code, info.ssi_pid, info.ssi_int);
    return 1;
}

static void report(void)
{
    for (int at = 0; at < kinds; at++)
        printf("%d %d %d %d %d\n", got[at].signal, got[at].code, got[at].pid, got[at].value,
               got[at].times);
    printf("end\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *role = argc > 1 ? argv[1] : "handle";
    sigset_t set = all();
    int fd = -1;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
        handle(own[i]);
    if (!strcmp(role, "init")) {
        handle(SIGUSR1);
        handle(36);
    } else if (!strcmp(role, "ignore")) {
        for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
            signal(signals[i], SIG_IGN);
    } else if (!strcmp(role, "handle")) {
        for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
            handle(signals[i]);
    } else {
        sigprocmask(SIG_BLOCK, &set, NULL);
    }
    if (!strcmp(role, "full"))
        setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){0, 0});
    if (!strcmp(role, "signalfd"))
        fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    int loops = !strcmp(role, "sigwait"), polls = fd >= 0;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        if (loops) { /* in the call itself, most of the time */
            siginfo_t info;
            int number = await(&set, &info, 20000000);
            if (number > 0)
                count(number, info.si_code, info.si_pid, info.si_value.sival_int);
        }
        struct pollfd files[2] = {{0, POLLIN, 0}, {fd, POLLIN, 0}};
        if ((loops || polls) && poll(files, 2, loops ? 0 : -1) < 0)
            continue;
        while (polls && take(fd))
            ;
        if ((loops || polls) && !(files[0].revents & (POLLIN | POLLHUP)))
            continue;
        char letter;
        ssize_t size = read(0, &letter, 1);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0 || letter == 'q')
            break;
        raise_own(letter);
        if (write(1, ".", 1) != 1)
            return 1;
    }
    while (take(fd))
        ;
    report();
    return 0;
}
