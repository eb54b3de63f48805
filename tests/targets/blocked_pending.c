/*
 * A program with a handler for SIGALRM which cannot run: its only thread blocks SIGALRM, the
 * interval timer has fired, so the signal is pending for the process and stays so. It waits
 * in poll() without an end, as hping3 does.
 *
 * When somebody unblocks SIGALRM, the handler says so.
 */
#include "target.h"
#include <poll.h>
#include <sys/time.h>
#include <time.h>

int main(void)
{
    sigset_t alarm = signals_from("14"), pending;
    block(&alarm);
    handle(SIGALRM);
    struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    do {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        sigpending(&pending);
    } while (!sigismember(&pending, SIGALRM));

    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"poll\"}}", getpid(),
        gettid());
    for (;;)
        poll(NULL, 0, -1);
}
