"""Named situations: each corner of signal delivery that was ever got wrong has its own.

In the order of kernel/signal.c: the send, the queue, the choice of a thread, the delivery.
A disagreement of ``test_verdicts.py`` prints a line ready for this tuple.
"""

from __future__ import annotations

from signal import (
    SIGALRM,
    SIGCHLD,
    SIGCONT,
    SIGINT,
    SIGKILL,
    SIGQUIT,
    SIGSTOP,
    SIGTERM,
    SIGTSTP,
    SIGUSR1,
)

from tests.differential.situation import Sent, Situation, Task, all_but, of

RT = 34
DEAD = Task("exit")
HELD_DEAD = Task("exit", all_but())
IDLE = Task()
HELD = Task(blocked=all_but())
BLOCKS = Task(blocked=of(SIGTERM))
CAUGHT = ((int(SIGTERM), "h"),)
FULL = Sent(60, count=2, queued=True)


def to(number: int, *threads: Task, **options: object) -> Situation:
    """A signal to a process of these threads."""
    sent = {name: options.pop(name) for name in _SENT if name in options}
    return Situation(Sent(int(number), **sent), threads or (IDLE,), **options)  # type: ignore[arg-type]


_SENT = ("thread", "queued", "inside", "user", "count")

ORDINARY = (
    ("default", to(SIGTERM)),
    ("default-core", to(SIGQUIT)),
    ("default-stop", to(SIGTSTP)),
    ("default-nothing", to(SIGCHLD)),
    ("cont-of-a-running-one", to(SIGCONT)),
    ("ignored", to(SIGTERM, actions=((SIGTERM, "i"),))),
    ("handler", to(SIGTERM, Task("read"), actions=CAUGHT)),
    ("blocked", to(SIGTERM, BLOCKS)),
    ("blocked-beats-ignored", to(SIGTERM, BLOCKS, actions=((SIGTERM, "i"),))),
    ("blocked-twice", to(SIGTERM, BLOCKS, count=3)),
    ("leader-blocks", to(SIGTERM, BLOCKS, Task("busy"), IDLE, actions=CAUGHT)),
    ("thread-directed", to(SIGTERM, IDLE, BLOCKS, thread=1, actions=CAUGHT)),
    ("sigwait", to(SIGTERM, Task("sigwait", of(SIGTERM), of(SIGTERM)))),
    ("signalfd-polled", to(SIGTERM, Task("signalfd_epoll", of(SIGTERM), of(SIGTERM)))),
    ("ppoll-opens", to(SIGTERM, Task("ppoll", of(SIGTERM)), actions=CAUGHT)),
    ("eperm", to(SIGTERM, own_user=True, user="other")),
    ("cont-of-the-session", to(SIGCONT, own_user=True, user="other", stopped=True)),
    (
        "cont-of-another-session",
        to(SIGCONT, own_user=True, user="other", stopped=True, far_sender=True),
    ),
    ("orphaned-tstp", to(SIGTSTP, orphaned=True)),
    ("orphaned-stop", to(SIGSTOP, orphaned=True)),
)

DEAD_LEADER = (
    ("dead-leader", to(SIGTERM, DEAD, IDLE, actions=CAUGHT)),
    ("dead-leader-tgkill", to(SIGTERM, DEAD, IDLE, thread=0)),
    ("dead-leader-tgkill-kill", to(SIGKILL, DEAD, IDLE, thread=0)),
    ("dead-leader-tgkill-cont", to(SIGCONT, DEAD, IDLE, thread=0, stopped=True)),
    ("dead-leader-tgkill-cont-blocked", to(SIGCONT, HELD_DEAD, IDLE, thread=0, stopped=True)),
    ("dead-leader-eperm", to(SIGALRM, DEAD, IDLE, thread=0, own_user=True, user="other")),
    ("dead-leader-sigwait", to(SIGINT, DEAD, Task("sigwait", of(SIGINT), of(SIGINT)))),
    ("dead-leader-signalfd", to(SIGINT, DEAD, Task("signalfd_epoll", of(SIGINT), of(SIGINT)))),
    ("dead-leader-frozen", to(SIGQUIT, DEAD, IDLE, frozen="v2")),
)

