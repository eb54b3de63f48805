/*
 * A parent which does not collect its child's exit status (7): the child stays a zombie.
 */
#include "target.h"

int main(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    siginfo_t info;
    waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"children\": {\"child\": %d},"
        " \"state\": {\"child\": \"Z\"}, \"in\": {\"main\": \"pause\"}}",
        getpid(), gettid(), child);
    wait_for_ever();
}
