/*
 * A program that sets its own mask all the time: whoever opens SIGUSR1 in it from outside sees it
 * blocked again a moment later. HUP stays as it is.
 */
#include "target.h"
#include <time.h>

int main(void)
{
    sigset_t both = signals_from("1,10");
    sigset_t own = signals_from("10");
    block(&both);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}}", getpid(), gettid());
    for (;;) {
        block(&own);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}
