/*
 * What every target does in the same way: say when its situation is true, and read the
 * lists of signals that it was given.
 *
 * clean_exec starts the targets and has already asked for SIGKILL at the death of the
 * parent, so only a process that a target forks has to ask for itself.
 */
#ifndef TARGET_H
#define TARGET_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* "15,1" as a set; "" is the empty set. */
static inline sigset_t signals_from(const char *list)
{
    sigset_t set;
    sigemptyset(&set);
    while (*list) {
        char *end;
        long number = strtol(list, &end, 10);
        if (end == list) {
            fprintf(stderr, "not a list of signal numbers: %s\n", list);
            exit(2);
        }
        sigaddset(&set, (int)number);
        list = *end == ',' ? end + 1 : end;
    }
    return set;
}

static inline void block(const sigset_t *set)
{
    pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* One line on the descriptor that READY_FD names. A single write: a handler may do it, and
   the lines of two threads do not mix. The descriptor is kept from what we exec. */
static inline void say(const char *format, ...)
{
    static int ready = -1;
    if (ready < 0) {
        const char *number = getenv("READY_FD");
        ready = number ? atoi(number) : STDOUT_FILENO;
        if (number)
            syscall(SYS_fcntl, ready, 2 /* F_SETFD */, 1 /* FD_CLOEXEC */);
    }
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    line[length++] = '\n';
    if (write(ready, line, length) != length)
        _exit(3);
}

/* A handler that tells which signal reached it, and in which thread. */
static inline void tell_signal(int number)
{
    int saved = errno;
    say("{\"handled\": %d, \"tid\": %d}", number, gettid());
    errno = saved;
}

static inline void handle(int number)
{
    struct sigaction action = {.sa_handler = tell_signal};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static inline void wait_for_ever(void)
{
    for (;;)
        pause();
}

struct beginning {
    const sigset_t *mask;
    void (*body)(void *);
    void *argument;
    pid_t tid;
    sem_t begun;
};

static inline void *begin(void *pointer)
{
    struct beginning *beginning = pointer;
    void (*body)(void *) = beginning->body;
    void *argument = beginning->argument;
    if (beginning->mask)
        pthread_sigmask(SIG_SETMASK, beginning->mask, NULL);
    beginning->tid = gettid();
    sem_post(&beginning->begun); /* from here on `beginning` may be gone */
    body(argument);
    return NULL;
}

/* Start a thread which blocks exactly `mask` (NULL: what its creator blocks); its tid.
   It has its mask by the time this returns. */
static inline pid_t start_thread(const sigset_t *mask, void (*body)(void *), void *argument)
{
    struct beginning beginning = {mask, body, argument, 0, {{0}}};
    pthread_t thread;
    sem_init(&beginning.begun, 0, 0);
    int error = pthread_create(&thread, NULL, begin, &beginning);
    if (error) {
        fprintf(stderr, "pthread_create: %s\n", strerror(error));
        exit(3);
    }
    while (sem_wait(&beginning.begun) != 0 && errno == EINTR)
        ;
    pthread_detach(thread);
    return beginning.tid;
}

static inline void idle(void *unused)
{
    (void)unused;
    wait_for_ever();
}

#endif
