/*
 * clean_exec BLOCKED IGNORED COMMAND [ARGUMENT...]
 *
 * Start COMMAND in place of this process with exactly the signals of the hexadecimal mask
 * BLOCKED blocked, exactly those of IGNORED ignored, and all others at their default.
 *
 * Nobody's habits may reach a target: a Python parent ignores PIPE and XFSZ, a shell's `&`
 * ignores INT and QUIT, and glibc's posix_spawn leaves 32 and 33 ignored. The C library hides
 * these two from us, hence the bare system calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

int main(int count, char **arguments)
{
    if (count < 4) {
        fprintf(stderr, "usage: clean_exec BLOCKED IGNORED COMMAND [ARGUMENT...]\n");
        return 2;
    }
    unsigned long blocked = strtoul(arguments[1], NULL, 16);
    unsigned long ignored = strtoul(arguments[2], NULL, 16);

    /* exec keeps this; without it a test run that is killed would leave its targets behind. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int number = 1; number <= 64; number++) {
        if (number == SIGKILL || number == SIGSTOP)
            continue;
        struct kernel_sigaction action = {
            .handler = ignored >> (number - 1) & 1 ? SIG_IGN : SIG_DFL,
        };
        if (syscall(SYS_rt_sigaction, number, &action, NULL, 8) != 0) {
            perror("rt_sigaction");
            return 126;
        }
    }
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, 8) != 0) {
        perror("rt_sigprocmask");
        return 126;
    }
    execvp(arguments[3], arguments + 3);
    perror(arguments[3]);
    return 127;
}
