/*
 * blocking_call NAME [MILLISECONDS [HANDLER [ANSWER]]]
 *
 * One blocking system call, and how it ended. It says first
 *   {"pid": ..., "tids": {"main": ...}, "in": {"main": NR}, "began": NS}
 * then sits in the call NAME (a timeout, where it has one, is MILLISECONDS, 1000 if not given), and
 * when the call has returned it says
 *   {"ret": ..., "errno": ..., "ended": NS, "handled": HOW_OFTEN, "trapped": HOW_OFTEN}
 * Times are CLOCK_MONOTONIC. `blocking_call --list` prints the names.
 *
 * HANDLER: "none", or what SIGUSR1 has: "plain", "restart" (SA_RESTART).
 * ANSWER: what a seccomp filter answers to restart_syscall: "none" (no filter), "allow", "log",
 * "errno:N", "kill", "kill_thread", "trap" (whose handler is installed).
 * Something that this kernel does not offer is told by {"unsupported": WHY}, and status 0.
 *
 * To add a call: a function that prepares it and returns its number and arguments, and a
 * row in CALLS.
 */
#include "target.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

#define PAGE 4096
#define MEGABYTE (1 << 20)
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#ifndef SYS_futex_wait
#define SYS_futex_wait 455
#endif

struct call {
    long number;
    long arguments[6];
};
#define CALL(nr, ...) ((struct call){SYS_##nr, {__VA_ARGS__}})
#define AT(thing) ((long)&(thing))

static int pipes[2], sockets[2];
static char buffer[2 * PAGE];
static uint32_t word;
static struct timespec timeout, deadline, left;
static struct timeval timeout_us;
static long timeout_ms = 1000;
static volatile sig_atomic_t handled, trapped;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void until(clockid_t clock)
{
    clock_gettime(clock, &deadline);
    deadline.tv_sec += timeout.tv_sec;
    deadline.tv_nsec += timeout.tv_nsec;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
}

static void unsupported(const char *what)
{
    say("{\"unsupported\": \"%s: %s\"}", what, strerror(errno));
    exit(0);
}

static int needed(int result, const char *what)
{
    if (result < 0)
        unsupported(what);
    return result;
}

/* A child that lives until we die. */
static pid_t child(void (*first)(void))
{
    int done[2];
    char byte;
    needed(pipe(done), "pipe");
    pid_t pid = needed(fork(), "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (first)
            first();
        if (write(done[1], "", 1) != 1)
            _exit(3);
        wait_for_ever();
    }
    if (read(done[0], &byte, 1) != 1)
        _exit(3);
    return pid;
}

/* Some things outlive us, however we end: a child sees to it, once the pipe has no writer. */
static void afterwards(void (*remove)(void))
{
    int ours[2];
    char byte;
    needed(pipe(ours), "pipe");
    if (needed(fork(), "fork") == 0) {
        sigset_t all;
        sigfillset(&all);
        block(&all);
        prctl(PR_SET_PDEATHSIG, 0);
        setsid();
        close(ours[1]);
        while (read(ours[0], &byte, 1) < 0)
            ;
        remove();
        _exit(0);
    }
    close(ours[0]);
}

static void fill(int fd)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (write(fd, buffer, PAGE) > 0)
        ;
    while (write(fd, buffer, 1) > 0)
        ;
    fcntl(fd, F_SETFL, 0);
}

/* --- sleeps --- */
static struct call sleep_relative(void) { return CALL(nanosleep, AT(timeout), AT(left)); }
static struct call sleep_clock(void)
{
    return CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, AT(timeout), AT(left));
}
static struct call sleep_cpu(void)
{
    return CALL(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, AT(timeout), AT(left));
}
static struct call sleep_until(void)
{
    until(CLOCK_MONOTONIC);
    return CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, AT(deadline), 0);
}

