/*
 * under_filter FILE PROGRAM [ARGUMENT...]: load the seccomp filter in FILE (an array of struct
 * sock_filter), and become PROGRAM. As root with SYS_ADMIN it does not give up set-uid programs.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static struct sock_filter filter[BPF_MAXINSNS];
    int file = argc > 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    ssize_t size = file < 0 ? -1 : read(file, filter, sizeof filter);
    struct sock_fprog program = {(unsigned short)(size / (ssize_t)sizeof *filter), filter};
    if (size <= 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("under_filter");
        return 125;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 126;
}
