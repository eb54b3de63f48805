/*
 * tracer [PID]: a tracer which has seized its child, and lets it run; or one which holds PID
 * in a stop.
 */
#include "target.h"
#include <sys/ptrace.h>

static void hold(pid_t pid)
{
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0 ||
        waitpid(pid, NULL, __WALL) != pid) {
        perror("ptrace");
        exit(3);
    }
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"pause\"}}", getpid(),
        gettid());
    wait_for_ever();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        hold((pid_t)atol(argv[1]));
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