/* --- waiting for descriptors --- */
static struct pollfd polled;
static fd_set readable;
static struct epoll_event event;
static struct pollfd *one(void)
{
    polled = (struct pollfd){.fd = pipes[0], .events = POLLIN};
    return &polled;
}
static long readers(void)
{
    FD_ZERO(&readable);
    FD_SET(pipes[0], &readable);
    return AT(readable);
}
static int epoll(void) { return needed(epoll_create1(0), "epoll_create1"); }
#ifdef SYS_poll
static struct call poll_timed(void) { return CALL(poll, (long)one(), 1, timeout_ms); }
static struct call poll_endless(void) { return CALL(poll, (long)one(), 1, -1); }
static struct call select_timed(void)
{
    return CALL(select, pipes[0] + 1, readers(), 0, 0, AT(timeout_us));
}
static struct call select_endless(void) { return CALL(select, pipes[0] + 1, readers()); }
static struct call epoll_wait_timed(void)
{
    return CALL(epoll_wait, epoll(), AT(event), 1, timeout_ms);
}
static struct call epoll_wait_endless(void) { return CALL(epoll_wait, epoll(), AT(event), 1, -1); }
static struct call pause_(void) { return CALL(pause, 0); }
#endif
static struct call ppoll_timed(void) { return CALL(ppoll, (long)one(), 1, AT(timeout), 0, 8); }
static struct call ppoll_endless(void) { return CALL(ppoll, (long)one(), 1, 0, 0, 8); }
static struct call pselect_timed(void)
{
    return CALL(pselect6, pipes[0] + 1, readers(), 0, 0, AT(timeout), 0);
}
static struct call pselect_endless(void) { return CALL(pselect6, pipes[0] + 1, readers()); }
static struct call epoll_pwait_timed(void)
{
    return CALL(epoll_pwait, epoll(), AT(event), 1, timeout_ms, 0, 8);
}
static struct call epoll_pwait_endless(void)
{
    return CALL(epoll_pwait, epoll(), AT(event), 1, -1, 0, 8);
}
static struct call epoll_pwait2_timed(void)
{
    return CALL(epoll_pwait2, epoll(), AT(event), 1, AT(timeout), 0, 8);
}

/* --- futexes --- */
static struct {
    uint64_t value, address;
    uint32_t flags, reserved;
} vector;
static struct call futex_endless(void) { return CALL(futex, AT(word), FUTEX_WAIT_PRIVATE, 0); }
static struct call futex_timed(void)
{
    return CALL(futex, AT(word), FUTEX_WAIT_PRIVATE, 0, AT(timeout));
}
static struct call futex_until(void)
{
    until(CLOCK_MONOTONIC);
    return CALL(futex, AT(word), FUTEX_WAIT_BITSET_PRIVATE, 0, AT(deadline), 0, 0xffffffff);
}
static struct call futex_bitset_endless(void)
{
    return CALL(futex, AT(word), FUTEX_WAIT_BITSET_PRIVATE, 0, 0, 0, 0xffffffff);
}
static struct call futex_lock(void)
{
    word = child(NULL);
    return CALL(futex, AT(word), FUTEX_LOCK_PI, 0);
}
static struct call futex_lock_until(void)
{
    word = child(NULL);
    until(CLOCK_REALTIME);
    return CALL(futex, AT(word), FUTEX_LOCK_PI, 0, AT(deadline));
}
static struct call futex_vector_until(void)
{
    vector.address = AT(word);
    vector.flags = 2 | 128;
    until(CLOCK_MONOTONIC);
    return CALL(futex_waitv, AT(vector), 1, 0, AT(deadline), CLOCK_MONOTONIC);
}
static struct call futex_two_endless(void)
{
    return CALL(futex_wait, AT(word), 0, 0xffffffff, 2 | 128, 0, 0);
}
static struct call futex_two_until(void)
{
    until(CLOCK_MONOTONIC);
    return CALL(futex_wait, AT(word), 0, 0xffffffff, 2 | 128, AT(deadline), CLOCK_MONOTONIC);
}

