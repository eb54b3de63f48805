/* The director; see situation.h. */
#include "situation.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

struct record {
    int32_t kind, sig, tid, code;
    int64_t value;
};

struct activity activities[THREADS];
char actions[65];
int threads, pidns, uid, own_session, queue_limit = -1, sender_session;
volatile uint64_t *counters;

void tell(int kind, int sig, int code, int64_t value)
{
    struct record record = {kind, sig, syscall(SYS_gettid), code, value};
    (void)!write(REPORT, &record, sizeof record);
}

void die(const char *what)
{
    int code = errno;
    tell('X', 0, code, 0);
    dprintf(2, "situation: %s: %s\n", what, strerror(code));
    _exit(1);
}

/* Ends with its parent, whatever becomes of it. */
void depend(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (parent && getppid() != parent)
        _exit(1);
}

/* The raw calls: glibc's would leave signals 32 and 33 out of every mask. */
void set_mask(uint64_t mask)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

static void read_situation(void)
{
    char line[256], word[32];
    while (fgets(line, sizeof line, stdin) && strcmp(line, "end\n")) {
        struct activity *a = &activities[threads];
        char kind;
        int sig;
        if (sscanf(line, "thread %23s %lx %lx", a->name, &a->blocked, &a->set) == 3)
            threads++;
        else if (sscanf(line, "action %d %c", &sig, &kind) == 2)
            actions[sig] = kind;
        else if (sscanf(line, "%31s %d", word, &sig) == 2) {
            if (!strcmp(word, "pidns"))
                pidns = sig;
            else if (!strcmp(word, "uid"))
                uid = sig;
            else if (!strcmp(word, "own_session"))
                own_session = sig;
            else if (!strcmp(word, "queue_limit"))
                queue_limit = sig;
            else if (!strcmp(word, "sender_session"))
                sender_session = sig;
        }
    }
}

static void watch(pid_t target)
{
    siginfo_t info;
    int what = WEXITED | WSTOPPED | WCONTINUED | WNOHANG;
    for (;;) {
        info.si_pid = 0;
        /* The dead are left as zombies: a second signal to them must not find nobody. */
        if (waitid(P_PID, target, &info, what | WNOWAIT) || !info.si_pid)
            return;
        tell('W', info.si_status, info.si_code, 0);
        if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
            return;
        waitid(P_PID, target, &info, what & ~WEXITED);
    }
}

static pid_t helper[4];
static int helpers;

static void start(int role, int *orders, pid_t target)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC))
        die("pipe");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        close(ends[1]);
        close(0);
        depend(pidns && role == 'i' ? 0 : parent);
        if (role == 't')
            be_tracer(ends[0], target);
        be_sender(ends[0]);
    }
    close(ends[0]);
    *orders = ends[1];
    helper[helpers++] = pid;
    tell('P', role, 0, pid);
}

int main(void)
{
    int outside, inside = -1, tracer;
    char line[256];
    pid_t director = getpid();
    sigset_t child;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, COUNTERS, 0);
    if (counters == MAP_FAILED)
        die("mmap");
    setvbuf(stdin, NULL, _IONBF, 0);
    read_situation();
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    int told = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    start('o', &outside, 0);
    if (pidns && unshare(CLONE_NEWPID))
        die("unshare");
    pid_t target = fork();
    if (target == 0) {
        if (!pidns)
            depend(director);
        be_target();
    }
    tell('P', 'p', 0, target);
    if (pidns)
        start('i', &inside, 0);
    if (!pidns)
        start('t', &tracer, target);
    else {
        /* A tracer has to live in our own namespace: the pids it is told are ours. */
        int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
        if (own < 0 || setns(own, CLONE_NEWPID))
            die("setns");
        start('t', &tracer, target);
    }
    struct pollfd heard[2] = {{.fd = 0, .events = POLLIN}, {.fd = told, .events = POLLIN}};
    for (;;) {
        struct signalfd_siginfo info;
        if (poll(heard, 2, -1) < 0)
            continue;
        if (heard[1].revents) {
            while (read(told, &info, sizeof info) > 0)
                continue;
            watch(target);
            /* The init of a namespace ends only when all in it are reaped (kernel/pid_namespace.c,
               zap_pid_ns_processes). */
            for (int i = 0; i < helpers; i++)
                waitpid(helper[i], NULL, WNOHANG);
        }
        if (!heard[0].revents)
            continue;
        struct order o;
        char where, how;
        int32_t hold;
        if (!fgets(line, sizeof line, stdin))
            break;
        if (sscanf(line, "send %c %d %c %d %d %d %d %ld", &where, &o.uid, &how, &o.pid, &o.tid,
                   &o.sig, &o.count, &o.value) == 8) {
            o.how = how;
            (void)!write(where == 'i' ? inside : outside, &o, sizeof o);
        } else if (sscanf(line, "trace %d", &hold) == 1) {
            (void)!write(tracer, &hold, sizeof hold);
        }
    }
    kill(target, SIGKILL);
    for (int i = 0; i < helpers; i++)
        kill(helper[i], SIGKILL);
    while (waitpid(-1, NULL, __WALL) > 0)
        continue;
    return 0;
}
