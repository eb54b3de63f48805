"""A random situation from a seed; ordinary ones are common, each corner is visited often."""

from __future__ import annotations

import functools
import random
import signal as libc

from tests.differential.freezer import mounted
from tests.differential.situation import (
    AWAITING,
    IDLE,
    OPENING,
    Sent,
    Situation,
    Task,
    all_but,
    of,
)

RT = 34
FILLER = 60
"""A real-time signal that fills queues, blocked everywhere."""
COMMON = (
    *(libc.SIGTERM, libc.SIGTERM, libc.SIGINT, libc.SIGHUP, libc.SIGUSR1, libc.SIGQUIT),
    *(libc.SIGCHLD, libc.SIGWINCH, libc.SIGCONT, libc.SIGTSTP, libc.SIGSTOP, libc.SIGKILL),
    *(libc.SIGALRM, libc.SIGPIPE, libc.SIGTTIN, libc.SIGCHLD, RT, RT + 3),
)
RARE = tuple(number for number in (*range(1, 32), *range(36, 60)) if number not in COMMON)


@functools.cache
def _freezers() -> tuple[str, ...]:
    return tuple(version for version in ("v1", "v2") if mounted(version) is not None)


def roll(seed: int) -> Situation:
    """The situation of this seed, the same on every machine with the same freezers."""
    return _Dice(random.Random(seed)).situation()


class _Dice:
    def __init__(self, source: random.Random) -> None:
        self.random = source
        rare = self.chance(0.08)
        self.number = int(source.choice(RARE if rare else COMMON))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, *of: str) -> str:
        return self.random.choice(of)

    def mask(self, share: float) -> int:
        """A few signals, the one that is sent with this probability; sometimes all or none."""
        if self.chance(0.07):
            return all_but()
        numbers = {int(self.random.choice(COMMON)) for _ in range(self.random.choice((0, 0, 1, 3)))}
        numbers.discard(self.number)
        return of(FILLER, *numbers, *((self.number,) if self.chance(share) else ()))

    def task(self, leader: bool, threads: int) -> Task:
        does = self.pick("idle", "idle", "idle", "awaiting", "opening", "opening", "busy")
        if leader and threads > 1 and self.chance(0.08):
            return Task("exit", self.mask(0.4))
        if self.chance(0.05):
            return Task("vfork", self.mask(0.3))
        if does == "busy" and self.chance(0.5):
            return Task("busy", self.mask(0.3))
        if does == "awaiting":
            wanted = self.mask(0.7)
            return Task(
                self.pick(*AWAITING), (wanted if self.chance(0.7) else 0) | self.mask(0.3), wanted
            )
        if does == "opening":
            return Task(self.pick(*OPENING), self.mask(0.5), self.mask(0.3))
        return Task(self.pick(*IDLE), self.mask(0.4))

    def action(self) -> str:
        return self.pick("d", "d", "i", "h", "r")

    def actions(self) -> tuple[tuple[int, str], ...]:
        kinds = {int(n): self.action() for n in set(COMMON) if self.chance(0.2)}
        kinds[self.number] = self.action()
        fixed = (libc.SIGKILL, libc.SIGSTOP)
        return tuple(sorted((n, k) for n, k in kinds.items() if k != "d" and n not in fixed))

    def earlier(self, threads: tuple[Task, ...], late: bool) -> tuple[Sent, ...]:
        """Signals that some thread blocks, now and then any other."""
        if not self.chance(0.35):
            return ()
        found = []
        for _ in range(self.random.choice((1, 1, 2))):
            number = self.number if self.chance(0.4) else int(self.random.choice(COMMON))
            everywhere = all(
                (t.set if t.does in OPENING else t.blocked) & of(number) for t in threads
            )
            vfork = any(t.does == "vfork" for t in threads)
            held = late and self.chance(0.5)
            if number in (libc.SIGKILL, libc.SIGSTOP, libc.SIGCONT) or not (
                everywhere or held or vfork
            ):
                continue
            thread = self.random.randrange(len(threads)) if self.chance(0.3) else None
            found.append(
                Sent(
                    number,
                    thread,
                    queued=self.chance(0.3),
                    count=self.random.choice((1, 1, 2)),
                    late=held,
                )
            )
        return tuple(found)

    def situation(self) -> Situation:
        number = self.random.choice((1, 1, 1, 2, 2, 2, 3, 4))
        threads = tuple(self.task(index == 0, number) for index in range(number))
        vfork = any(task.does == "vfork" for task in threads)
        frozen = traced = ""
        if self.chance(0.06) and not vfork and _freezers():
            frozen = self.pick(*_freezers())
        elif self.chance(0.12):
            traced = "passed on" if vfork else self.pick("passed on", "passed on", "held")
        stopped = self.chance(0.15)
        own_user = self.chance(0.2)
        init = self.chance(0.15)
        limit = self.random.choice((0, 1, 2)) if own_user and self.chance(0.4) else None
        earlier = self.earlier(threads, stopped or bool(frozen) or traced == "held")
        if limit:
            earlier = (Sent(FILLER, count=limit, queued=True), *earlier)
        return Situation(
            sent=Sent(
                self.number,
                self.random.randrange(number) if self.chance(0.3) else None,
                queued=self.chance(0.25),
                inside=init and self.chance(0.5),
                user=self.pick("root", "root", "same", "other")
                if own_user or self.chance(0.1)
                else "root",
                count=self.random.choice((1, 1, 1, 1, 2, 3)),
            ),
            threads=threads,
            actions=self.actions(),
            earlier=earlier,
            stopped=stopped,
            init=init,
            traced=traced,
            frozen=frozen,
            own_user=own_user,
            queue_limit=limit,
            orphaned=self.chance(0.25),
            far_sender=self.chance(0.2),
        )
