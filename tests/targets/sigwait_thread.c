/*
 * The textbook way with threads: TERM and HUP are blocked in every thread, and the second
 * thread takes them with sigwait(). Meanwhile the kernel shows them as not blocked in it.
 *
 * Each signal taken is told; the process goes on.
 */
#include "target.h"

static void take_signals(void *pointer)
{
    int number;
    for (;;)
        if (sigwait(pointer, &number) == 0)
            say("{\"taken\": %d, \"tid\": %d}", number, gettid());
}

int main(void)
{
    sigset_t awaited = signals_from("15,1");
    block(&awaited);
    pid_t waiter = start_thread(NULL, take_signals, &awaited);
    say("{\"pid\": %d, \"tids\": {\"main\": %d, \"waiter\": %d},"
        " \"in\": {\"main\": \"pause\", \"waiter\": \"rt_sigtimedwait\"}}",
        getpid(), gettid(), waiter);
    wait_for_ever();
}
