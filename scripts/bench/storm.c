/*
 * usage: storm SECONDS RATE CPU
 *
 * Sends itself SIGUSR1, which it handles, RATE times a second (0: as fast as it can), on one CPU.
 * Prints how many it sent, how many it handled, and the nanoseconds that a kill() with its
 * handler took in the middle; clocks are read around batches, so that they cost next to nothing.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
#define MOST (1 << 20)

static volatile long handled;
static double took[MOST];

static void handler(int number)
{
	(void)number;
	handled++;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1, rate = argc > 2 ? atof(argv[2]) : 0;
	int batch = rate > 0 && rate < 10000 ? 1 : BATCH;
	long sent = 0, batches = 0;
	pid_t self = getpid();
	cpu_set_t cpus;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&cpus);
	CPU_SET(argc > 3 ? atoi(argv[3]) : 0, &cpus);
	sched_setaffinity(0, sizeof cpus, &cpus);
	signal(SIGUSR1, handler);
	double start = now();
	while (now() - start < seconds) {
		double before = now();
		for (int i = 0; i < batch; i++)
			kill(self, SIGUSR1);
		double after = now();
		sent += batch;
		if (batches < MOST)
			took[batches++] = (after - before) / batch;
		if (rate <= 0)
			continue;
		double left = start + sent / rate - now();
		if (left > 0.002)
			usleep((left - 0.001) * 1e6);
		while (now() < start + sent / rate)
			;
	}
	qsort(took, batches, sizeof *took, compare);
	printf("%d %ld %ld %.1f\n", self, sent, handled, took[batches / 2] * 1e9);
	return 0;
}
