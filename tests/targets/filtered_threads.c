/*
 * filtered_threads: three threads; main has no seccomp filter, "one" has a filter that answers
 * restart_syscall with EPERM, "two" that one and a newer one which kills for it.
 *
 * filtered_threads strict: no other thread; main is in strict mode, and reads for ever.
 */
#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

static sem_t loaded;

static void load(unsigned answer)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
        perror("seccomp");
        _exit(3);
    }
}

static void filtered(void *two)
{
    load(SECCOMP_RET_ERRNO | EPERM);
    if (two)
        load(SECCOMP_RET_KILL_PROCESS);
    sem_post(&loaded);
    wait_for_ever();
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "strict") == 0) {
        int ends[2];
        char byte;
        if (pipe(ends))
            return 3;
        say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"read\"}}", getpid(),
            gettid());
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        return (int)read(ends[0], &byte, 1);
    }
    sem_init(&loaded, 0, 0);
    int one = start_thread(NULL, filtered, NULL), two = start_thread(NULL, filtered, &loaded);
    sem_wait(&loaded);
    sem_wait(&loaded);
    say("{\"pid\": %d, \"tids\": {\"main\": %d, \"one\": %d, \"two\": %d}, "
        "\"in\": {\"main\": \"pause\", \"one\": \"pause\", \"two\": \"pause\"}}",
        getpid(), gettid(), one, two);
    wait_for_ever();
}
