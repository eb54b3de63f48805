/*
 * many_timers UID LIMIT COUNT: a program of user UID that may have LIMIT signals queued, and
 * has COUNT POSIX timers, each of which keeps a place in the queue of the user.
 */
#include "target.h"
#include <sys/resource.h>
#include <time.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    struct rlimit pending = {(rlim_t)atol(argv[2]), (rlim_t)atol(argv[2])};
    setrlimit(RLIMIT_SIGPENDING, &pending);
    uid_t uid = (uid_t)atol(argv[1]);
    if (setresuid(uid, uid, uid) != 0)
        return 3;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of the user takes it back */
    for (int i = 0; i < atoi(argv[3]); i++) {
        timer_t timer;
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
        if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
            perror("timer_create");
            return 4;
        }
    }
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"pause\"}}", getpid(),
        gettid());
    wait_for_ever();
}
