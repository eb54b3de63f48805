/*
 * refused_call NUMBER ERRNO WHAT: load a filter that answers the call NUMBER with ERRNO (0: kill the
 * process), then do WHAT, and say how that went: "returned VALUE ERRNO" on standard output. What
 * there is: thread, spawn, access, handler, exit, exit_alone (with another thread, which sends
 * SIGTERM if it outlives the first), lock, raise, mask, and "exec PROGRAM ARGUMENT ...".
 */
#include "target.h"
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

extern char **environ;

static void *nothing(void *argument)
{
    return argument;
}

static void handler(int number)
{
    (void)number;
}

static void *waits(void *lock)
{
    pthread_mutex_lock(lock);
    return NULL;
}

static void *outlives(void *first)
{
    char state[64], name[64];
    snprintf(name, sizeof name, "/proc/self/task/%d/stat", *(pid_t *)first);
    for (;;) {
        int file = open(name, O_RDONLY);
        ssize_t length = read(file, state, sizeof state - 1);
        close(file);
        state[length > 0 ? length : 0] = 0;
        char *end = strrchr(state, ')');
        if (end && end[2] == 'Z')
            kill(getpid(), SIGTERM);
        usleep(1000);
    }
    return NULL;
}

static int locked(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;
    pthread_mutex_lock(&lock);
    if (pthread_create(&thread, NULL, waits, &lock))
        return 1;
    usleep(100000);
    pthread_mutex_unlock(&lock);
    return pthread_join(thread, NULL);
}

static int does(const char *what)
{
    if (strcmp(what, "thread") == 0) {
        pthread_t thread;
        int failed = pthread_create(&thread, NULL, nothing, NULL);
        return failed ? errno = failed, -1 : pthread_join(thread, NULL);
    }
    if (strcmp(what, "spawn") == 0) {
        pid_t child;
        char *words[] = {"/bin/true", NULL};
        int failed = posix_spawn(&child, words[0], NULL, NULL, words, environ);
        return failed ? errno = failed, -1 : 0;
    }
    if (strcmp(what, "access") == 0)
        return faccessat(AT_FDCWD, "/", R_OK, AT_EACCESS);
    if (strcmp(what, "handler") == 0) {
        signal(SIGUSR1, handler);
        return raise(SIGUSR1);
    }
    if (strcmp(what, "lock") == 0)
        return locked();
    if (strcmp(what, "raise") == 0)
        return raise(SIGCONT);
    if (strcmp(what, "mask") == 0) {
        sigset_t all;
        sigfillset(&all);
        return sigprocmask(SIG_BLOCK, &all, NULL);
    }
    if (strcmp(what, "exit_alone") == 0) {
        static pid_t first;
        pthread_t thread;
        first = gettid();
        pthread_create(&thread, NULL, outlives, &first);
        exit(0);
    }
    if (strcmp(what, "exit") == 0)
        exit(0);
    return 77;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    unsigned error = (unsigned)atoi(argv[2]);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(argv[1]), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, error ? SECCOMP_RET_ERRNO | error : SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 3;
    errno = 0;
    if (strcmp(argv[3], "exec") == 0)
        return execv(argv[4], argv + 4);
    int value = does(argv[3]);
    printf("returned %d %d\n", value, errno);
    fflush(stdout);
    _exit(0);
}
