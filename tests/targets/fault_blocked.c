/*
 * A crash reporter that cannot report: handlers for SEGV, BUS, FPE, ILL, TRAP and SYS, and all
 * six blocked. A real fault ignores the mask: the kernel resets the handler and kills.
 *
 * A line on standard input makes it fault.
 */
#include "target.h"

int main(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    for (unsigned at = 0; at < sizeof faults / sizeof *faults; at++)
        handle(faults[at]);
    sigset_t blocked = signals_from("11,7,8,4,5,31");
    block(&blocked);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"in\": {\"main\": \"read\"}}", getpid(),
        gettid());
    char line[64];
    if (read(STDIN_FILENO, line, sizeof line) > 0)
        *(volatile int *)0 = 1;
    return 0;
}
