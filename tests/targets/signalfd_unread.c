/*
 * A signalfd for TERM exists, but nobody reads or watches it: TERM is blocked and pending, and
 * the descriptor alone does not help.
 */
#include "target.h"
#include <sys/signalfd.h>

int main(void)
{
    sigset_t taken = signals_from("15");
    block(&taken);
    int signals = signalfd(-1, &taken, SFD_CLOEXEC);
    kill(getpid(), SIGTERM);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"signalfd\": %d, \"in\": {\"main\": \"pause\"}}",
        getpid(), gettid(), signals);
    wait_for_ever();
}
