"""Named situations, second half: what holds a process up, and full queues."""

from __future__ import annotations

from signal import SIGCHLD, SIGCONT, SIGINT, SIGKILL, SIGQUIT, SIGSTOP, SIGTERM, SIGTSTP, SIGUSR1

from tests.differential.cases import (
    AWAITED,
    BLOCKS,
    CAUGHT,
    DEAD,
    DEAD_LEADER,
    FULL,
    HELD,
    IDLE,
    INIT,
    ORDINARY,
    RT,
    to,
)
from tests.differential.situation import Sent, Situation, Task, all_but, of

VFORK = Task("vfork")
FULL_QUEUE = {"own_user": True, "queue_limit": 2, "earlier": (FULL,)}

HELD_UP = (
    ("vfork-handler", to(SIGTERM, VFORK, IDLE, actions=CAUGHT)),
    ("vfork-term", to(SIGTERM, VFORK, IDLE)),
    ("vfork-quit", to(SIGQUIT, VFORK, IDLE)),
    ("vfork-stop", to(SIGSTOP, VFORK, IDLE)),
    ("vfork-kill", to(SIGKILL, VFORK, IDLE)),
    ("vfork-stop-elsewhere", to(SIGTSTP, Task("vfork", of(SIGTSTP)), IDLE)),
    ("vfork-stopped-term", to(SIGTERM, VFORK, stopped=True)),
    (
        "vfork-already-woken-term",
        to(SIGTERM, VFORK, IDLE, earlier=(Sent(int(SIGUSR1)),), actions=((SIGUSR1, "h"),)),
    ),
    ("vfork-stopped-core", to(SIGQUIT, VFORK, IDLE, stopped=True)),
    ("vfork-own-pending", to(SIGTSTP, VFORK, IDLE, earlier=(Sent(int(SIGTSTP), 0),))),
    (
        "vfork-woken-for-one-taken-since",
        to(
            SIGTERM,
            *(VFORK, IDLE),
            earlier=(Sent(int(SIGTERM)), Sent(int(SIGTERM), 1)),
            actions=CAUGHT,
        ),
    ),
    (
        "vfork-second-of-two-that-another-awaits",
        to(RT, Task("sigwait", of(RT), of(RT)), VFORK, count=2),
    ),
    (
        "vfork-quit-taken-along-by-dropped-chld",
        to(SIGCHLD, Task("vfork", of(SIGCHLD)), IDLE, earlier=(Sent(int(SIGQUIT)),)),
    ),
    (
        "vfork-traced-stop-taken-along",
        to(
            SIGUSR1,
            *(VFORK, Task("signalfd_epoll", of(SIGUSR1), of(SIGUSR1))),
            stopped=True,
            traced="passed on",
            actions=((SIGUSR1, "h"),),
        ),
    ),
    ("stopped-term", to(SIGTERM, stopped=True)),
    ("stopped-kill", to(SIGKILL, stopped=True)),
    ("stopped-stop", to(SIGSTOP, stopped=True)),
    ("stopped-cont", to(SIGCONT, stopped=True)),
    ("stopped-cont-handler", to(SIGCONT, IDLE, IDLE, stopped=True, actions=((SIGCONT, "h"),))),
    ("stopped-cont-blocked", to(SIGCONT, HELD, stopped=True)),
    ("stopped-ignored", to(SIGCHLD, stopped=True)),
    (
        "stopped-cont-signalfd",
        to(SIGCONT, Task("signalfd_poll", all_but(), all_but()), stopped=True),
    ),
    (
        "stopped-cont-thread-directed-signalfd",
        to(
            SIGCONT,
            Task("epoll_pwait", of(SIGCONT)),
            Task("signalfd_poll", of(SIGCONT), of(SIGCONT)),
            thread=1,
            stopped=True,
            actions=((SIGCONT, "h"),),
        ),
    ),
    (
        "stopped-sigwait-over",
        to(RT, Task("sigwait", 0, of(RT)), stopped=True, actions=((RT, "i"),)),
    ),
    ("stopped-ppoll-ignored", to(SIGCHLD, Task("ppoll", of(SIGCHLD)), stopped=True)),
    (
        "stopped-suspended-cont",
        to(
            SIGCONT,
            Task("rt_sigsuspend", 0, of(SIGCONT)),
            stopped=True,
            actions=((SIGCONT, "h"),),
        ),
    ),
    ("held-ignored", to(SIGCHLD, traced="held")),
    ("held-kill", to(SIGKILL, traced="held")),
    ("held-cont", to(SIGCONT, traced="held")),
    ("held-dead-leader-cont", to(SIGCONT, DEAD, IDLE, traced="held")),
    ("seized-term", to(SIGTERM, traced="passed on")),
    ("seized-stopped-cont", to(SIGCONT, traced="passed on", stopped=True)),
    (
        "seized-cont-any",
        to(
            SIGCONT,
            IDLE,
            Task("ppoll", of(SIGCONT)),
            Task("sigwait", 0, of(SIGUSR1)),
            traced="passed on",
            actions=((SIGCONT, "h"),),
        ),
    ),
    ("seized-cont-ends-ppoll", to(SIGCONT, Task("ppoll", 0, of(SIGCONT)), traced="passed on")),
)

