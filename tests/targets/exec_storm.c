/*
 * exec_storm TIMES
 *
 * A program with five threads, of which one that is not the first replaces it by itself, TIMES
 * over: all threads but that one die, and it becomes the leader. The last one says {"execs": TIMES}.
 */
#include "target.h"

static char **again;

static void replaces(void *unused)
{
    (void)unused;
    execv("/proc/self/exe", again);
    perror("execv");
    _exit(3);
}

int main(int argc, char **argv)
{
    long times = argc > 2 ? atol(argv[2]) : 0, wanted = argc > 1 ? atol(argv[1]) : 1;
    char number[32];
    if (times == 0)
        say("{\"pid\": %d, \"tids\": {\"main\": %d}}", getpid(), gettid());
    if (times == wanted) {
        say("{\"execs\": %ld}", times);
        return 0;
    }
    snprintf(number, sizeof number, "%ld", times + 1);
    again = (char *[]){argv[0], argv[1], number, NULL};
    /* The descriptor is not to be kept from what we exec, here. */
    if (getenv("READY_FD"))
        syscall(SYS_fcntl, atoi(getenv("READY_FD")), 2 /* F_SETFD */, 0);
    for (int at = 0; at < 3; at++)
        start_thread(NULL, idle, NULL);
    start_thread(NULL, replaces, NULL);
    wait_for_ever();
}
