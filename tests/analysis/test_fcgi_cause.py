"""Why a request failed, and whether it may be done again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sigscope.analysis.fcgi.cause import judge
from sigscope.analysis.fcgi.clues import clues_of
from sigscope.analysis.fcgi.php import Do, Settings, Step, answer_of
from sigscope.analysis.fcgi.reader import front_end
from sigscope.model.fcgi import Cause, Clues, Ending, Exchange, PoolLimit, Worker
from sigscope.model.traffic import Did, Event

ANSWER = answer_of([Step(Do.MESSAGE, 930), Step(Do.OUTPUT, 2)], Settings(log_limit=65535))
GONE = Exchange(
    connection="100/4",
    request_id=1,
    method="POST",
    uri="/pay",
    script="/srv/pay.php",
    params=(),
    started=1e9,
    seconds=3.2,
    stdin_bytes=0,
    stderr_bytes=943,
    stdout_bytes=70,
    header=None,
    messages=(),
    ending=Ending.COMPLETE,
    app_status=0,
    answer=ANSWER,
)
MASTER, PID = 90, 100
WORKER = Worker(PID, "php-fpm8.2", MASTER, ("/run/php.sock",), PoolLimit("www", 3.0, "www.conf:7"))


def test_what_went_well_has_no_cause() -> None:
    assert judge(GONE, front_end(ANSWER, 4096)) is None


def test_lost_by_the_front_end_is_never_safe_to_do_again() -> None:
    for method in ("GET", "POST"):
        said = judge(replace(GONE, method=method), front_end(ANSWER, 1024))
        assert said is not None
        assert (said.cause, said.retry) == (Cause.LOST, False)
        assert "fastcgi_buffer_size 1028 or more" in said.advice
        assert "END_REQUEST came after 3.200 s: the worker has finished" in said.evidence


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        ("PHP Fatal error:  Maximum execution time of 3 seconds exceeded", "max_execution_time"),
        ("Maximum execution time of 1 second exceeded in /x.php", "max_execution_time"),
        ("Allowed memory size of 134217728 bytes exhausted (tried", "memory_limit"),
    ],
)
def test_php_names_its_own_limits(message: str, limit: str) -> None:
    said = judge(replace(GONE, messages=(message,)), front_end(ANSWER, 4096))
    assert said is not None
    assert said.cause is Cause.LIMIT
    assert limit in said.advice
    assert said.retry is None


def sent(number: int, pid: int, comm: str, when: float, kernel: bool = False) -> Event:
    return Event(when, pid, Did.SIGNALLED, PID, number, comm=comm, by_kernel=kernel)


def ended(code: int) -> Event:
    return Event(9.0, PID, Did.ENDED, 0, code)


CUT = replace(GONE, ending=Ending.CLOSED, answer=None)


@pytest.mark.parametrize(
    ("signals", "code", "cause", "words"),
    [
        ((sent(9, 7, "kill", 1.0),), 9, Cause.KILLED, "SIGKILL from kill 7"),
        # A worker sends the SIGTERM that it got to itself once more.
        ((sent(15, 7, "sh", 1.0), sent(15, PID, "php-fpm8.2", 1.1)), 15, Cause.KILLED, "sh 7"),
        ((sent(15, 7, "sh", 1.0), sent(9, MASTER, "php-fpm8.2", 1.1)), 9, Cause.KILLED, "sh 7"),
        ((sent(15, MASTER, "php-fpm8.2", 1.0),), 15, Cause.LIMIT, "request_terminate_timeout"),
        ((sent(11, PID, "php-fpm8.2", 1.0, kernel=True),), 139, Cause.KILLED, "the kernel"),
        ((), 9, Cause.KILLED, "SIGKILL"),
        ((), 255 << 8, Cause.UNKNOWN, "killed or crashed"),
    ],
)
def test_who_ended_the_worker(
    signals: tuple[Event, ...], code: int, cause: Cause, words: str
) -> None:
    clues = clues_of(CUT, WORKER, signals, ended(code))
    said = judge(CUT, None, clues)
    assert said is not None
    assert said.cause is cause
    assert words in said.advice
    assert said.retry is None
    again = judge(replace(CUT, method="GET"), None, clues)
    assert again is not None
    assert again.retry is True


def test_a_master_that_ends_a_young_request_is_no_limit() -> None:
    young = replace(CUT, seconds=0.2)
    clues = clues_of(young, WORKER, (sent(15, MASTER, "php-fpm8.2", 1.0),), ended(15))
    assert clues.limit == ""
    assert clues.sender == f"php-fpm8.2 {MASTER}"


def test_without_an_end_of_the_worker_there_are_no_clues() -> None:
    assert clues_of(CUT, WORKER, (sent(9, 7, "kill", 1.0),), None) == Clues()


def test_waiting_says_on_what() -> None:
    clues = Clues(evidence=("worker 100 is in recvfrom(5): a connection to 10.0.0.9:3306",))
    said = judge(replace(GONE, ending=Ending.OPEN, seconds=None), None, clues)
    assert said is not None
    assert (said.cause, said.evidence, said.retry) == (Cause.WAITING, clues.evidence, False)


def test_a_front_end_that_gave_up_for_the_header_lost_it() -> None:
    said = judge(replace(GONE, ending=Ending.ABORTED), front_end(ANSWER, 1024))
    assert said is not None
    assert said.cause is Cause.LOST
    assert "still writing" in said.evidence[0]
    other = judge(replace(GONE, ending=Ending.ABORTED), front_end(ANSWER, 4096))
    assert other is not None
    assert other.cause is Cause.LIMIT


def test_what_was_not_seen_whole_is_not_judged() -> None:
    said = judge(replace(GONE, ending=Ending.LOST, remarks=("9 bytes",), answer=None), None)
    assert said is not None
    assert (said.cause, said.evidence, said.retry) == (Cause.UNKNOWN, ("9 bytes",), None)
