/*
 * seccomp_oracle < cases > results
 *
 * For each case a thread of its own loads filters and makes one call; what became of it is
 * written. The first thread has no filter, and sees what happens to the other: it comes back, a
 * SIGSYS handler runs, the thread dies, or all die (and another process goes on with the next).
 *
 * On standard input: u32 number of cases; each: u32 way (0 syscall, 1 int $0x80), i32 number, u64
 * args[6], u32 filters, oldest first; each: u32 length, struct sock_filter[]. On standard
 * output: two u64, the instruction pointers that a filter sees; then a struct result for each case.
 *
 * The thread has the thread-local storage of the first: it calls nothing of the C library.
 */
#define _GNU_SOURCE
#include <err.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RETURNED = 1, TRAPPED, THREAD_KILLED, PROCESS_KILLED, NOT_LOADED };

struct result {
    uint32_t what, data, number, arch;
    int64_t value;
};

struct call {
    uint32_t way;
    int32_t number;
    uint64_t args[6];
    uint32_t filters;
};

long call64(long number, const uint64_t *args);
long call32(long number, const uint64_t *args);
extern char after64[], after32[];
__asm__(".text\n"
        "call64: mov %rdi, %rax; mov %rsi, %r11\n"
        "  mov (%r11), %rdi; mov 8(%r11), %rsi; mov 16(%r11), %rdx\n"
        "  mov 24(%r11), %r10; mov 32(%r11), %r8; mov 40(%r11), %r9; syscall\n"
        "after64: ret\n"
        "call32: push %rbx; push %rbp; mov %rdi, %rax; mov %rsi, %r11\n"
        "  mov (%r11), %ebx; mov 8(%r11), %ecx; mov 16(%r11), %edx\n"
        "  mov 24(%r11), %esi; mov 32(%r11), %edi; mov 40(%r11), %ebp; int $0x80\n"
        "after32: pop %rbp; pop %rbx; cdqe; ret\n");

static struct result *results;
static volatile uint32_t *next, *stuck;
static const struct call *now;
static const unsigned char *programs;
static struct result *mine;
static volatile int alive;
static char stack[1 << 18] __attribute__((aligned(64)));

static void finish(void)
{
    const uint64_t none[6] = {0};
    call64(SYS_exit, none);
    *stuck = 1;
    for (;;)
        __asm__ volatile("pause");
}

static void on_sigsys(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if (!mine->what)
        *mine = (struct result){TRAPPED, (uint32_t)info->si_errno, (uint32_t)info->si_syscall,
                                info->si_arch, 0};
    finish();
}

static int run(void *unused)
{
    (void)unused;
    const unsigned char *program = programs;
    for (uint32_t one = 0; one < now->filters; one++) {
        uint32_t length = *(const uint32_t *)program;
        struct sock_fprog loaded = {(unsigned short)length, (struct sock_filter *)(program + 4)};
        uint64_t args[6] = {SECCOMP_SET_MODE_FILTER, 0, (uint64_t)&loaded};
        long failed = call64(SYS_seccomp, args);
        if (failed) {
            mine->value = failed;
            mine->what = NOT_LOADED;
            finish();
        }
        program += 4 + length * sizeof(struct sock_filter);
    }
    mine->value = (now->way ? call32 : call64)(now->number, now->args);
    mine->what = RETURNED;
    finish();
    return 0;
}

/* One thread; back when it has gone, or cannot go. */
static void in_a_thread(void)
{
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                      CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID;
    alive = 1;
    if (clone(run, stack + sizeof stack, flags, NULL, &alive, NULL, &alive) < 0)
        err(1, "clone");
    /* The kernel wakes us when the thread is gone; one that cannot go does not. */
    const struct timespec millisecond = {0, 1000000};
    for (int tid; (tid = alive) && !*stuck;)
        syscall(SYS_futex, &alive, FUTEX_WAIT, tid, &millisecond, NULL, 0);
    if (!mine->what)
        mine->what = THREAD_KILLED;
}

static const unsigned char *behind(const struct call *one)
{
    const unsigned char *at = (const unsigned char *)(one + 1);
    for (uint32_t filter = 0; filter < one->filters; filter++)
        at += 4 + *(const uint32_t *)at * sizeof(struct sock_filter);
    return at;
}

static void work(const unsigned char *cases, uint32_t count)
{
    struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    const unsigned char *at = cases;
    for (uint32_t number = 0; number < count; number++) {
        now = (const struct call *)at;
        programs = (const unsigned char *)(now + 1);
        at = behind(now);
        if (number < *next)
            continue;
        mine = &results[number];
        *next = number + 1;
        alarm(60);
        in_a_thread();
        if (*stuck)
            _exit(0);
    }
    _exit(0);
}

static unsigned char *everything(size_t *size)
{
    size_t room = 1 << 20, got;
    unsigned char *data = malloc(room);
    *size = 0;
    while (data && (got = fread(data + *size, 1, room - *size, stdin)) > 0) {
        *size += got;
        if (*size == room)
            data = realloc(data, room *= 2);
    }
    if (!data)
        err(1, "memory");
    return data;
}

int main(void)
{
    size_t size;
    const unsigned char *data = everything(&size);
    uint32_t count = *(const uint32_t *)data;
    size_t bytes = count * sizeof(struct result) + 4096;
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        err(1, "mmap");
    next = shared;
    stuck = next + 1;
    results = (struct result *)((char *)shared + 64);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        err(1, "no_new_privs");
    while (*next < count) {
        *stuck = 0;
        pid_t worker = fork();
        if (worker < 0)
            err(1, "fork");
        if (worker == 0)
            work(data + 4, count);
        int status;
        waitpid(worker, &status, 0);
        struct result *last = &results[*next - 1];
        if (WIFSIGNALED(status) && WTERMSIG(status) != SIGSYS)
            errx(1, "case %u: killed by signal %d", *next - 1, WTERMSIG(status));
        if (WIFSIGNALED(status) && !last->what)
            last->what = PROCESS_KILLED;
    }
    uint64_t pointers[2] = {(uint64_t)after64, (uint64_t)after32};
    fwrite(pointers, sizeof pointers, 1, stdout);
    fwrite(results, sizeof *results, count, stdout);
    return fflush(stdout) ? 1 : 0;
}
