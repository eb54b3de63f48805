/*
 * hung_fuse DIRECTORY: a FUSE file system that takes requests and answers none. The child asks for
 * the state of a file in it, and is killed: SIGKILL is pending, and it does not end.
 *
 * The connection ends with this process, and so does the child then.
 */
#include "target.h"
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static char request[1 << 20];

static void take(int device)
{
    if (read(device, request, sizeof request) < 0) {
        perror("read of /dev/fuse");
        exit(4);
    }
}

int main(int argc, char **argv)
{
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    char options[128];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
    if (argc != 2 || device < 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("hung", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
        perror("fuse");
        return 3;
    }
    take(device); /* FUSE_INIT; it is the only one that is answered */
    struct {
        struct fuse_out_header head;
        struct fuse_init_out body;
    } reply = {{sizeof reply, 0, ((struct fuse_in_header *)request)->unique},
               {.major = 7, .minor = 31, .max_write = 4096}};
    if (write(device, &reply, sizeof reply) != sizeof reply) {
        perror("write to /dev/fuse");
        return 4;
    }
    pid_t child = fork();
    if (child == 0) {
        struct stat state;
        char file[4096];
        close(device);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(file, sizeof file, "%s/file", argv[1]);
        stat(file, &state);
        _exit(0);
    }
    take(device); /* the child's request */
    kill(child, SIGKILL);
    take(device); /* that it was interrupted */
    say("{\"pid\": %d, \"tids\": {\"main\": %d}, \"children\": {\"child\": %d},"
        " \"state\": {\"child\": \"D\"}}",
        getpid(), gettid(), child);
    wait_for_ever();
}
