/*
 * narrow: a 32-bit program without a C library, made with -m32 -nostdlib -DCALL=1 to 3.
 *
 * It blocks SIGTERM, writes "r\n", waits for two seconds in epoll_wait (1), in recv with SO_RCVTIMEO
 * through socketcall(2) (2) or in nanosleep (3), and exits with 0 if its time has passed.
 */
#define NR_EXIT 1
#define NR_WRITE 4
#define NR_SOCKETCALL 102
#define NR_NANOSLEEP 162
#define NR_SIGPROCMASK 175
#define NR_EPOLL_WAIT 256
#define NR_EPOLL_CREATE1 329
#define SOCKETPAIR 8
#define RECV 10
#define SETSOCKOPT 14
#define MINUS_EAGAIN (-11)

static long call(long number, long a, long b, long c, long d)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d)
                     : "memory");
    return result;
}

void _start(void)
{
    static unsigned mask[2] = {1u << 14, 0};
    static long two_seconds[2] = {2, 0}, pair[2];
    static char event[64];
    long good = 0;
    call(NR_SIGPROCMASK, 0, (long)mask, 0, 8);
    long epoll = call(NR_EPOLL_CREATE1, 0, 0, 0, 0);
    long sockets[] = {1 /* AF_UNIX */, 1 /* SOCK_STREAM */, 0, (long)pair};
    call(NR_SOCKETCALL, SOCKETPAIR, (long)sockets, 0, 0);
    long option[] = {pair[0], 1 /* SOL_SOCKET */, 20 /* SO_RCVTIMEO */, (long)two_seconds, 8};
    call(NR_SOCKETCALL, SETSOCKOPT, (long)option, 0, 0);
    long receive[] = {pair[0], (long)event, sizeof event, 0};
    call(NR_WRITE, 1, (long)"r\n", 2, 0);
    if (CALL == 1)
        good = call(NR_EPOLL_WAIT, epoll, (long)event, 1, 2000) == 0;
    if (CALL == 2)
        good = call(NR_SOCKETCALL, RECV, (long)receive, 0, 0) == MINUS_EAGAIN;
    if (CALL == 3)
        good = call(NR_NANOSLEEP, (long)two_seconds, 0, 0, 0) == 0;
    call(NR_EXIT, !good, 0, 0, 0);
}
