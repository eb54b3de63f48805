/* A tracer as strace is one (every stop goes on with its signal), or one that lets nothing go on. */
#include "situation.h"
#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static void pass_on(pid_t tid, int status)
{
    int sig = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_STOP) {
        int group_stop = sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
        ptrace(group_stop ? PTRACE_LISTEN : PTRACE_CONT, tid, 0, 0);
    } else {
        ptrace(PTRACE_CONT, tid, 0, event ? 0 : sig);
    }
}

void be_tracer(int orders, pid_t target)
{
    char path[64];
    int32_t hold;
    int seized = 0, status;
    if (read(orders, &hold, sizeof hold) != sizeof hold)
        _exit(0);
    snprintf(path, sizeof path, "/proc/%d/task", target);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        pid_t tid = atoi(entry->d_name);
        if (tid && ptrace(PTRACE_SEIZE, tid, 0, 0) == 0) {
            seized++;
            if (hold)
                ptrace(PTRACE_INTERRUPT, tid, 0, 0);
        }
    }
    tell('T', 0, seized, hold);
    for (pid_t tid; (tid = waitpid(-1, &status, __WALL)) > 0;)
        if (WIFSTOPPED(status) && !hold)
            pass_on(tid, status);
    for (;;)
        pause();
}
