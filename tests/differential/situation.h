/*
 * situation: one process in a situation told on standard input, and those who act upon it.
 *
 *   director   situation.c: reads orders, tells what waitid() says of the target
 *   target     target.c: the process that is judged; the init of a pid namespace if so told
 *   sender     sender.c: sends signals, as whom it is told; a second one is in the namespace
 *   tracer     tracer.c: PTRACE_SEIZEs the target when told, and passes on or holds what stops
 *
 * All of them write records of one size to descriptor 3; a write below PIPE_BUF is never torn.
 * Descriptor 4 is shared memory: a counter for each thread, which a busy thread raises.
 */
#ifndef SITUATION_H
#define SITUATION_H

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REPORT = 3, COUNTERS = 4, THREADS = 4, NAME = 24 };

struct order {
    int32_t uid, how, pid, tid, sig, count;
    int64_t value;
};

struct activity {
    char name[NAME];
    uint64_t blocked, set;
};

extern struct activity activities[THREADS];
extern char actions[65];
extern int threads, pidns, uid, own_session, queue_limit, sender_session;
extern volatile uint64_t *counters;

void tell(int kind, int sig, int code, int64_t value);
void die(const char *what) __attribute__((noreturn));
void depend(pid_t parent);
void set_mask(uint64_t mask);

void be_target(void) __attribute__((noreturn));
void be_sender(int orders) __attribute__((noreturn));
void be_tracer(int orders, pid_t target) __attribute__((noreturn));

#endif