FROZEN = (
    ("v1-kill", to(SIGKILL, frozen="v1")),
    ("v1-term", to(SIGTERM, frozen="v1")),
    ("v1-ignored", to(SIGCHLD, frozen="v1")),
    ("v1-dying-again", to(SIGTERM, frozen="v1", earlier=(Sent(int(SIGTERM), late=True),))),
    ("v1-dead-leader", to(SIGTERM, Task("exit"), IDLE, frozen="v1")),
    ("v2-kill", to(SIGKILL, frozen="v2")),
    ("v2-term", to(SIGTERM, frozen="v2")),
    ("v2-quit", to(SIGQUIT, frozen="v2")),
    ("v2-handler", to(SIGTERM, frozen="v2", actions=CAUGHT)),
    ("v2-stop", to(SIGSTOP, frozen="v2")),
    ("v2-sigwait-over", to(SIGTERM, Task("sigwait", of(SIGTERM), of(SIGTERM)), frozen="v2")),
    ("v1-sigwait", to(SIGTERM, Task("sigwait", of(SIGTERM), of(SIGTERM)), frozen="v1")),
)

QUEUE = (
    ("full-rt-kill", to(RT, Task(blocked=of(RT, 60)), **FULL_QUEUE)),
    ("full-rt-tgkill", to(RT, Task(blocked=of(RT, 60)), thread=0, **FULL_QUEUE)),
    (
        "full-rt-dead-leader",
        to(RT, Task("exit", of(RT, 60)), Task(blocked=of(60)), thread=0, **FULL_QUEUE),
    ),
    ("full-rt-sigqueue", to(RT, Task(blocked=of(RT, 60)), queued=True, **FULL_QUEUE)),
    ("full-rt-handled", to(RT, Task(blocked=of(60)), actions=((RT, "h"),), **FULL_QUEUE)),
    ("full-legacy-sigqueue", to(SIGTERM, Task(blocked=of(60)), queued=True, **FULL_QUEUE)),
    ("full-legacy-pending", to(SIGTERM, HELD, queued=True, **FULL_QUEUE)),
    ("rt-several", to(RT, Task(blocked=of(RT)), count=3)),
    ("rt-several-handled", to(RT, IDLE, IDLE, count=3, actions=((RT, "h"),))),
    (
        "pending-then-thread-directed",
        to(SIGINT, Task(blocked=of(SIGINT)), thread=0, earlier=(Sent(int(SIGINT)),)),
    ),
    ("cont-discards-stop", to(SIGCONT, HELD, earlier=(Sent(int(SIGTSTP)),))),
    ("stop-discards-cont", to(SIGTSTP, HELD, earlier=(Sent(int(SIGCONT)),))),
    ("leader-blocks-others-sigwait", to(RT, BLOCKS, Task("sigwait", of(RT), of(RT)))),
)

CASES: tuple[tuple[str, Situation], ...] = (
    *(*ORDINARY, *DEAD_LEADER, *INIT, *AWAITED),
    *(*HELD_UP, *FROZEN, *QUEUE),
)
"""All of them, each run on every run of the tests."""
