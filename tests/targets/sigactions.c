/*
 * sigactions: does to its own signals what it is told on standard input, a line each, and says
 * "done" after each "go". All numbers are hexadecimal.
 *
 *   action SIGNAL HANDLER FLAGS MASK RESTORER   the system call itself, so any address will do
 *   mask MASK                                   blocks exactly that
 *   queue SIGNAL VALUE                          to the process, by rt_sigqueueinfo
 *   thread SIGNAL VALUE                         to its thread, by rt_tgsigqueueinfo
 *   kill SIGNAL                                 to the process, by kill(2)
 *   timer WHICH SECONDS INTERVAL                setitimer
 *   clear                                       everything as at the start, nothing pending
 *   go                                          says what the kernel gives back of all actions
 *
 * What is queued must be blocked: no handler ever runs.
 */
#include "target.h"
#include <sys/time.h>

struct kernel_action {
    unsigned long handler, flags, restorer, mask;
};

static void act(unsigned signal, unsigned long handler, unsigned long flags, unsigned long mask,
                unsigned long restorer)
{
    struct kernel_action action = {handler, flags, restorer, mask};
    if (syscall(SYS_rt_sigaction, signal, &action, NULL, 8) != 0)
        _exit(4);
}

static void block_exactly(unsigned long mask)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
}

static void send(int call, unsigned signal, unsigned long value)
{
    siginfo_t info = {.si_signo = (int)signal, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)value;
    long result = call == SYS_rt_sigqueueinfo ? syscall(call, getpid(), signal, &info)
                                              : syscall(call, getpid(), gettid(), signal, &info);
    if (result != 0)
        _exit(5);
}

static void clear(void)
{
    struct itimerval off = {{0, 0}, {0, 0}};
    unsigned long all = ~0UL;
    struct timespec now = {0, 0};
    for (int which = 0; which < 3; which++)
        setitimer(which, &off, NULL);
    block_exactly(all);
    while (syscall(SYS_rt_sigtimedwait, &all, NULL, &now, 8) > 0)
        ;
    for (unsigned signal = 1; signal <= 64; signal++)
        if (signal != SIGKILL && signal != SIGSTOP)
            act(signal, 0, 0, 0, 0);
    block_exactly(0);
}

static void tell(void)
{
    char text[4000];
    int at = 0;
    for (unsigned signal = 1; signal <= 64; signal++) {
        struct kernel_action one;
        syscall(SYS_rt_sigaction, signal, NULL, &one, 8);
        if (one.handler || one.flags || one.mask)
            at += snprintf(text + at, sizeof text - at, "%s\"%u\": [%lu, %lu, %lu, %lu]",
                           at ? ", " : "", signal, one.handler, one.flags, one.mask, one.restorer);
    }
    say("{\"done\": {%.*s}}", at, text);
}

int main(void)
{
    char line[256];
    unsigned long a, b, c, d;
    unsigned signal;
    say("{\"pid\": %d, \"tids\": {\"main\": %d}}", getpid(), gettid());
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "action %x %lx %lx %lx %lx", &signal, &a, &b, &c, &d) == 5)
            act(signal, a, b, c, d);
        else if (sscanf(line, "mask %lx", &a) == 1)
            block_exactly(a);
        else if (sscanf(line, "queue %x %lx", &signal, &a) == 2)
            send(SYS_rt_sigqueueinfo, signal, a);
        else if (sscanf(line, "thread %x %lx", &signal, &a) == 2)
            send(SYS_rt_tgsigqueueinfo, signal, a);
        else if (sscanf(line, "kill %x", &signal) == 1)
            kill(getpid(), (int)signal);
        else if (sscanf(line, "timer %x %lx %lx", &signal, &a, &b) == 3) {
            struct itimerval timer = {{(time_t)b, 0}, {(time_t)a, 0}};
            setitimer((int)signal, &timer, NULL);
        } else if (strncmp(line, "clear", 5) == 0)
            clear();
        else if (strncmp(line, "go", 2) == 0)
            tell();
        else
            return 2;
    }
    return 0;
}
