/*
 * The main thread is gone by pthread_exit(), two threads live on: the process shows state Z
 * and is alive. USR1 is blocked in the first of the living threads only, TERM in both.
 */
#include "target.h"

int main(void)
{
    sigset_t both = signals_from("15"), first = signals_from("15,10");
    pid_t one = start_thread(&first, idle, NULL);
    pid_t two = start_thread(&both, idle, NULL);
    say("{\"pid\": %d, \"tids\": {\"main\": %d, \"one\": %d, \"two\": %d},"
        " \"state\": {\"main\": \"Z\"}, \"in\": {\"one\": \"pause\", \"two\": \"pause\"}}",
        getpid(), gettid(), one, two);
    pthread_exit(NULL);
}
