"""What a process can be asked by calls that change nothing, and how the answers are read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from sigscope.decode.answers import (
    PAIR_SIZE,
    SIGACTION_SIZE,
    decode_itimerspec,
    decode_itimerval,
    decode_sigaction,
)
from sigscope.decode.timers import decode_timers
from sigscope.errors import DecodeError
from sigscope.kernel.directory import LiveDirectory
from sigscope.model.depth import ProcessDepth
from sigscope.model.itimer import Which
from sigscope.model.process import Process
from sigscope.model.sigaction import SIG_DFL, SIG_IGN, SigAction
from sigscope.model.signals import EMPTY, FIRST, LAST
from sigscope.model.subject import Subject
from sigscope.model.timer import Running

_SIGSET_SIZE = 8
_WHICH = (Which.REAL, Which.VIRTUAL, Which.PROF)
"""By their numbers in getitimer(2)."""
MOST_TIMERS = 1024
"""POSIX timers that are asked for: each takes two calls."""


class Question(NamedTuple):
    """A system call; None among its arguments is the address of ``size`` bytes that it fills.

    ``size`` is a multiple of eight.
    """

    call: str
    arguments: tuple[int | None, ...]
    size: int = 0


class Answer(NamedTuple):
    """What the call gave, or -errno, and what it has written."""

    question: Question
    result: int
    data: bytes


class Topic(NamedTuple):
    """A subject, as the questions to be asked of one process.

    ``read`` takes the process, as far as it has been looked into, and an answer for each question;
    it gives its depth with these. OSError if a call has failed.
    """

    subject: Subject
    questions: tuple[Question, ...]
    read: Callable[[Process, Sequence[Answer]], ProcessDepth]

    @property
    def calls(self) -> frozenset[str]:
        return frozenset(one.call for one in self.questions)


def topic_of(process: Process, subject: Subject) -> Topic:
    """OSError or DecodeError where /proc does not tell what there is to ask."""
    questions, read = _TOPICS[subject]
    return Topic(subject, tuple(questions(process)), read)


def _about_actions(process: Process) -> Iterator[Question]:
    """Only caught signals are asked for: the others have no flags to speak of."""
    for number in process.caught or ():
        yield Question("rt_sigaction", (number, 0, None, _SIGSET_SIZE), SIGACTION_SIZE)


def _actions(process: Process, answers: Sequence[Answer]) -> ProcessDepth:
    """64 of them."""
    caught, ignored = process.caught or (), process.ignored or EMPTY
    found = {
        int(number): decode_sigaction(_given(answer))
        for number, answer in zip(caught, answers, strict=True)
    }
    actions = (
        found.get(number) or SigAction(SIG_IGN if number in ignored else SIG_DFL, 0, EMPTY)
        for number in range(FIRST, LAST + 1)
    )
    return replace(_depth(process), actions=tuple(actions))


_ABOUT_ITIMERS = tuple(Question("getitimer", (n, None), PAIR_SIZE) for n in range(len(_WHICH)))


def _itimers(process: Process, answers: Sequence[Answer]) -> ProcessDepth:
    found = map(decode_itimerval, map(_given, answers), _WHICH)
    return replace(_depth(process), itimers=tuple(one for one in found if one is not None))


def _about_timers(process: Process) -> Iterator[Question]:
    """timer_gettime(2) and timer_getoverrun(2) of each."""
    with LiveDirectory(f"/proc/{process.pid}") as directory:
        timers = decode_timers(directory.read("timers"))
    if len(timers) > MOST_TIMERS:
        raise DecodeError("timers", f"{len(timers)} of them, more than are asked for")
    for timer in timers:
        yield Question("timer_gettime", (timer.number, None), PAIR_SIZE)
        yield Question("timer_getoverrun", (timer.number,))


def _timers(process: Process, answers: Sequence[Answer]) -> ProcessDepth:
    """The overruns are those of the last signal that was taken. What one that is still pending
    would say no call tells: if the BPF engine has not, it is not known.
    """
    depth = _depth(process)
    before = {one.number: one.overruns for one in depth.posix_timers or ()}
    pending = _pending(process)
    found = []
    for time, overruns in zip(answers[::2], answers[1::2], strict=True):
        if time.result != -errno.EINVAL:  # that one has been deleted meanwhile
            left, interval = decode_itimerspec(_given(time))
            number = time.question.arguments[0] or 0
            said = before.get(number) if number in pending else overruns.result
            found.append(Running(number, left > 0, left, interval, said))
    return replace(depth, posix_timers=tuple(found))


def _pending(process: Process) -> set[int]:
    """The timers whose signal waits to be taken."""
    threads = (one.depth.queue for one in process.threads if one.depth is not None)
    return {
        info.timer
        for queue in (_depth(process).queue, *threads)
        for info in queue or ()
        if info.timer is not None
    }


def _depth(process: Process) -> ProcessDepth:
    assert process.depth is not None
    return process.depth


def _given(answer: Answer) -> bytes:
    if answer.result < 0:
        raise OSError(-answer.result, os.strerror(-answer.result))
    return answer.data


_TOPICS: MappingProxyType[
    Subject,
    tuple[
        Callable[[Process], Iterable[Question]],
        Callable[[Process, Sequence[Answer]], ProcessDepth],
    ],
] = MappingProxyType(
    {
        Subject.ACTIONS: (_about_actions, _actions),
        Subject.ITIMERS: (lambda _: _ABOUT_ITIMERS, _itimers),
        Subject.TIMERS: (_about_timers, _timers),
    }
)
