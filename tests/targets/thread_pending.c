/*
 * A SIGUSR1 directed at the second thread is pending there, for that thread blocks it. The main
 * thread is open for it and never gets it: it is not the process's signal.
 */
#include "target.h"

int main(void)
{
    sigset_t blocked = signals_from("10");
    pid_t worker = start_thread(&blocked, idle, NULL);
    syscall(SYS_tgkill, getpid(), worker, SIGUSR1);
    say("{\"pid\": %d, \"tids\": {\"main\": %d, \"worker\": %d},"
        " \"in\": {\"main\": \"pause\", \"worker\": \"pause\"}}",
        getpid(), gettid(), worker);
    wait_for_ever();
}
