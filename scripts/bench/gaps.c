/*
 * gaps FILE THREADS
 *
 * What does a look cost the one that is looked at? One thread does nothing but read the clock, and
 * notes in FILE the longest time, in nanoseconds, for which it did not run, each time it is longer
 * than before; whoever reads it sets it to 0. All other threads sleep. Ten signals are caught.
 * The first line of its output is its pid.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void nothing(int number)
{
    (void)number;
}

static void *sleeps(void *unused)
{
    for (;;)
        pause();
    return unused;
}

int main(int argc, char **argv)
{
    static const int caught[] = {1, 2, 3, 10, 12, 13, 14, 15, 28, 29};
    if (argc < 3)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int file = open(argv[1], O_RDWR);
    volatile uint64_t *longest = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (longest == MAP_FAILED)
        return 3;
    for (unsigned at = 0; at < sizeof caught / sizeof *caught; at++)
        signal(caught[at], nothing);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 128 << 10);
    for (int number = 1; number < atoi(argv[2]); number++) {
        pthread_t thread;
        if (pthread_create(&thread, &small, sleeps, NULL) != 0)
            return 3;
    }
    printf("%d\n", getpid());
    fflush(stdout);
    for (uint64_t last = now();;) {
        uint64_t time = now();
        if (time - last > *longest)
            *longest = time - last;
        last = time;
    }
}
