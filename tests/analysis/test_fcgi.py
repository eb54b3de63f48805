"""nginx's reader and PHP's writer, held against what was recorded from the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.analysis.fcgi.header import read_header
from sigscope.analysis.fcgi.php import (
    OUT_BUFFER,
    Do,
    Settings,
    Step,
    Writer,
    answer_of,
    message,
)
from sigscope.analysis.fcgi.reader import enough, front_end
from sigscope.analysis.fcgi.sweep import by_size, sweep
from sigscope.cli.fcgi_simulate import header_of
from sigscope.decode.fastcgi import decode_all, encode_all
from sigscope.model.fcgi import Answer, Arrival, End, Reason, Record, RecordType

RECORDED = json.loads((Path(__file__).parent / "recorded" / "fastcgi_502.json").read_text())
FPM = Settings(Writer.PHP_FPM, log_limit=65535)
CGI = Settings(Writer.PHP_CGI, header=header_of(66))


def logs(settings: Settings, length: int) -> Answer:
    return answer_of([Step(Do.MESSAGE, length), Step(Do.OUTPUT, 2)], settings)


def failures(settings: Settings, buffer: int, longest: int) -> list[list[int]]:
    """Runs of lengths that are surely or possibly a 502."""
    found: list[list[int]] = []
    for one in sweep(range(longest + 1), lambda length: logs(settings, length), buffer):
        if "502" not in one.says:
            continue
        if found and found[-1][1] == one.first - 1:
            found[-1][1] = one.last
        else:
            found.append([one.first, one.last])
    return found


@pytest.mark.parametrize("size", ["1k", "4k"])
def test_the_intervals_that_were_measured(size: str) -> None:
    told = RECORDED["measured"]["by_fastcgi_buffer_size"][size]
    assert failures(FPM, int(size[:-1]) * 1024, told["max_len"]) == told["intervals_502"]


def test_the_intervals_that_were_published() -> None:
    assert failures(CGI, 1024, 3100) == RECORDED["published"]["intervals_502"]


@pytest.mark.parametrize("length", RECORDED["measured"]["fcgi_records_at_1k"])
def test_the_records_that_were_recorded(length: str) -> None:
    told = RECORDED["measured"]["fcgi_records_at_1k"][length]
    answer = logs(FPM, int(length))
    place, found = 0, []
    for record in answer.records:
        kind = record.name.removesuffix("_REQUEST")
        found.append(
            {"off": place, "type": kind, "content": record.length, "padding": record.padding}
        )
        place += record.size
    assert found == told["records"]
    assert answer.size == place == told["total_bytes"]


def test_the_one_write_that_may_become_two_is_a_race() -> None:
    (race,) = [n for n in range(8100, 8180) if front_end(logs(FPM, n), 1024).race]
    assert front_end(logs(FPM, race), 1024).says == "200 or 502"
    assert len(logs(FPM, race).arrivals) == 2
    assert front_end(logs(FPM, race), 16384).says == "200"


@given(
    st.lists(st.builds(Step, st.sampled_from(list(Do)), st.integers(0, 70000)), max_size=6),
    st.sampled_from(list(Writer)),
    st.integers(512, 65535),
)
def test_whatever_a_script_does_is_a_stream_of_records(
    steps: list[Step], writer: Writer, limit: int
) -> None:
    answer = answer_of(steps, Settings(writer, log_limit=limit))
    assert decode_all(encode_all(answer.records)) == list(answer.records)
    assert answer.size == sum(record.size for record in answer.records)
    assert answer.records[-1].kind == RecordType.END_REQUEST
    sent = sum(one.length for one in answer.records if one.kind == RecordType.STDOUT)
    printed = sum(step.length for step in steps if step.do is Do.OUTPUT)
    assert sent == printed + len(Settings().header)


def test_log_limit_cuts_each_message_and_not_their_sum() -> None:
    limited = Settings(Writer.PHP_FPM, log_limit=1024)
    one = logs(limited, 50_000).records[0]
    assert (one.length, one.content[-4:]) == (1015, b"a...")
    two = answer_of([Step(Do.MESSAGE, 5000), Step(Do.MESSAGE, 10)], limited).records[0]
    assert two.length == 1015 + len("; PHP message: ") + 10


def test_messages_of_php_cgi_end_with_a_newline_and_have_no_limit() -> None:
    assert message(5, CGI) == b"aaaaa\n"
    assert len(message(9999, CGI)) == 10000


def test_what_is_longer_than_the_buffer_goes_past_it() -> None:
    sizes = [one.size for one in logs(FPM, OUT_BUFFER * 2).arrivals]
    assert sizes[0] == 8
    assert sum(sizes) == logs(FPM, OUT_BUFFER * 2).size


def whole(*records: Record, end: End = End.CLOSED) -> Answer:
    return Answer(records, (Arrival(sum(one.size for one in records)),), end)


def record(kind: int, content: bytes, padding: int = 0) -> Record:
    return Record(kind, 1, len(content), padding, content)


OUT, ERR = RecordType.STDOUT, RecordType.STDERR
FINE = record(OUT, b"X: y\r\n\r\nok", 6)


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (whole(FINE), 200, Reason.HEADER_COMPLETE),
        (whole(record(OUT, b"Status: 404 No\r\n\r\n")), 404, Reason.HEADER_COMPLETE),
        (whole(record(OUT, b"Location: /x\r\n\r\n")), 302, Reason.HEADER_COMPLETE),
        (whole(record(OUT, b"\n")), 200, Reason.HEADER_COMPLETE),
        (whole(record(OUT, b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n")), 200, Reason.HEADER_COMPLETE),
        (whole(record(OUT, b"Status: no\r\n\r\n")), 502, Reason.INVALID_STATUS),
        (whole(record(OUT, b"bad line: x\r\n\r\n")), 502, Reason.INVALID_HEADER),
        (whole(record(OUT, b"X: \0\r\n\r\n")), 502, Reason.INVALID_HEADER),
        (whole(record(OUT, b"")), 502, Reason.STDOUT_CLOSED),
        (whole(record(OUT, b"X: y\r\n")), 502, Reason.CONNECTION_CLOSED),
        (whole(record(OUT, b"X: y\r\n"), end=End.OPEN), 504, Reason.NO_HEADER_YET),
        (whole(end=End.RESET), 502, Reason.CONNECTION_RESET),
        (whole(record(RecordType.END_REQUEST, bytes(8))), 502, Reason.UNEXPECTED_RECORD),
        (whole(record(RecordType.PARAMS, b"")), 502, Reason.RECORD_TYPE),
        (whole(Record(OUT, 1, 0, version=2)), 502, Reason.VERSION),
        (whole(Record(OUT, 256, 0)), 502, Reason.REQUEST_ID),
        (whole(Record(OUT, 2, 0)), 502, Reason.REQUEST_ID),
        (whole(record(ERR, b"e" * 1015, 1), FINE), 502, Reason.TOO_BIG_HEADER),
        (whole(record(ERR, b"e" * 1016), FINE), 200, Reason.HEADER_COMPLETE),
    ],
)
def test_each_reason(answer: Answer, status: int, reason: Reason) -> None:
    (outcome,) = front_end(answer, 1024).outcomes
    assert (outcome.status, outcome.reason) == (status, reason)
    assert outcome.failed == (reason is not Reason.HEADER_COMPLETE)


def test_a_reset_may_throw_away_a_header_that_was_not_read_yet() -> None:
    assert front_end(whole(FINE, end=End.RESET), 1024).says == "200 or 502"
    settled = Answer((FINE, FINE), (Arrival(24), Arrival(24, settled=True)), End.RESET)
    assert front_end(settled, 1024).says == "200"


@pytest.mark.parametrize("line", [b"Content-Length: x", b"Transfer-Encoding: gzip"])
def test_where_versions_of_nginx_disagree_both_are_told(line: bytes) -> None:
    front = front_end(whole(record(OUT, line + b"\r\n\r\n")), 1024)
    assert front.says == "200 or 502"
    assert {one.note for one in front.outcomes} == {"since nginx 1.23.0", "before nginx 1.23.0"}


def test_of_two_status_lines_the_first_counts() -> None:
    end = read_header((b"Status: 404 a\r\nStatus: 500 b\r\n\r\n",))
    assert end is not None
    assert end.status == 404


def test_a_header_may_be_split_over_records_but_not_http_slash() -> None:
    parts = (b"Sta", b"tus: 4", b"04\r\n\r", b"\n")
    answer = whole(*(record(OUT, part) for part in parts))
    assert front_end(answer, 1024).says == "404"
    split = whole(record(OUT, b"HT"), record(OUT, b"TP/1.1 200 OK\r\n\r\n"))
    assert front_end(split, 1024).outcomes[0].reason is Reason.INVALID_HEADER


def test_another_location_that_gives_the_answer_is_noted() -> None:
    (outcome,) = front_end(whole(record(OUT, b"X-Accel-Redirect: /x\r\n\r\n")), 1024).outcomes
    assert "X-Accel-Redirect" in outcome.note


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3000), st.integers(0, 255)), max_size=5),
    st.integers(1, 9000),
    st.lists(st.tuples(st.integers(1, 3000), st.booleans()), max_size=12),
)
def test_a_buffer_that_is_large_enough_never_fills_too_early(
    parts: list[tuple[bool, int, int]], buffer: int, sizes: list[tuple[int, bool]]
) -> None:
    records = [record(ERR, b"e" * length, padding) for _, length, padding in parts]
    answer = Answer(
        (*records, FINE),
        tuple(Arrival(size, settled) for size, settled in sizes) or (Arrival(1 << 20),),
    )
    front = front_end(answer, buffer)
    assert front.outcomes
    least = enough(answer)
    assert least is not None
    reasons = {one.reason for one in front.outcomes}
    assert buffer < least or Reason.TOO_BIG_HEADER not in reasons
    settled = Answer(answer.records, tuple(Arrival(one.size, True) for one in answer.arrivals))
    # One order of reading is among all of them.
    assert {one.status for one in front_end(settled, buffer).outcomes} <= {
        one.status for one in front.outcomes
    }


def test_content_that_was_not_kept_is_not_assessed() -> None:
    front = front_end(whole(Record(OUT, 1, 100, 0, b"X: y")), 1024)
    assert front.outcomes == ()
    assert (front.says, front.failed) == ("unknown", False)


def test_too_many_orders_are_not_assessed() -> None:
    flood = Answer((record(ERR, b"e" * 60000), FINE), tuple(Arrival(7) for _ in range(9000)))
    assert front_end(flood, 4099).says == "unknown"


def test_the_sizes_that_would_do() -> None:
    assert [one.says for one in by_size(logs(FPM, 930), (1024, 2048, 4096))] == [
        "502",
        "200",
        "200",
    ]
