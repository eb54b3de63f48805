"""Events of followed workers: any of them, in any order, are requests or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.followed import Finished, Followed
from sigscope.decode.traffic import HEAD, decode_event
from sigscope.errors import DecodeError
from sigscope.model.fcgi import Ending
from sigscope.model.traffic import Did, Event
from tests.harness.captures import ANSWER, ASK

PID, FD = 100, 4


def event(did: Did, result: int = 0, data: bytes = b"", whole: bool = True, fd: int = FD) -> Event:
    return Event(1.0, PID, did, fd, result, data, whole)


def moved(did: Did, data: bytes, unknown: int = 0) -> Event:
    return event(did, len(data) + unknown, data)


TALK = ((Did.READ, ASK), (Did.WROTE, ANSWER))
OPENED = event(Did.ACCEPTED, FD)


def followed(*events: Event) -> list[Finished]:
    one = Followed()
    return [done for each in events for done in one.take(each)] + one.waiting()


def test_a_request_from_accept_to_its_end() -> None:
    (done,) = followed(OPENED, moved(Did.READ, ASK), moved(Did.WROTE, ANSWER), event(Did.CLOSED))
    assert (done.pid, done.exchange.ending) == (PID, Ending.COMPLETE)
    assert done.exchange.connection == f"{PID}/{FD}"


def test_bytes_of_a_body_that_nobody_saw_are_no_harm() -> None:
    body = bytes((1, 6, 0, 1, 0xF0, 0, 0, 0)) + b"X: y\r\n\r\n"
    end = ANSWER[-16:]
    (done,) = followed(
        OPENED, moved(Did.READ, ASK), moved(Did.WROTE, body, 0xF000 - 8), moved(Did.WROTE, end)
    )
    assert (done.exchange.ending, done.exchange.stdout_bytes) == (Ending.COMPLETE, 0xF000)
    assert done.exchange.answer is not None


def test_where_a_header_may_be_among_them_the_connection_is_given_up() -> None:
    one = Followed()
    for each in (OPENED, moved(Did.READ, ASK)):
        assert one.take(each) == []
    (done,) = one.take(moved(Did.WROTE, ANSWER[:100], 2000))
    assert done.exchange.ending is Ending.CLOSED
    assert "a header is in them" in done.exchange.remarks[0]
    assert one.take(moved(Did.WROTE, ANSWER)) == []


def test_a_write_whose_bytes_cannot_be_read_is_told_as_that() -> None:
    (done,) = followed(OPENED, moved(Did.READ, ASK), event(Did.WROTE, 500, whole=False))
    assert done.exchange.ending is Ending.LOST
    assert done.exchange.answer is None


@pytest.mark.parametrize("sign", [event(Did.READ, 0), event(Did.READ, -104), event(Did.WROTE, -32)])
def test_a_front_end_that_went_away(sign: Event) -> None:
    (done,) = followed(OPENED, moved(Did.READ, ASK), sign, event(Did.CLOSED))
    assert done.exchange.ending is Ending.ABORTED


def test_a_worker_that_ends_takes_its_requests_along_and_tells_of_its_signals() -> None:
    sent = Event(0.5, 7, Did.SIGNALLED, PID, 15, comm="kill")
    end = Event(2.0, PID, Did.ENDED, 0, 15)
    (done,) = followed(OPENED, moved(Did.READ, ASK), sent, end)
    assert (done.exchange.ending, done.signals, done.end) == (Ending.CLOSED, (sent,), end)


def test_lost_events_end_what_is_open_and_the_next_request_is_followed() -> None:
    one = Followed()
    for each in (OPENED, moved(Did.READ, ASK)):
        one.take(each)
    later = [replace(moved(did, data), lost=9) for did, data in TALK]
    (lost, complete) = [done for each in later for done in one.take(each)]
    assert lost.exchange.ending is Ending.LOST
    assert complete.exchange.ending is Ending.COMPLETE


def test_another_protocol_is_counted_once_a_connection() -> None:
    one = Followed()
    for each in (
        OPENED,
        moved(Did.READ, b"GET / HTTP/1.0\r\n\r\n"),
        moved(Did.WROTE, b"HTTP/1.0 2"),
    ):
        assert one.take(each) == []
    assert dict(one.foreign) == {(PID, "an HTTP request, not FastCGI"): 1}


events = st.builds(
    Event,
    st.just(1.0),
    st.integers(1, 3),
    st.sampled_from(list(Did)),
    st.integers(1, 3),
    st.integers(-120, 300),
    st.one_of(st.binary(max_size=60), st.just(ASK), st.just(ANSWER)),
    st.booleans(),
)


@given(st.lists(events, max_size=30))
def test_any_events_in_any_order_are_followed(many: list[Event]) -> None:
    one = Followed()
    for each in many:
        for done in one.take(each):
            assert done.exchange.ending is not Ending.OPEN
    assert all(done.exchange.ending is Ending.OPEN for done in one.waiting())


@given(st.binary(max_size=120))
def test_any_record_is_an_event_or_a_named_error(data: bytes) -> None:
    try:
        found = decode_event(data)
    except DecodeError:
        return
    assert len(found.data) <= len(data)


def test_a_record_of_a_signal_has_its_sender() -> None:
    record = HEAD.pack(10**9, 7, 7, Did.SIGNALLED, 0, 100, 0, 15, 0, b"php-fpm8.2\0\0", 0)
    found = decode_event(record)
    assert (found.pid, found.other, found.result, found.comm) == (7, 100, 15, "php-fpm8.2")
