/*
 * posix_timer [BLOCKED]: a program with a POSIX timer that sends SIGALRM to it in an hour, which
 * blocks these signals and has a handler for SIGALRM.
 */
#include "target.h"
#include <time.h>

int main(int argc, char **argv)
{
    sigset_t blocked = signals_from(argc > 1 ? argv[1] : "");
    block(&blocked);
    handle(SIGALRM);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec hour = {.it_value = {.tv_sec = 3600}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &hour, NULL) != 0) {
        perror("timer");
        return 3;
    }
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"pause\"}}", getpid(),
        gettid());
    wait_for_ever();
}
