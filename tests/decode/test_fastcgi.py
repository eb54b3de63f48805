"""FastCGI records: any bytes, in any pieces, are records or a named error."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.exchange import MOST_RECORDS, Conversation
from sigscope.decode.fastcgi import (
    BadRecord,
    Decoder,
    decode_all,
    decode_params,
    encode,
    encode_all,
    encode_params,
)
from sigscope.decode.secrets import masked, secret
from sigscope.model.fcgi import Ending, Record, RecordType
from tests.model.strategies import hostile_text

records = st.builds(
    lambda kind, number, content, padding: Record(kind, number, len(content), padding, content),
    st.integers(1, 11),
    st.integers(0, 0xFFFF),
    st.binary(max_size=300),
    st.integers(0, 255),
)
cuts = st.lists(st.integers(0, 1000), max_size=8)


def pieces(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


@given(st.lists(records, max_size=6), cuts)
def test_what_is_encoded_is_decoded_whatever_the_pieces(
    many: list[Record], places: list[int]
) -> None:
    decoder = Decoder()
    found = [one for piece in pieces(encode_all(many), places) for one in decoder.feed(piece)]
    decoder.finish()
    assert found == many
    assert decoder.missing == 0


@given(st.binary(max_size=600), cuts)
def test_any_bytes_are_records_or_a_named_error_whatever_the_pieces(
    data: bytes, places: list[int]
) -> None:
    def told(parts: list[bytes]) -> tuple[list[Record], str]:
        decoder, found = Decoder(), list[Record]()
        try:
            for part in parts:
                found += decoder.feed(part)
            decoder.finish()
        except BadRecord as error:
            return found, f"{error.offset}"
        return found, ""

    whole, cut = told([data]), told(pieces(data, places))
    # A feed that fails gives nothing of its own piece; what came before is the same.
    assert cut[1] == whole[1]
    if not whole[1]:
        assert cut == whole
        assert encode_all(whole[0])[:8] == data[:8] or not data


@given(st.lists(records, min_size=1, max_size=3), st.data())
def test_a_stream_that_is_cut_off_says_what_is_missing(
    many: list[Record], data: st.DataObject
) -> None:
    stream = encode_all(many)
    inside = [
        n for n in range(1, len(stream)) if n not in itertools.accumulate(r.size for r in many)
    ]
    place = data.draw(st.sampled_from(inside))
    with pytest.raises(BadRecord, match="cut off"):
        decode_all(stream[:place])


@given(st.lists(st.tuples(st.binary(max_size=200), st.binary(max_size=300)), max_size=8))
def test_params_round_trip(pairs: list[tuple[bytes, bytes]]) -> None:
    assert decode_params(encode_params(pairs)) == pairs


@given(st.binary(max_size=400))
def test_any_params_are_pairs_or_a_named_error(data: bytes) -> None:
    try:
        pairs = decode_params(data)
    except BadRecord as error:
        pairs = decode_params(data[: error.offset])
    assert decode_params(encode_params(pairs)) == pairs


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GET /index.php HTTP/1.1\r\n", "an HTTP request"),
        (b"PO", "an HTTP request"),
        (b"\x16\x03\x01\x02\x00", "TLS"),
        (b"PROXY TCP4 127.0.0.1", "PROXY"),
        (b"\x00\x10\x00\x00", "uwsgi"),
        (b"\x02\x01\x00\x01\x00\x08\x00\x00", "version 2"),
        (b"\x01\x63\x00\x01\x00\x08\x00\x00", "no record type 99"),
    ],
)
def test_what_is_no_fastcgi_is_named(data: bytes, said: str) -> None:
    with pytest.raises(BadRecord, match=said) as raised:
        Decoder().feed(data)
    assert raised.value.offset == 0
    assert raised.value.hint


def test_a_length_that_lies_is_found_where_the_next_record_should_be() -> None:
    liar = bytes((1, 6, 0, 1, 0, 100, 0, 0)) + b"x" * 40 + encode(Record(3, 1, 8, 0, bytes(8)))
    with pytest.raises(BadRecord, match="cut off, 44 bytes are missing"):
        decode_all(liar)
    with pytest.raises(BadRecord, match="at byte 108: not FastCGI: version 120") as raised:
        decode_all(liar + b"x" * 44 + b"xxxxxxxx")
    assert raised.value.offset == 108


def test_only_so_much_of_a_body_is_held() -> None:
    decoder = Decoder(keep=10)
    (one,) = decoder.feed(encode(Record(6, 1, 60000, 0, b"x" * 60000)))
    assert (one.length, one.content) == (60000, b"x" * 10)


def begin(number: int = 1) -> bytes:
    return encode(Record(RecordType.BEGIN_REQUEST, number, 8, 0, bytes((0, 1, 0, 0, 0, 0, 0, 0))))


def params(number: int = 1, **pairs: str) -> bytes:
    data = encode_params((name.encode(), value.encode()) for name, value in pairs.items())
    return encode(Record(RecordType.PARAMS, number, len(data), 0, data))


def sent(kind: int, text: bytes, number: int = 1) -> bytes:
    return encode(Record(kind, number, len(text), -len(text) % 8, text))


END = sent(RecordType.END_REQUEST, bytes(8))


def test_a_request_and_its_answer() -> None:
    talk = Conversation("one")
    asks = params(REQUEST_METHOD="POST", REQUEST_URI="/pay?token=x1&page=2", HTTP_COOKIE="sid=1")
    talk.asked(begin() + asks + params(), 10.0)
    talk.asked(sent(RecordType.STDIN, b"a=b") + sent(RecordType.STDIN, b""), 10.1)
    stderr = sent(RecordType.STDERR, b"PHP message: one; PHP message: password=hunter2")
    assert talk.answered(stderr, 10.2) == []
    body = b"Status: 404 Not Found\r\nSet-Cookie: a=b\r\n\r\n" + b"x" * 5000
    (found,) = talk.answered(sent(RecordType.STDOUT, body) + END, 12.0)
    assert (found.method, found.uri) == ("POST", "/pay?token=***&page=2")
    assert dict(found.params)["HTTP_COOKIE"] == "***"
    assert found.messages == ("one", "password=***")
    assert found.header == ("Status: 404 Not Found", "Set-Cookie: ***")
    assert (found.stdin_bytes, found.stdout_bytes, found.seconds) == (3, len(body), 2.0)
    assert (found.ending, found.app_status) == (Ending.COMPLETE, 0)
    assert found.answer is not None
    assert [one.settled for one in found.answer.arrivals] == [False, True]


def test_requests_one_after_the_other_on_one_connection() -> None:
    talk = Conversation("one")
    for number in range(3):
        talk.asked(begin() + params(REQUEST_URI=f"/{number}") + params(), number)
        (found,) = talk.answered(sent(RecordType.STDOUT, b"\r\nok") + END, number + 0.5)
        assert (found.uri, found.seconds, found.remarks) == (f"/{number}", 0.5, ())
        assert found.answer is not None
        assert len(found.answer.arrivals) == 1


def test_multiplexed_requests_are_told_apart_and_not_judged() -> None:
    talk = Conversation("one")
    talk.asked(begin(1) + begin(2) + params(1, REQUEST_URI="/1") + params(2, REQUEST_URI="/2"), 1.0)
    ended = sent(RecordType.END_REQUEST, bytes(8), 2) + sent(RecordType.END_REQUEST, bytes(8), 1)
    found = talk.answered(sent(RecordType.STDOUT, b"\r\nok", 2) + ended, 2.0)
    assert [one.uri for one in found] == ["/2", "/1"]
    assert all(one.answer is None and "at once" in one.remarks[0] for one in found)


def test_a_connection_that_ends_in_the_middle_of_a_record() -> None:
    talk = Conversation("one")
    talk.asked(begin() + params(REQUEST_URI="/"), 1.0)
    talk.answered(sent(RecordType.STDOUT, b"\r\n" + b"x" * 1000)[:500], 1.5)
    (found,) = talk.ended(Ending.RESET, 2.0)
    assert found.ending is Ending.RESET
    assert "is cut off" in found.remarks[0]
    assert talk.waiting == 0


def test_an_abort_of_the_front_end_is_told() -> None:
    talk = Conversation("one")
    talk.asked(begin() + sent(RecordType.ABORT_REQUEST, b""), 1.0)
    (found,) = talk.ended(Ending.CLOSED, 2.0)
    assert found.ending is Ending.ABORTED


def test_another_protocol_is_said_once_and_is_no_request() -> None:
    talk = Conversation("one")
    talk.asked(b"GET / HTTP/1.0\r\n\r\n", 1.0)
    assert talk.foreign == "an HTTP request, not FastCGI"
    assert talk.answered(b"whatever", 1.0) == talk.ended(Ending.CLOSED, 1.0) == []


def test_a_flood_of_messages_is_bounded_and_not_judged() -> None:
    talk = Conversation("one")
    talk.asked(begin() + params(), 1.0)
    flood = sent(RecordType.STDERR, b"x" * 8) * 100
    for _ in range(MOST_RECORDS // 100 + 1):
        talk.answered(flood, 1.0)
    (found,) = talk.answered(sent(RecordType.STDOUT, b"\r\n") + END, 1.0)
    assert found.answer is None
    assert found.stderr_bytes > 8 * MOST_RECORDS
    assert sum(map(len, found.messages)) < 20000


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=8))
def test_any_talk_is_followed(turns: list[tuple[bool, bytes]]) -> None:
    talk = Conversation("one")
    talk.asked(begin() + params(REQUEST_URI="/"), 0.0)
    for when, (asks, data) in enumerate(turns):
        if asks:
            talk.asked(data, float(when))
        else:
            talk.answered(data, float(when))
    talk.ended(Ending.CLOSED, 99.0)
    assert talk.waiting == 0


@pytest.mark.parametrize(
    "text",
    ["password=hunter2", "/a?b=1&api_key=hunter2", "X-Auth-Token: hunter2", "//jo:hunter2@db/x"],
)
def test_secrets_are_masked(text: str) -> None:
    assert "hunter2" not in masked(text)
    assert "***" in masked(text)


@pytest.mark.parametrize("name", ["REQUEST_METHOD", "SCRIPT_FILENAME", "CONTENT_TYPE", "page"])
def test_ordinary_names_are_no_secrets(name: str) -> None:
    assert not secret(name)
    assert masked(f"{name}=x") == f"{name}=x"


@given(hostile_text)
def test_any_text_is_masked_without_a_fuss(text: str) -> None:
    assert masked(masked(text)) == masked(text)
