/*
 * filtered_sleep CALL: a program under a seccomp filter (which allows everything), in a call that
 * goes on through restart_syscall after a stop ("nanosleep"), or in one that does not ("pause").
 */
#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <time.h>

int main(int argc, char **argv)
{
    struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("seccomp");
        return 3;
    }
    int sleeps = argc > 1 && strcmp(argv[1], "nanosleep") == 0;
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"%s\"}}", getpid(), gettid(),
        sleeps ? "clock_nanosleep" : "pause");
    for (;;)
        if (sleeps)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_sec = 3600}, NULL);
        else
            pause();
}
