/*
 * The floor: what it costs to open, read and close every task's status file and to do
 * nothing else with it.  A scanner cannot be faster than the kernel's own text, so its
 * speed is said as a multiple of this.
 *
 * usage: floor [--procfs DIR]
 * prints: "THREADS SECONDS", the status files read and the time it took from inside.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* No libc wraps this record; the layout is getdents64(2)'s. */
struct entry {
	unsigned long long ino;
	long long off;
	unsigned short length;
	unsigned char type;
	char name[];
};

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int is_number(const char *name)
{
	return name[0] >= '1' && name[0] <= '9';
}

/* One status file; a thread that ended meanwhile is not counted and is no error. */
static long read_status(int task, const char *tid)
{
	static char text[16384];
	char path[64];
	int fd;
	ssize_t got;

	snprintf(path, sizeof path, "%.20s/status", tid);
	fd = openat(task, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, text, sizeof text);
	close(fd);
	return got > 0;
}

/* Calls visit(directory, name) for each numeric entry and adds up what it returns. */
static long each(int directory, long (*visit)(int, const char *))
{
	_Alignas(struct entry) char buffer[32768];
	long total = 0, got;

	while ((got = syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0) {
		for (long at = 0; at < got;) {
			struct entry *entry = (struct entry *)(buffer + at);

			at += entry->length;
			if (is_number(entry->name))
				total += visit(directory, entry->name);
		}
	}
	return total;
}

static long read_process(int procfs, const char *pid)
{
	char path[64];
	long total;
	int task;

	snprintf(path, sizeof path, "%.20s/task", pid);
	task = openat(procfs, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (task < 0)
		return 0;
	total = each(task, read_status);
	close(task);
	return total;
}

int main(int argc, char **argv)
{
	const char *root = "/proc";
	double start;
	long total;
	int procfs;

	if (argc == 3 && strcmp(argv[1], "--procfs") == 0) {
		root = argv[2];
	} else if (argc != 1) {
		fprintf(stderr, "usage: %s [--procfs DIR]\n", argv[0]);
		return 2;
	}
	start = now();
	procfs = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (procfs < 0) {
		fprintf(stderr, "floor: %s: %s\n", root, strerror(errno));
		return 1;
	}
	total = each(procfs, read_process);
	printf("%ld %.6f\n", total, now() - start);
	return 0;
}