/* --- reading and writing --- */
static struct call read_(int fd) { return CALL(read, fd, AT(buffer), sizeof buffer); }
static struct call read_pipe(void) { return read_(pipes[0]); }
static struct iovec slices = {buffer, 10};
static struct call readv_pipe(void) { return CALL(readv, pipes[0], AT(slices), 1); }
static struct call write_pipe(void)
{
    fill(pipes[1]);
    return CALL(write, pipes[1], AT(buffer), 10);
}
static struct call write_part(void)
{
    return CALL(write, pipes[1], (long)calloc(1, MEGABYTE), MEGABYTE);
}
static struct call read_terminal(void)
{
    int ours = needed(posix_openpt(O_RDWR | O_NOCTTY), "posix_openpt");
    grantpt(ours);
    unlockpt(ours);
    return read_(needed(open(ptsname(ours), O_RDWR | O_NOCTTY), "the terminal"));
}
static struct call read_event(void) { return read_(needed(eventfd(0, 0), "eventfd")); }
static struct call read_timer(void)
{
    int fd = needed(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd_create");
    timerfd_settime(fd, 0, &(struct itimerspec){.it_value = timeout}, NULL);
    return read_(fd);
}
static sigset_t awaited;
static void await_usr2(void)
{
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGUSR2);
    block(&awaited);
}
static struct call read_signal(void)
{
    await_usr2();
    return read_(needed(signalfd(-1, &awaited, 0), "signalfd"));
}
static struct call read_watch(void) { return read_(needed(inotify_init(), "inotify_init")); }
static struct call splice_(void)
{
    int other[2];
    needed(pipe(other), "pipe");
    return CALL(splice, pipes[0], 0, other[1], 0, 10, 0);
}
static struct call tee_(void)
{
    int other[2];
    needed(pipe(other), "pipe");
    return CALL(tee, pipes[0], other[1], 10, 0);
}
static char fifo[64];
static void unlink_fifo(void) { unlink(fifo); }
static struct call open_fifo(void)
{
    snprintf(fifo, sizeof fifo, "/tmp/sigscope-fifo-%d", getpid());
    needed(mkfifo(fifo, 0600), "mkfifo");
    afterwards(unlink_fifo);
    return CALL(openat, AT_FDCWD, AT(fifo), O_RDONLY);
}

/* --- sockets --- */
static int timed(int option, int fd)
{
    setsockopt(fd, SOL_SOCKET, option, &timeout_us, sizeof timeout_us);
    return fd;
}
static int listener(void)
{
    int fd = needed(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    struct sockaddr_un name = {.sun_family = AF_UNIX}; /* a name of the kernel's own choice */
    needed(bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t)), "bind");
    needed(listen(fd, 0), "listen");
    return fd;
}
static struct msghdr message = {.msg_iov = &slices, .msg_iovlen = 1};
static struct mmsghdr messages = {.msg_hdr = {.msg_iov = &slices, .msg_iovlen = 1}};
static struct call receive(void) { return CALL(recvfrom, sockets[0], AT(buffer), 10); }
static struct call receive_timed(void)
{
    return CALL(recvfrom, timed(SO_RCVTIMEO, sockets[0]), AT(buffer), 10);
}
static struct call receive_message(void) { return CALL(recvmsg, sockets[0], AT(message)); }
static struct call receive_messages(void)
{
    return CALL(recvmmsg, sockets[0], AT(messages), 1, 0, AT(timeout));
}
static struct call read_socket(void) { return read_(sockets[0]); }
static struct call read_socket_timed(void) { return read_(timed(SO_RCVTIMEO, sockets[0])); }
static struct call send_full(void)
{
    fill(sockets[0]);
    return CALL(sendto, sockets[0], AT(buffer), 10);
}
static struct call send_full_timed(void)
{
    fill(timed(SO_SNDTIMEO, sockets[0]));
    return CALL(sendto, sockets[0], AT(buffer), 10);
}
static struct call accept_(void) { return CALL(accept4, listener()); }
static struct call accept_timed(void) { return CALL(accept4, timed(SO_RCVTIMEO, listener())); }
static struct call connect_(void)
{
    static struct sockaddr_un name;
    socklen_t size = sizeof name;
    int fd = listener();
    getsockname(fd, (struct sockaddr *)&name, &size);
    needed(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, size), "connect");
    return CALL(connect, socket(AF_UNIX, SOCK_STREAM, 0), AT(name), size);
}

