/*
 * An event loop: TERM is blocked in every thread and arrives through a signalfd which epoll
 * watches. Blocked, and yet it will be taken.
 *
 * Each signal read is told; the process goes on.
 */
#include "target.h"
#include <sys/epoll.h>
#include <sys/signalfd.h>

int main(void)
{
    sigset_t taken = signals_from("15");
    block(&taken);
    pid_t worker = start_thread(NULL, idle, NULL);
    int signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    int events = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = signals};
    epoll_ctl(events, EPOLL_CTL_ADD, signals, &event);
    say("{\"pid\": %d, \"tids\": {\"main\": %d, \"worker\": %d}, \"signalfd\": %d, \"epoll\": %d,"
        " \"in\": {\"main\": \"epoll_wait\", \"worker\": \"pause\"}}",
        getpid(), gettid(), worker, signals, events);
    for (;;) {
        struct signalfd_siginfo info;
        epoll_wait(events, &event, 1, -1);
        if (read(signals, &info, sizeof info) == sizeof info)
            say("{\"taken\": %d, \"tid\": %d}", info.ssi_signo, gettid());
    }
}
