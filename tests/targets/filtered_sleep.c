/*
 * filtered_sleep CALL [ANSWER]: a program under a seccomp filter, in a call that goes on through
 * restart_syscall after a stop ("nanosleep"), or in one that does not ("pause"). The filter allows
 * everything, restart_syscall too if ANSWER is "allow"; "deny" answers that one with EPERM, and
 * "unclear" with what its first argument says: nobody can tell that from the filter alone.
 */
#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

int main(int argc, char **argv)
{
    const char *answer = argc > 2 ? argv[2] : "allow";
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    if (strcmp(answer, "unclear") != 0)
        filter[3] = (struct sock_filter)BPF_STMT(
            BPF_RET | BPF_K,
            strcmp(answer, "deny") == 0 ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW);
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
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
