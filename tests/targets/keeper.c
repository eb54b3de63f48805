/*
 * keeper COMMAND [ARGUMENT...]
 *
 * Start COMMAND and see to it that nothing of it is left. Whatever COMMAND's descendants do
 * (daemonise, start a session of their own, block every signal), they become children of
 * this subreaper once their parents are gone. When standard input closes, because the test
 * is over or the whole test run was killed, all of them are killed, one by one and by pid.
 *
 * The line "PID" is written to READY_FD once COMMAND runs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Kill our children: each batch that dies hands its own children to us. A pid cannot be
   reused under us, as we are the one who would have to reap it first. */
static void kill_all_children(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    for (;;) {
        int child;
        int some = 0;
        FILE *children = fopen(path, "re");
        if (!children)
            return;
        while (fscanf(children, "%d", &child) == 1) {
            kill(child, SIGKILL);
            some = 1;
        }
        fclose(children);
        if (!some || waitpid(-1, NULL, 0) < 0)
            return;
    }
}

int main(int count, char **arguments)
{
    if (count < 2) {
        fprintf(stderr, "usage: keeper COMMAND [ARGUMENT...]\n");
        return 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    /* clean_exec wants us to die at once with our parent; we have work to do first. */
    prctl(PR_SET_PDEATHSIG, 0);
    int ready = atoi(getenv("READY_FD") ? getenv("READY_FD") : "1");
    fcntl(ready, F_SETFD, FD_CLOEXEC);

    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_RDONLY);
        dup2(nothing, STDIN_FILENO);
        close(nothing);
        execvp(arguments[1], arguments + 1);
        perror(arguments[1]);
        _exit(127);
    }
    dprintf(ready, "%d\n", child);

    /* Reap in between, lest a daemon's orphans stay zombies: in a test they would be a
       finding that is not there without us. */
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        char ignored[256];
        if (poll(&input, 1, 50) > 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
            break;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    kill_all_children();
    return 0;
}
