/*
 * SIGRTMIN+2 is blocked and pending three times, with the values 11, 22 and 33: real-time
 * signals queue, each with what its sender gave.
 */
#include "target.h"

int main(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGRTMIN + 2);
    block(&blocked);
    for (int value = 11; value <= 33; value += 11)
        if (sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = value}) != 0) {
            perror("sigqueue");
            return 3;
        }
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"signal\": %d, \"values\": [11, 22, 33],"
        " \"in\": {\"main\": \"pause\"}}",
        getpid(), gettid(), SIGRTMIN + 2);
    wait_for_ever();
}
