/*
 * A parent in vfork: its child neither calls exec nor exits. SIGQUIT, sent to the parent, waits
 * until it does (SIGTERM would end it). No core file is written.
 */
#include "target.h"
#include <sys/resource.h>

int main(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 1);
    pid_t parent = getpid();
    if (vfork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"children\": {\"child\": %d},"
            " \"state\": {\"main\": \"D\"}}",
            parent, parent, getpid());
        for (;;)
            pause();
    }
    return 0;
}
