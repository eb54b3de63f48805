/*
 * churn [THREADS [CHILDREN]]
 *
 * Threads and children begin and end as fast as they can, THREADS and CHILDREN (4 and 2 unless
 * told) at a time, until standard input closes: what a reader listed a moment ago is gone.
 * At the end it says how many there were.
 */
#include "target.h"
#include <poll.h>

enum { MOST = 64 };

static void *live_briefly(void *unused)
{
    return unused;
}

int main(int count, char **arguments)
{
    int threads = count > 1 ? atoi(arguments[1]) : 4;
    int children = count > 2 ? atoi(arguments[2]) : 2;
    if (threads > MOST || children > MOST)
        return 2;
    pthread_t thread[MOST];
    pid_t child[MOST];
    long threads_so_far = 0, children_so_far = 0;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    say("{\"pid\": %d, \"tids\": {\"main\": %d}}", getpid(), gettid());
    while (poll(&input, 1, 0) == 0) {
        for (int at = 0; at < children; at++) {
            child[at] = fork();
            if (child[at] == 0)
                _exit(0);
            children_so_far += child[at] > 0;
        }
        for (int at = 0; at < threads; at++)
            threads_so_far += pthread_create(&thread[at], NULL, live_briefly, NULL) == 0;
        for (int at = 0; at < threads; at++)
            pthread_join(thread[at], NULL);
        for (int at = 0; at < children; at++)
            waitpid(child[at], NULL, 0);
    }
    say("{\"threads\": %ld, \"children\": %ld}", threads_so_far, children_so_far);
    return 0;
}
