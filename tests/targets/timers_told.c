/*
 * timers_told: a program with POSIX timers of every kind, which blocks SIGUSR1 and SIGRTMIN.
 *
 * On each line that it reads it tells of its timers, in the order of their ids: what
 * timer_gettime says (nanoseconds). It has burned CPU time before, so that its clocks of CPU time
 * do not stand at zero.
 */
#include "target.h"
#include <time.h>

#define SECOND 1000000000LL
static int timers[16], count;

static void make(clockid_t clock, int notify, int number, long long first, long long interval,
                 int absolute)
{
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = number};
    if (notify == SIGEV_THREAD_ID)
        event._sigev_un._tid = gettid();
    struct itimerspec when = {
        .it_value = {first / SECOND, first % SECOND},
        .it_interval = {interval / SECOND, interval % SECOND},
    };
    if (absolute) {
        struct timespec now;
        clock_gettime(clock, &now);
        when.it_value.tv_sec += now.tv_sec;
    }
    if (syscall(SYS_timer_create, clock, &event, &timers[count]) != 0 ||
        syscall(SYS_timer_settime, timers[count], absolute ? TIMER_ABSTIME : 0, &when, NULL) != 0) {
        perror("timer");
        exit(3);
    }
    count++;
}

int main(void)
{
    char line[64], text[3000];
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGRTMIN);
    block(&blocked);
    for (volatile long i = 0; i < 20000000; i++)
        ;
    make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 3600 * SECOND, 0, 0);
    make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGALRM, 3600 * SECOND, 7 * SECOND, 0);
    make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGALRM, 3600 * SECOND, 0, 1);
    make(CLOCK_BOOTTIME, SIGEV_THREAD_ID, SIGALRM, 1800 * SECOND, 0, 0);
    make(CLOCK_TAI, SIGEV_NONE, 0, 900 * SECOND, 0, 0);
    make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGALRM, 100 * SECOND, 5 * SECOND, 0);
    make(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGALRM, 200 * SECOND, 0, 0);
    make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 0, 0, 0);               /* not armed */
    make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1, 0, 0);               /* has fired */
    make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, SECOND / 1000, SECOND / 1000, 0); /* overruns */
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"read\"}}", getpid(),
        gettid());
    while (fgets(line, sizeof line, stdin)) {
        int length = snprintf(text, sizeof text, "{\"timers\": [");
        for (int i = 0; i < count; i++) {
            struct itimerspec left;
            syscall(SYS_timer_gettime, timers[i], &left);
            length += snprintf(text + length, sizeof text - length, "%s[%d, %lld, %lld]",
                               i ? ", " : "", timers[i],
                               left.it_value.tv_sec * SECOND + left.it_value.tv_nsec,
                               left.it_interval.tv_sec * SECOND + left.it_interval.tv_nsec);
        }
        say("%s]}", text);
    }
    return 0;
}
