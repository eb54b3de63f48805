/*
 * A process that has stopped itself. It waits again after SIGCONT.
 */
#include "target.h"

int main(void)
{
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"state\": {\"main\": \"T\"}}", getpid(),
        gettid());
    raise(SIGSTOP);
    wait_for_ever();
}
