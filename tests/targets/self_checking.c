/*
 * self_checking
 *
 * A program that watches over its own state, and tells at the end what was not as it should be.
 * It has four threads:
 *
 *   main     computes: general, AVX and x87 registers and the red zone must hold their values.
 *            It handles SIGUSR1 (with SA_RESTART), SIGUSR2 (SA_SIGINFO, SA_NODEFER and a mask) and
 *            SIGRTMIN+3, whose values must come in order, 1, 2, 3, ... and none be missing.
 *   sleeper  nanosleep of 5 ms: never early.
 *   poller   epoll_wait of 5 ms: never early.
 *   waiter   sigtimedwait of 5 ms: never early.
 *
 * SIGRTMIN+5 is blocked and pending three times, an interval timer and a POSIX timer are far from
 * firing: at the end queue, timers, masks and all 64 dispositions must be those of the beginning.
 *
 * When standard input ends it says {"rounds": N, "values": HIGHEST, "usr1": COUNT, "interrupted": COUNT, "wrong": WHAT},
 * where "interrupted" counts the waits that failed with EINTR: no signal is open in those threads.
 */
#include "target.h"
#include <float.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

enum { BRIEFLY_MS = 5, HOUR = 3600, PENDING = 3 };

static char wrong[512];
static volatile sig_atomic_t values, usr1, interrupted, over;

