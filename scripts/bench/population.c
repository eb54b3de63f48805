/*
 * A crowd to look at: many processes of many threads each, all asleep, with the signal
 * state of an ordinary host (open masks, a few exceptions).
 *
 * usage: population PROCESSES THREADS [BLOCK_EVERY [HANDLE_EVERY]]
 *
 * Every BLOCK_EVERY-th process blocks SIGTERM in all of its threads (default 50), every
 * HANDLE_EVERY-th catches SIGHUP (default 100); 0 means none.
 *
 * prints one line: "ready PROCESSES THREADS" once every thread runs, or "failed CALL ERRNO".
 * It ends, and everybody with it, when its stdin closes or its parent dies.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 32 * 1024 };

/* What a child says of itself; small enough that a write to a pipe is atomic. */
struct word {
	char call[16];
	int error;
};

static pthread_barrier_t everyone;

static void catch(int signal)
{
	(void)signal;
}

static void *sleeper(void *unused)
{
	pthread_barrier_wait(&everyone);
	for (;;)
		pause();
	return unused;
}

/* The parent may have died before prctl() took effect; then nobody would end us. */
static void die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
}

static struct word start_threads(int count)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	pthread_barrier_init(&everyone, NULL, (unsigned)count);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* A guard page would cost a second mapping for each of the threads. */
	pthread_attr_setguardsize(&attributes, 0);
	error = pthread_attr_setstacksize(&attributes, STACK);
	if (error)
		return (struct word){"stack size", error};
	for (int i = 1; i < count; i++) {
		error = pthread_create(&thread, &attributes, sleeper, NULL);
		if (error)
			return (struct word){"pthread_create", error};
	}
	pthread_barrier_wait(&everyone);
	return (struct word){"", 0};
}

static void live(int report, int threads, int blocks, int handles)
{
	struct sigaction action = {.sa_handler = catch, .sa_flags = SA_RESTART};
	struct word word;
	sigset_t mask;

	sigemptyset(&mask);
	if (blocks)
		sigaddset(&mask, SIGTERM);
	/* Threads inherit the mask, so it is set before the first is made. */
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (handles)
		sigaction(SIGHUP, &action, NULL);
	close(STDIN_FILENO);
	word = start_threads(threads);
	if (write(report, &word, sizeof word) != sizeof word || word.error)
		_exit(1);
	close(report);
	for (;;)
		pause();
}

static int every(int nth, int i)
{
	return nth > 0 && i % nth == nth - 1;
}

static int fail(const char *call, int error)
{
	printf("failed %s %d\n", call, error);
	return 1;
}

/* Hears every child; end of file means that all have spoken or are gone. */
static int hear(int reports, int expected)
{
	struct word word;
	int heard = 0;

	while (read(reports, &word, sizeof word) == sizeof word) {
		if (word.error)
			return fail(word.call, word.error);
		heard++;
	}
	/* Nothing but the kernel's out-of-memory killer takes a child without a word. */
	return heard == expected ? 0 : fail("kill", ENOMEM);
}

static int populate(pid_t *children, int *made, int argc, char **argv)
{
	int processes = atoi(argv[1]), threads = atoi(argv[2]), reports[2];
	int block_every = argc > 3 ? atoi(argv[3]) : 50;
	int handle_every = argc > 4 ? atoi(argv[4]) : 100;
	pid_t self = getpid();

	if (pipe(reports) != 0)
		return fail("pipe", errno);
	for (int i = 0; i < processes; i++) {
		pid_t child = fork();

		if (child == 0) {
			die_with(self);
			close(reports[0]);
			live(reports[1], threads, every(block_every, i), every(handle_every, i));
		}
		if (child < 0)
			return fail("fork", errno);
		children[(*made)++] = child;
	}
	close(reports[1]);
	if (hear(reports[0], processes) != 0)
		return 1;
	printf("ready %d %d\n", processes, threads);
	return 0;
}

int main(int argc, char **argv)
{
	int made = 0, status;
	pid_t *children;
	char byte;

	if (argc < 3 || argc > 5 || atoi(argv[1]) < 1 || atoi(argv[2]) < 1) {
		fprintf(stderr, "usage: %s PROCESSES THREADS [BLOCK_EVERY [HANDLE_EVERY]]\n", argv[0]);
		return 2;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return fail("prctl", errno);
	/* Line by line: the reader waits for the one line, and forks must not repeat it. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	children = calloc((size_t)atoi(argv[1]), sizeof *children);
	if (children == NULL)
		return fail("calloc", errno);
	status = populate(children, &made, argc, argv);
	while (status == 0 && read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	/* Reaped here, so that whoever waits for us finds the host as it was. */
	for (int i = 0; i < made; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < made; i++)
		waitpid(children[i], NULL, 0);
	free(children);
	return status;
}
