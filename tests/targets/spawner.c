/*
 * spawner [OPTION...] [-- COMMAND [ARGUMENT...]]
 *
 * A miniature of an application server: worker threads with a mask of their own, one of which
 * starts a child. The child inherits the mask of the very thread that forked it, and ignores
 * what the process ignores.
 *
 *   --workers N           worker threads beside main (0 unless told)
 *   --main-blocks LIST    signals that main blocks      } unless told, what this
 *   --workers-block LIST  signals that each worker blocks } process was started with
 *   --ignore LIST         signals that the process ignores at the time of the fork
 *   --fork-by K           0: main forks (unless told); K: worker K does
 *   --forker-exits        the forking thread ends after its fork; the child gets another
 *                         parent thread of the same process, and the trail is lost
 *   --stop-ignoring       set the signals of --ignore back to default after the fork
 *   --no-exec             the child does not exec COMMAND: it is a copy that waits
 *
 * The child dies with the thread that forked it, except with --forker-exits.
 */
#include "target.h"
#include <fcntl.h>
#include <getopt.h>

enum { MOST = 64 };

static struct {
    int workers, fork_by, forker_exits, stop_ignoring, no_exec;
    const char *main_blocks, *workers_block, *ignore;
    char **command;
} asked;

static pid_t tids[MOST + 1];
static pid_t child;
static int trouble;
static sem_t begin_fork, forked;

/* Fork, and come back when the child has either become COMMAND or is about to wait. */
static void start_child(void)
{
    int begun[2];
    if (pipe2(begun, O_CLOEXEC) != 0)
        exit(3);
    child = fork();
    if (child == 0) {
        if (!asked.forker_exits)
            prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!asked.no_exec) {
            execvp(asked.command[0], asked.command);
            int error = errno;
            if (write(begun[1], &error, sizeof error) < 0)
                _exit(126);
            _exit(127);
        }
        close(begun[1]);
        wait_for_ever();
    }
    close(begun[1]);
    if (read(begun[0], &trouble, sizeof trouble) != sizeof trouble)
        trouble = 0;
    close(begun[0]);
}

static void wait_on(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0 && errno == EINTR)
        ;
}

static void work(void *argument)
{
    if ((long)argument == asked.fork_by) {
        wait_on(&begin_fork);
        start_child();
        sem_post(&forked);
        if (asked.forker_exits)
            return;
    }
    wait_for_ever();
}

static void read_options(int count, char **arguments)
{
    static const struct option options[] = {
        {"workers", 1, NULL, 'w'},       {"main-blocks", 1, NULL, 'm'},
        {"workers-block", 1, NULL, 'b'}, {"ignore", 1, NULL, 'i'},
        {"fork-by", 1, NULL, 'f'},       {"forker-exits", 0, &asked.forker_exits, 1},
        {"no-exec", 0, &asked.no_exec, 1}, {"stop-ignoring", 0, &asked.stop_ignoring, 1},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(count, arguments, "+", options, NULL)) != -1)
        switch (option) {
        case 'w': asked.workers = atoi(optarg); break;
        case 'm': asked.main_blocks = optarg; break;
        case 'b': asked.workers_block = optarg; break;
        case 'i': asked.ignore = optarg; break;
        case 'f': asked.fork_by = atoi(optarg); break;
        case '?': exit(2);
        }
    asked.command = arguments + optind;
    if (asked.workers > MOST || asked.fork_by > asked.workers ||
        (!*asked.command && !asked.no_exec)) {
        fprintf(stderr, "spawner: a command is missing, or a worker that is asked to fork\n");
        exit(2);
    }
}

static void ignore(void (*disposition)(int))
{
    sigset_t set = signals_from(asked.ignore ? asked.ignore : "");
    for (int number = 1; number <= SIGRTMAX; number++)
        if (sigismember(&set, number) == 1)
            signal(number, disposition);
}

static void say_truth(void)
{
    char known[2500], state[128] = "";
    int end = sprintf(known, "\"main\": %d", tids[0]);
    for (int number = 1; number <= asked.workers; number++)
        end += sprintf(known + end, ", \"worker%d\": %d", number, tids[number]);
    if (asked.forker_exits && asked.fork_by == 0)
        sprintf(state, ", \"state\": {\"main\": \"Z\"}");
    else if (asked.forker_exits)
        sprintf(state, ", \"state\": {\"worker%d\": \"gone\"}", asked.fork_by);
    say("{\"pid\": %d, \"tids\": {%s}, \"children\": {\"child\": %d}, \"forker\": %d%s}",
        getpid(), known, child, tids[asked.fork_by], state);
}

int main(int count, char **arguments)
{
    read_options(count, arguments);
    sigset_t own = signals_from(asked.main_blocks ? asked.main_blocks : "");
    sigset_t theirs = signals_from(asked.workers_block ? asked.workers_block : "");
    sem_init(&begin_fork, 0, 0);
    sem_init(&forked, 0, 0);
    ignore(SIG_IGN);

    tids[0] = gettid();
    for (long number = 1; number <= asked.workers; number++)
        tids[number] = start_thread(asked.workers_block ? &theirs : NULL, work, (void *)number);
    if (asked.main_blocks)
        pthread_sigmask(SIG_SETMASK, &own, NULL);
    if (asked.fork_by == 0) {
        start_child();
    } else {
        sem_post(&begin_fork);
        wait_on(&forked);
    }
    if (trouble) {
        fprintf(stderr, "spawner: %s: %s\n", asked.command[0], strerror(trouble));
        return 3;
    }
    if (asked.stop_ignoring)
        ignore(SIG_DFL);
    say_truth();
    if (asked.forker_exits && asked.fork_by == 0)
        pthread_exit(NULL);
    wait_for_ever();
}