INIT = (
    ("init-term-outside", to(SIGTERM, init=True)),
    ("init-term-inside", to(SIGTERM, init=True, inside=True)),
    ("init-handler", to(SIGTERM, init=True, inside=True, actions=CAUGHT)),
    ("init-kill-outside", to(SIGKILL, init=True)),
    ("init-kill-inside", to(SIGKILL, init=True, inside=True)),
    ("init-kill-thread-inside", to(SIGKILL, IDLE, IDLE, init=True, inside=True, thread=1)),
    ("init-stop-inside", to(SIGSTOP, init=True, inside=True)),
    ("init-stop-outside", to(SIGSTOP, init=True)),
    ("init-blocked", to(SIGTERM, BLOCKS, init=True)),
    ("init-leader-blocks", to(SIGTERM, BLOCKS, IDLE, init=True)),
    ("init-dead-leader-blocks", to(SIGTERM, Task("exit", of(SIGTERM)), IDLE, init=True)),
    (
        "init-leader-blocks-sigwait-open",
        to(SIGTERM, BLOCKS, Task("sigwait", 0, of(SIGTERM)), init=True),
    ),
    (
        "init-second-of-two-that-the-leader-awaits",
        to(RT, Task("sigwait", of(RT), of(RT)), Task("vfork"), init=True, count=2),
    ),
    ("init-leader-blocks-frozen", to(SIGTERM, BLOCKS, IDLE, init=True, frozen="v2")),
    (
        "init-takes-stop-along",
        to(SIGCHLD, Task("vfork", of(SIGCHLD)), IDLE, stopped=True, init=True),
    ),
    (
        "init-awaited-leader-blocks",
        to(SIGTERM, BLOCKS, Task("sigwait", of(SIGTERM), of(SIGTERM)), init=True),
    ),
    (
        "init-awaited-leader-open",
        to(SIGTERM, IDLE, Task("sigwait", of(SIGTERM), of(SIGTERM)), init=True),
    ),
    ("init-sigwait-not-blocked", to(RT, Task("sigwait", 0, of(RT)), init=True)),
    ("init-traced", to(SIGTERM, init=True, traced="passed on")),
)

AWAITED = (
    ("sigwait-open-term", to(SIGTERM, Task("sigwait", 0, of(SIGTERM)))),
    ("sigwait-open-quit", to(SIGQUIT, Task("sigwait", 0, of(SIGQUIT)))),
    ("sigwait-open-tstp", to(SIGTSTP, Task("sigwait", 0, of(SIGTSTP)))),
    ("sigwait-open-chld", to(SIGCHLD, Task("sigwait", 0, of(SIGCHLD)))),
    ("sigwait-open-ignored", to(RT, Task("sigwait", 0, of(RT)), actions=((RT, "i"),))),
    ("sigwait-stop", to(SIGSTOP, Task("sigwait", of(SIGSTOP), of(SIGSTOP)))),
    (
        "chld-awaited-leader-open",
        to(SIGCHLD, IDLE, Task("sigwait", of(SIGCHLD), of(SIGCHLD))),
    ),
    ("signalfd-read-stranger", to(SIGUSR1, IDLE, Task("signalfd_read"), actions=((SIGUSR1, "h"),))),
    (
        "signalfd-read-chosen",
        to(SIGTERM, Task("signalfd_read", 0, of(SIGTERM)), actions=CAUGHT),
    ),
    ("signalfd-steals", to(SIGTERM, IDLE, Task("signalfd_poll", 0, of(SIGTERM)), actions=CAUGHT)),
    ("signalfd-steals-core", to(SIGQUIT, IDLE, Task("signalfd_epoll", 0, of(SIGQUIT)))),
    ("signalfd-steals-stop", to(SIGTSTP, IDLE, Task("signalfd_read", 0, of(SIGTSTP)))),
    ("signalfd-no-steal-of-term", to(SIGTERM, IDLE, Task("signalfd_poll", 0, of(SIGTERM)))),
    (
        "handler-ends-sigsuspend-and-tstp-stops",
        to(
            SIGUSR1,
            Task("rt_sigsuspend", 0, of(SIGTSTP)),
            thread=0,
            earlier=(Sent(int(SIGTSTP), 0),),
            actions=((SIGUSR1, "h"),),
        ),
    ),
    (
        "chld-ends-ppoll-and-int-kills",
        to(
            SIGCHLD,
            Task(blocked=of(SIGCHLD, SIGINT)),
            Task("ppoll", 0, of(SIGINT)),
            earlier=(Sent(int(SIGINT)),),
        ),
    ),
)