/* --- waiting for processes, signals, locks --- */
static struct call wait4_(void)
{
    child(NULL);
    return CALL(wait4, -1);
}
static siginfo_t information;
static struct call waitid_(void)
{
    child(NULL);
    return CALL(waitid, P_ALL, 0, AT(information), WEXITED);
}
static struct call await_signal(void)
{
    await_usr2();
    return CALL(rt_sigtimedwait, AT(awaited), 0, 0, 8);
}
static struct call await_signal_timed(void)
{
    await_usr2();
    return CALL(rt_sigtimedwait, AT(awaited), 0, AT(timeout), 8);
}
static unsigned long nothing;
static struct call suspend(void) { return CALL(rt_sigsuspend, AT(nothing), 8); }
static int lock_file(void)
{
    char name[] = "/tmp/sigscope-lock-XXXXXX";
    static char again[64];
    int fd = needed(mkstemp(name), "mkstemp");
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    int other = needed(open(again, O_RDWR), "open");
    unlink(name);
    flock(fd, LOCK_EX);
    return other;
}
static int locked;
static struct flock whole = {.l_type = F_WRLCK};
static void lock_it(void) { fcntl(locked, F_SETLK, &whole); }
static struct call flock_(void) { return CALL(flock, lock_file(), LOCK_EX); }
static struct call record_lock(void)
{
    locked = lock_file();
    child(lock_it);
    return CALL(fcntl, locked, F_SETLKW, AT(whole));
}

/* --- System V and POSIX queues, asynchronous I/O --- */
static struct sembuf down = {0, -1, 0};
static struct {
    long type;
    char text[PAGE];
} letter = {1, {0}};
static int id;
static void remove_semaphore(void) { semctl(id, 0, IPC_RMID); }
static void remove_queue(void) { msgctl(id, IPC_RMID, NULL); }
static int semaphore(void)
{
    id = needed(semget(IPC_PRIVATE, 1, 0600), "semget");
    afterwards(remove_semaphore);
    return id;
}
static int messages_queue(void)
{
    id = needed(msgget(IPC_PRIVATE, 0600), "msgget");
    afterwards(remove_queue);
    return id;
}
#ifdef SYS_semop
static struct call semop_(void) { return CALL(semop, semaphore(), AT(down), 1); }
#endif
static struct call semtimedop_(void)
{
    return CALL(semtimedop, semaphore(), AT(down), 1, AT(timeout));
}
static struct call semtimedop_endless(void) { return CALL(semtimedop, semaphore(), AT(down), 1, 0); }
static struct call msgrcv_(void) { return CALL(msgrcv, messages_queue(), AT(letter), 10, 0, 0); }
static struct call msgsnd_(void)
{
    messages_queue();
    while (msgsnd(id, &letter, PAGE, IPC_NOWAIT) == 0)
        ;
    while (msgsnd(id, &letter, 1, IPC_NOWAIT) == 0)
        ;
    return CALL(msgsnd, id, AT(letter), PAGE, 0);
}
static int posix_queue(void)
{
    static char name[64];
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 16};
    snprintf(name, sizeof name, "/sigscope-%d", getpid());
    int fd = needed(mq_open(name, O_RDWR | O_CREAT, 0600, &attributes), "mq_open");
    mq_unlink(name);
    return fd;
}
static struct call receive_queue(void)
{
    int fd = posix_queue();
    until(CLOCK_REALTIME);
    return CALL(mq_timedreceive, fd, AT(buffer), 16, 0, AT(deadline));
}
static struct call send_queue(void)
{
    int fd = posix_queue();
    mq_send(fd, buffer, 1, 0);
    until(CLOCK_REALTIME);
    return CALL(mq_timedsend, fd, AT(buffer), 1, 0, AT(deadline));
}
static aio_context_t context;
static struct io_event done;
static void aio(void) { needed(syscall(SYS_io_setup, 8, &context), "io_setup"); }
static struct call aio_endless(void)
{
    aio();
    return CALL(io_getevents, (long)context, 1, 1, AT(done), 0);
}
static struct call aio_timed(void)
{
    aio();
    return CALL(io_getevents, (long)context, 1, 1, AT(done), AT(timeout));
}
static struct call aio_masked_timed(void)
{
    aio();
    return CALL(io_pgetevents, (long)context, 1, 1, AT(done), AT(timeout), 0);
}
static int ring(void)
{
    static struct io_uring_params parameters;
    return needed(syscall(SYS_io_uring_setup, 4, &parameters), "io_uring_setup");
}
static struct call ring_endless(void)
{
    return CALL(io_uring_enter, ring(), 0, 1, IORING_ENTER_GETEVENTS, 0, 8);
}
static struct call ring_timed(void)
{
    static struct {
        uint64_t mask;
        uint32_t size, pad;
        uint64_t timeout;
    } extended;
    extended.size = 8;
    extended.timeout = AT(timeout);
    return CALL(io_uring_enter, ring(), 0, 1, IORING_ENTER_GETEVENTS | 8, AT(extended),
                sizeof extended);
}

