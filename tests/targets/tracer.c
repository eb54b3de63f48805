/*
 * A tracer which has seized its child, and lets it run.
 */
#include "target.h"
#include <sys/ptrace.h>

int main(void)
{
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        wait_for_ever();
    }
    if (ptrace(PTRACE_SEIZE, child, 0, 0) != 0) {
        perror("ptrace");
        return 3;
    }
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"children\": {\"child\": %d},"
        " \"in\": {\"main\": \"pause\"}}",
        getpid(), gettid(), child);
    wait_for_ever();
}
