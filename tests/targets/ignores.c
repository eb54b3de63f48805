/*
 * ignores SIGNALS
 *
 * SIGNALS are ignored by the program's own doing; then it waits.
 */
#include "target.h"

int main(int count, char **arguments)
{
    sigset_t ignored = signals_from(count > 1 ? arguments[1] : "1");
    for (int number = 1; number <= SIGRTMAX; number++)
        if (sigismember(&ignored, number) == 1)
            signal(number, SIG_IGN);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"pause\"}}", getpid(),
        gettid());
    wait_for_ever();
}
