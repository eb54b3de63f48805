/*
 * HUP and USR1 are blocked, and open while the only thread waits in sigsuspend(), which is
 * nearly always. /proc shows the mask of the moment, so both look as if never blocked.
 *
 * Each signal handled is told; the process goes on.
 */
#include "target.h"

int main(void)
{
    sigset_t kept = signals_from("1,10"), open;
    sigprocmask(SIG_BLOCK, &kept, &open);
    handle(SIGHUP);
    handle(SIGUSR1);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"rt_sigsuspend\"}}",
        getpid(), gettid());
    for (;;)
        sigsuspend(&open);
}
