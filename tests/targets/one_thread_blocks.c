/*
 * one_thread_blocks [SIGNALS]
 *
 * The main thread blocks SIGNALS (SIGWINCH if none are given), a second thread does not: as a
 * process it is open for them.
 */
#include "target.h"

int main(int count, char **arguments)
{
    sigset_t open, blocked = signals_from(count > 1 ? arguments[1] : "28");
    pthread_sigmask(SIG_SETMASK, NULL, &open);
    pid_t worker = start_thread(&open, idle, NULL);
    block(&blocked);
    say("{\"pid\": %d, \"tids\": {\"main\": %d, \"worker\": %d},"
        " \"in\": {\"main\": \"pause\", \"worker\": \"pause\"}}",
        getpid(), gettid(), worker);
    wait_for_ever();
}