static struct call busy(void) { return (struct call){-1, {0}}; }

static const struct {
    const char *name;
    struct call (*prepare)(void);
} CALLS[] = {
    {"nanosleep", sleep_relative},
    {"clock_nanosleep_relative", sleep_clock},
    {"clock_nanosleep_cpu", sleep_cpu},
    {"clock_nanosleep_absolute", sleep_until},
#ifdef SYS_poll
    {"poll_timed", poll_timed},
    {"poll_endless", poll_endless},
    {"select_timed", select_timed},
    {"select_endless", select_endless},
    {"epoll_wait_timed", epoll_wait_timed},
    {"epoll_wait_endless", epoll_wait_endless},
    {"pause", pause_},
#endif
    {"ppoll_timed", ppoll_timed},
    {"ppoll_endless", ppoll_endless},
    {"pselect6_timed", pselect_timed},
    {"pselect6_endless", pselect_endless},
    {"epoll_pwait_timed", epoll_pwait_timed},
    {"epoll_pwait_endless", epoll_pwait_endless},
    {"epoll_pwait2_timed", epoll_pwait2_timed},
    {"futex_wait_endless", futex_endless},
    {"futex_wait_timed", futex_timed},
    {"futex_wait_bitset_absolute", futex_until},
    {"futex_wait_bitset_endless", futex_bitset_endless},
    {"futex_lock_pi_endless", futex_lock},
    {"futex_lock_pi_absolute", futex_lock_until},
    {"futex_waitv_absolute", futex_vector_until},
    {"futex_wait2_endless", futex_two_endless},
    {"futex_wait2_absolute", futex_two_until},
    {"read_pipe", read_pipe},
    {"readv_pipe", readv_pipe},
    {"write_pipe", write_pipe},
    {"write_pipe_in_part", write_part},
    {"read_terminal", read_terminal},
    {"read_eventfd", read_event},
    {"read_timerfd", read_timer},
    {"read_signalfd", read_signal},
    {"read_inotify", read_watch},
    {"splice", splice_},
    {"tee", tee_},
    {"open_fifo", open_fifo},
    {"recvfrom", receive},
    {"recvfrom_timeo", receive_timed},
    {"recvmsg", receive_message},
    {"recvmmsg_timed", receive_messages},
    {"read_socket", read_socket},
    {"read_socket_timeo", read_socket_timed},
    {"sendto", send_full},
    {"sendto_timeo", send_full_timed},
    {"accept4", accept_},
    {"accept4_timeo", accept_timed},
    {"connect", connect_},
    {"wait4", wait4_},
    {"waitid", waitid_},
    {"rt_sigtimedwait_endless", await_signal},
    {"rt_sigtimedwait_timed", await_signal_timed},
    {"rt_sigsuspend", suspend},
    {"flock", flock_},
    {"fcntl_setlkw", record_lock},
#ifdef SYS_semop
    {"semop", semop_},
#endif
    {"semtimedop_timed", semtimedop_},
    {"semtimedop_endless", semtimedop_endless},
    {"msgrcv", msgrcv_},
    {"msgsnd", msgsnd_},
    {"mq_timedreceive_absolute", receive_queue},
    {"mq_timedsend_absolute", send_queue},
    {"io_getevents_endless", aio_endless},
    {"io_getevents_timed", aio_timed},
    {"io_pgetevents_timed", aio_masked_timed},
    {"io_uring_enter_endless", ring_endless},
    {"io_uring_enter_timed", ring_timed},
    {"busy", busy},
};
enum { HOW_MANY = sizeof CALLS / sizeof CALLS[0] };