static void fault(const char *what, long detail)
{
    static int told;
    if (!__atomic_exchange_n(&told, 1, __ATOMIC_SEQ_CST))
        snprintf(wrong, sizeof wrong, "%s (%ld, errno %d)", what, detail, errno);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* --- registers --- */

#if defined(__x86_64__)
#define EACH(one) one(0) one(1) one(2) one(3) one(4) one(5) one(6) one(7) one(8) one(9) one(10) \
    one(11) one(12) one(13) one(14) one(15)
#define LOAD(n) "vmovdqu 32*" #n "(%[in]), %%ymm" #n "\n"
#define STORE(n) "vmovdqu %%ymm" #n ", 32*" #n "(%[out])\n"
#define GENERAL(one) one(8) one(9) one(10) one(11) one(12) one(13) one(14) one(15)
#define SET(n) "mov $0x5a5a0" #n ", %%r" #n "\n"
#define COMPARE(n) "xor $0x5a5a0" #n ", %%r" #n "\n or %%r" #n ", %[bad]\n"

static void registers_hold(unsigned seed)
{
    static uint8_t in[512], out[512];
    if (!__builtin_cpu_supports("avx2"))
        return;
    for (unsigned at = 0; at < sizeof in; at++)
        in[at] = (uint8_t)(at * 7 + seed);
    long spins = 30000;
    unsigned long bad = 0;
    __asm__ volatile(EACH(LOAD) GENERAL(SET) "1: dec %[spins]\n jnz 1b\n" EACH(STORE)
                         GENERAL(COMPARE) "vzeroupper\n"
                     : [spins] "+r"(spins), [bad] "+r"(bad)
                     : [in] "r"(in), [out] "r"(out)
                     : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc", "xmm0",
                       "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    if (bad)
        fault("a general register has changed", (long)bad);
    if (memcmp(in, out, sizeof in) != 0)
        fault("an AVX register has changed", 0);
}
#else
static void registers_hold(unsigned seed) { (void)seed; }
#endif

static __attribute__((noinline)) unsigned long red_zone(unsigned long x)
{
    volatile unsigned long kept[12];
    unsigned long sum = 0;
    for (int at = 0; at < 12; at++)
        kept[at] = x * at;
    for (int at = 0; at < 12; at++)
        sum += kept[at];
    return sum;
}

static void computes(unsigned round)
{
    registers_hold(round);
    long double slow = 1 + round % 7, sum = slow;
    for (int at = 0; at < 3000; at++)
        sum = sum * 0.5L + slow;
    if ((double)sum != 2 * (double)slow)
        fault("x87 has miscalculated", round);
    unsigned long total = 0;
    for (unsigned long at = 0; at < 1000; at++)
        total += red_zone(at);
    if (total != 66UL * 499500)
        fault("the red zone has changed", (long)total);
    for (int at = 0; at < 20; at++)
        if (syscall(SYS_getppid) < 0)
            fault("getppid has failed", at);
}

/* --- threads that wait --- */

static void in_time(const char *what, long result, long expected, long long began)
{
    int error = errno;
    if (result != expected && error == EINTR) {
        interrupted++;
        return;
    }
    if (result != expected)
        fault(what, error);
    if (now() - began < BRIEFLY_MS * 1000000LL - 1000000)
        fault(what, (long)(now() - began));
}

static void sleeper(void *unused)
{
    (void)unused;
    while (!over) {
        long long began = now();
        struct timespec briefly = {0, BRIEFLY_MS * 1000000L};
        in_time("nanosleep", syscall(SYS_nanosleep, &briefly, NULL), 0, began);
    }
}

static void poller(void *unused)
{
    (void)unused;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    while (!over) {
        long long began = now();
        in_time("epoll_wait", epoll_wait(epoll, &event, 1, BRIEFLY_MS), 0, began);
    }
}

static void waiter(void *unused)
{
    (void)unused;
    sigset_t never;
    sigemptyset(&never);
    sigaddset(&never, SIGRTMIN + 9);
    while (!over) {
        long long began = now();
        struct timespec briefly = {0, BRIEFLY_MS * 1000000L};
        errno = 0;
        long result = sigtimedwait(&never, NULL, &briefly);
        in_time("sigtimedwait", result == -1 && errno == EAGAIN, 1, began);
    }
}

/* --- what the kernel keeps for us --- */

static void in_order(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if (info->si_value.sival_int != values + 1)
        fault("a queued signal is missing or out of order", info->si_value.sival_int);
    values++;
}

static void count(int number)
{
    (void)number;
    usr1++;
}

static void nothing(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
}

static struct kernel_action {
    unsigned long handler, flags, restorer, mask;
} first[65];

static void actions(struct kernel_action *all)
{
    for (int number = 1; number <= 64; number++)
        if (syscall(SYS_rt_sigaction, number, NULL, &all[number], 8) != 0)
            fault("rt_sigaction", number);
}

static void queue_as_before(void)
{
    sigset_t blocked;
    siginfo_t info;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGRTMIN + 5);
    for (int at = 1; at <= PENDING; at++)
        if (sigtimedwait(&blocked, &info, &(struct timespec){0}) != SIGRTMIN + 5 ||
            info.si_value.sival_int != at)
            fault("a pending signal is missing or out of order", at);
    if (sigtimedwait(&blocked, &info, &(struct timespec){0}) != -1)
        fault("a signal is pending that nobody sent", info.si_value.sival_int);
}

int main(void)
{
    struct sigaction restart = {.sa_handler = count, .sa_flags = SA_RESTART};
    struct sigaction plain = {.sa_sigaction = nothing, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sigaction ordered = {.sa_sigaction = in_order, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t all, pending, mask, again;
    sigfillset(&all);
    sigaddset(&plain.sa_mask, SIGHUP);
    sigaddset(&plain.sa_mask, SIGRTMIN + 7);
    sigaction(SIGUSR1, &restart, NULL);
    sigaction(SIGUSR2, &plain, NULL);
    sigaction(SIGRTMIN + 3, &ordered, NULL);
    sigemptyset(&pending);
    sigaddset(&pending, SIGRTMIN + 5);
    sigaddset(&pending, SIGQUIT);
    block(&pending);
    for (int value = 1; value <= PENDING; value++)
        sigqueue(getpid(), SIGRTMIN + 5, (union sigval){.sival_int = value});
    struct itimerval hour = {.it_value = {HOUR, 0}}, left;
    struct itimerspec hours = {.it_value = {HOUR, 0}}, left_of_timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    timer_t timer;
    setitimer(ITIMER_REAL, &hour, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &hours, NULL);
    long long began = now();
    pthread_sigmask(SIG_SETMASK, NULL, &mask);

    pid_t sleeps = start_thread(&all, sleeper, NULL), polls = start_thread(&all, poller, NULL),
          waits = start_thread(&all, waiter, NULL);
    static struct kernel_action last[65];
    actions(first);
    say("{\"pid\": %d, \"tids\": {\"main\": %d, \"sleeper\": %d, \"poller\": %d, \"waiter\": %d},"
        " \"usr1\": [%lu, %lu, %lu], \"usr2\": [%lu, %lu, %lu], \"ordered\": %d}",
        getpid(), gettid(), sleeps, polls, waits, first[SIGUSR1].handler, first[SIGUSR1].flags,
        first[SIGUSR1].mask, first[SIGUSR2].handler, first[SIGUSR2].flags, first[SIGUSR2].mask,
        SIGRTMIN + 3);

    unsigned rounds = 0;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    do
        computes(rounds++);
    while (poll(&input, 1, 0) == 0 || (errno == EINTR && input.revents == 0));

    long long passed = (now() - began) / 1000000000;
    getitimer(ITIMER_REAL, &left);
    timer_gettime(timer, &left_of_timer);
    if (labs(left.it_value.tv_sec - (HOUR - passed)) > 2)
        fault("the interval timer is off", left.it_value.tv_sec);
    if (labs(left_of_timer.it_value.tv_sec - (HOUR - passed)) > 2)
        fault("the POSIX timer is off", left_of_timer.it_value.tv_sec);
    pthread_sigmask(SIG_SETMASK, NULL, &again);
    if (memcmp(&mask, &again, 8) != 0)
        fault("the mask has changed", 0);
    actions(last);
    if (memcmp(first, last, sizeof first) != 0)
        fault("a disposition has changed", 0);
    queue_as_before();
    over = 1;
    say("{\"rounds\": %u, \"values\": %d, \"usr1\": %d, \"interrupted\": %d, \"wrong\": \"%s\"}",
        rounds, (int)values, (int)usr1, (int)interrupted, wrong);
    return 0;
}
