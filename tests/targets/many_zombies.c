/*
 * many_zombies COUNT: a parent that blocks SIGCHLD, for which it has a handler, and reaps
 * none of its COUNT children, which have all ended.
 */
#include "target.h"

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1;
    sigset_t child = signals_from("17");
    block(&child);
    handle(SIGCHLD);
    for (int i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        siginfo_t info;
        waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
    }
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"pause\"}}", getpid(),
        gettid());
    wait_for_ever();
}
