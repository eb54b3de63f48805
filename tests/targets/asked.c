/*
 * asked [UID [GID]]: a process of which every command has something to ask. It has a handler, a
 * signal that is blocked and pending, a seccomp filter that allows everything, a POSIX timer, a
 * socket on which it listens, and sits in read(). With UID it becomes that user; its files below
 * /proc are then that user's, too.
 */
#include "target.h"
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

int main(int argc, char **argv)
{
    if (argc > 1) {
        uid_t uid = strtoul(argv[1], NULL, 10);
        gid_t gid = strtoul(argv[argc > 2 ? 2 : 1], NULL, 10);
        if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
            setresuid(uid, uid, uid) != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) {
            perror("becoming that user");
            return 3;
        }
    }
    struct sock_filter filter[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("seccomp");
        return 3;
    }
    sigset_t waiting = signals_from("12");
    block(&waiting);
    handle(SIGUSR1);
    handle(SIGUSR2);
    raise(SIGUSR2);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    struct sockaddr_in anywhere = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(listening, (struct sockaddr *)&anywhere, sizeof anywhere);
    int ends[2];
    if (listen(listening, 1) != 0 || pipe(ends) != 0) {
        perror("listening");
        return 3;
    }
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"read\"}}", getpid(),
        gettid());
    char byte;
    for (;;)
        if (read(ends[0], &byte, 1) == 0)
            return 0;
}
