/*
 * long_filter [LENGTH...]: loads seccomp filters of these many instructions, one after the other
 * (the newest last), each of which allows everything, and then waits. Instruction N loads
 * the number N into a register: so each one can be told from the others.
 */
#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

int main(int argc, char **argv)
{
    static struct sock_filter filter[BPF_MAXINSNS];
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (int given = 1; given < argc; given++) {
        int length = atoi(argv[given]);
        for (int at = 0; at < length - 1; at++)
            filter[at] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, at);
        filter[length - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        struct sock_fprog program = {length, filter};
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
            perror("seccomp");
            return 3;
        }
    }
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"pause\"}}", getpid(),
        gettid());
    wait_for_ever();
}
