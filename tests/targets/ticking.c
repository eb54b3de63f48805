/*
 * ticking [INTERVAL [restart]]: ITIMER_REAL fires in 1000 s, and from then on every INTERVAL
 * seconds (0: only once); SIGALRM has a handler, with SA_RESTART if asked. It sits in read(2).
 */
#include "target.h"
#include <sys/time.h>

static void nothing(int number)
{
    (void)number;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = nothing, .sa_flags = argc > 2 ? SA_RESTART : 0};
    struct itimerval timer = {.it_value = {1000, 0}, .it_interval = {argc > 1 ? atoi(argv[1]) : 0, 0}};
    char byte;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"read\"}}", getpid(), gettid());
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return 0;
}
