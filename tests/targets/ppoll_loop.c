/*
 * ppoll_loop [WORK_US [OPEN_US]]
 *
 * A healthy event loop: TERM, HUP and INT are blocked while it works (WORK_US microseconds a
 * round, 0 unless told) and open only inside ppoll() (at most OPEN_US, 20000 unless told). With
 * "100000 300" nearly every sample shows them blocked, and still none is ever lost.
 *
 * TERM ends it in good order, with status 0; HUP and INT are told.
 */
#include "target.h"
#include <poll.h>
#include <time.h>

static volatile sig_atomic_t told_to_end;

static void end(int number)
{
    tell_signal(number);
    told_to_end = 1;
}

int main(int count, char **arguments)
{
    long work = count > 1 ? atol(arguments[1]) : 0;
    long open_for = count > 2 ? atol(arguments[2]) : 20000;
    sigset_t kept = signals_from("15,1,2"), open;
    sigprocmask(SIG_BLOCK, &kept, &open);
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    handle(SIGHUP);
    handle(SIGINT);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}}", getpid(), gettid());
    while (!told_to_end) {
        if (work)
            nanosleep(&(struct timespec){work / 1000000, work % 1000000 * 1000}, NULL);
        ppoll(NULL, 0, &(struct timespec){open_for / 1000000, open_for % 1000000 * 1000}, &open);
    }
    return 0;
}
