/*
 * all_threads_block SIGNALS [THREADS]
 *
 * Each of THREADS threads (2 unless told, main counts) blocks SIGNALS; none of them is pending.
 */
#include "target.h"

int main(int count, char **arguments)
{
    sigset_t blocked = signals_from(count > 1 ? arguments[1] : "15");
    int threads = count > 2 ? atoi(arguments[2]) : 2;
    char tids[3000];
    block(&blocked);
    int end = sprintf(tids, "\"main\": %d", gettid());
    for (int number = 1; number < threads && end < 2900; number++)
        end += sprintf(tids + end, ", \"worker%d\": %d", number, start_thread(NULL, idle, NULL));
    say("{\"pid\": %d, \"tids\": {%s}, \"in\": {\"main\": \"pause\"}}", getpid(), tids);
    wait_for_ever();
}