static void count(int number)
{
    (void)number;
    handled++;
}

static void count_trap(int number)
{
    (void)number;
    trapped++;
}

static void load_filter(const char *answer)
{
    uint32_t action = SECCOMP_RET_ALLOW;
    if (strcmp(answer, "none") == 0)
        return;
    if (strcmp(answer, "log") == 0)
        action = SECCOMP_RET_LOG;
    else if (strncmp(answer, "errno:", 6) == 0)
        action = SECCOMP_RET_ERRNO | (uint32_t)atoi(answer + 6);
    else if (strcmp(answer, "kill") == 0)
        action = SECCOMP_RET_KILL_PROCESS;
    else if (strcmp(answer, "kill_thread") == 0)
        action = SECCOMP_RET_KILL_THREAD;
    else if (strcmp(answer, "trap") == 0)
        action = SECCOMP_RET_TRAP;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    struct sigaction trap = {.sa_handler = count_trap};
    sigaction(SIGSYS, &trap, NULL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    needed(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

static void have_handler(const char *how)
{
    if (strcmp(how, "none") == 0)
        return;
    struct sigaction action = {.sa_handler = count};
    action.sa_flags = strcmp(how, "restart") == 0 ? SA_RESTART : 0;
    sigaction(SIGUSR1, &action, NULL);
}

static long spin(void)
{
    long long end = now() + timeout_ms * 1000000LL;
    while (now() < end)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    int index = 0;
    if (strcmp(name, "--list") == 0) {
        for (index = 0; index < HOW_MANY; index++)
            puts(CALLS[index].name);
        return 0;
    }
    if (argc > 2)
        timeout_ms = atol(argv[2]);
    timeout = (struct timespec){timeout_ms / 1000, timeout_ms % 1000 * 1000000};
    timeout_us = (struct timeval){timeout_ms / 1000, timeout_ms % 1000 * 1000};
    while (index < HOW_MANY && strcmp(CALLS[index].name, name) != 0)
        index++;
    if (index == HOW_MANY) {
        fprintf(stderr, "no call %s: see --list\n", name);
        return 2;
    }
    if (pipe(pipes) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
        return 3;
    have_handler(argc > 3 ? argv[3] : "none");
    struct call call = CALLS[index].prepare();
    load_filter(argc > 4 ? argv[4] : "none");

    const long *a = call.arguments;
    char in[64] = "";
    if (call.number >= 0)
        snprintf(in, sizeof in, ", \"in\": {\"main\": %ld}", call.number);
    say("{\"pid\": %d, \"tids\": {\"main\": %d}%s, \"began\": %lld}", getpid(), gettid(), in, now());
    errno = 0;
    long result = call.number < 0 ? spin() : syscall(call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
    int error = result == -1 ? errno : 0;
    say("{\"ret\": %ld, \"errno\": %d, \"ended\": %lld, \"handled\": %d, \"trapped\": %d}", result,
        error, now(), (int)handled, (int)trapped);
    return 0;
}
