"""``sigscope fcgi --from-pcap``: real captures, and such as no tcpdump writes."""

from __future__ import annotations

import contextlib
import json
import random
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.dialogues import Dialogues
from sigscope.decode.stream import Stream
from sigscope.errors import UsageError
from sigscope.kernel.capture import Capture
from sigscope.model.fcgi import Ending, Exchange
from sigscope.model.segment import Segment, TcpFlag
from tests.harness import proc
from tests.harness.build import required
from tests.harness.captures import ANSWER, ASK, Talk, packet, write
from tests.harness.command import sigscope
from tests.harness.fastcgi import Pool, shop


def exchanges(segments: Sequence[Segment], port: int | None = None) -> list[Exchange]:
    talks = Dialogues(port)
    return [one for segment in segments for one in talks.take(segment)] + talks.end()


def test_a_capture_that_tcpdump_wrote(tmp_path: Path) -> None:
    tcpdump = required("tcpdump", "tcpdump")
    path = tmp_path / "real.pcap"
    with shop([Pool("tcp", 65535, tcp=True)], ("1k",)) as real:
        port = real.listens["tcp"].rpartition(":")[2]
        words = [tcpdump, "-i", "lo", "-s", "0", "-U", "-Z", "root", "-w", str(path)]
        with _running([*words, "port", port], path):
            queries = ("m:10;o:2", "m:924;o:2", "m:5000;m:60;o:3", "r:404;o:70000", "o:4;m:2000")
            seen = [real.status("tcp", "1k", query) for query in queries]
            proc.eventually(lambda: _ended(path) >= len(queries), 30, "it is captured")
    said = sigscope("fcgi", "--from-pcap", path, "--buffer", "1k", "--json")
    told = [json.loads(line) for line in said.out.splitlines()]
    assert [one["uri"].partition("?")[2] for one in told] == list(queries)
    for one, status in zip(told, seen, strict=True):
        assert str(status) in one["front_ends"][0]["says"].split(" or ")
        assert one["complete"]
        assert one["params"]["HTTP_COOKIE"] == "***"
    assert said.status == 1
    assert told[1]["cause"]["kind"] == "lost"
    assert told[1]["cause"]["retry"] is False
    text = sigscope("fcgi", "--from-pcap", path, "--buffer", "1k")
    assert "answered in full, and lost by the front end" in text.out
    assert "safe to do again: no" in text.out
    assert "5 requests," in text.err


@contextlib.contextmanager
def _running(words: Sequence[str], path: Path) -> Iterator[None]:
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        try:
            assert run.stdout is not None
            line = run.stdout.readline()
            while line and b"listening on" not in line:
                line = run.stdout.readline()
            if not line:
                pytest.skip("tcpdump may not listen here")
            yield
        finally:
            run.terminate()
            run.wait(30)


def _ended(path: Path) -> int:
    talks = Dialogues()
    with contextlib.suppress(UsageError), Capture(str(path)) as capture:
        return sum(len(talks.take(segment)) for segment in capture.segments())
    return 0


@given(st.integers(0, 2**32), st.randoms(use_true_random=False), st.integers(5, 400))
def test_segments_in_any_order_and_twice_are_the_same_talk(
    first: int, dice: random.Random, size: int
) -> None:
    talk = Talk(first=first).whole(size)
    segments = talk.segments[3:-1]
    shuffled = segments + dice.sample(segments, min(3, len(segments)))
    dice.shuffle(shuffled)
    (one,) = exchanges([*talk.segments[:3], *shuffled, talk.segments[-1]])
    assert (one.ending, one.stderr_bytes, one.stdout_bytes) == (Ending.COMPLETE, 937, 70)


@given(st.lists(st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=20)), max_size=20))
def test_no_byte_is_read_twice_or_passed_over_in_silence(parts: list[tuple[int, bytes]]) -> None:
    stream, read, lost = Stream(), 0, 0
    stream.take(Segment(0, "a", "b", TcpFlag.SYN, 2**32 - 31, 0, b""))
    for place, data in parts:
        seq = (2**32 - 30 + place) % 2**32
        for piece in stream.take(Segment(0, "a", "b", TcpFlag.NONE, seq, len(data), data)):
            read += len(piece.data)
    for piece in stream.flush(0):
        read, lost = read + len(piece.data), lost + piece.lost
    covered = {place + n for place, data in parts for n in range(len(data))}
    assert read == len(covered)
    assert read + lost == max(covered, default=-1) + 1


def test_lost_bytes_are_told_and_what_they_belong_to_is_not_judged(tmp_path: Path) -> None:
    talk = Talk().whole()
    del talk.segments[5]
    said = sigscope("fcgi", "--from-pcap", write(tmp_path / "a.pcap", talk.segments), "--json")
    (line,) = said.out.splitlines()
    one = json.loads(line)
    assert one["front_ends"] == []
    assert one["ended"] == "not all of it was captured"
    assert one["remarks"][0] == "100 bytes of the connection were not captured"
    assert "100 bytes are missing in the capture" in said.err
    assert said.status == 1


def test_a_capture_with_a_short_snap_length_says_what_it_lacks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pcap", Talk().whole(2000).segments, cut=96)
    said = sigscope("fcgi", "--from-pcap", path)
    assert "bytes are missing in the capture" in said.err
    assert said.status in (1, 2)
    assert "Traceback" not in said.err


def test_a_connection_that_was_open_before_is_joined_at_its_next_request() -> None:
    talk = Talk().send(False, ANSWER[300:]).send(True, ASK).send(False, ANSWER)
    (one,) = exchanges(talk.segments)
    assert (one.uri, one.ending) == ("/steps.php?a=1", Ending.COMPLETE)


def test_after_a_loss_the_next_request_is_followed_again() -> None:
    talk = Talk().opened().send(True, ASK).send(False, ANSWER[:100]).send(False, ANSWER[100:])
    talk.send(True, ASK).send(False, ANSWER).send(False, flags=TcpFlag.FIN)
    del talk.segments[3]
    found = exchanges(talk.segments)
    assert [one.ending for one in found][-1] in (Ending.COMPLETE, Ending.LOST)
    assert any(one.ending is Ending.LOST for one in found)


@pytest.mark.parametrize(
    ("asks", "flags", "ending"),
    [
        (False, TcpFlag.RST, Ending.RESET),
        (False, TcpFlag.FIN, Ending.CLOSED),
        (True, TcpFlag.RST, Ending.ABORTED),
    ],
)
def test_who_ended_it_first(asks: bool, flags: TcpFlag, ending: Ending) -> None:
    talk = Talk().opened().send(True, ASK).send(False, ANSWER[:50]).send(asks, flags=flags)
    (one,) = exchanges(talk.segments)
    assert one.ending is ending


def test_a_request_that_has_not_ended_is_waiting(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pcap", Talk().opened().send(True, ASK).segments)
    one = json.loads(sigscope("fcgi", "--from-pcap", path, "--json").out)
    assert one["cause"]["kind"] == "waiting"
    assert one["seconds"] is None


def test_a_port_that_is_used_again_is_another_connection() -> None:
    talk = Talk().whole()
    again = Talk(first=77).whole()
    assert len(exchanges([*talk.segments, *again.segments])) == 2


def test_only_the_port_that_was_asked_for() -> None:
    other = Talk("10.0.0.1:4001", "10.0.0.2:9001").whole()
    both = [*Talk().whole().segments, *other.segments]
    assert len(exchanges(both)) == 2
    assert [one.connection for one in exchanges(both, 9001)] == ["10.0.0.1:4001 > 10.0.0.2:9001"]


HTTP = Talk("10.0.0.1:4000", "10.0.0.2:80").opened().send(True, b"GET / HTTP/1.1\r\n\r\n")


def test_another_protocol_is_named(tmp_path: Path) -> None:
    said = sigscope("fcgi", "--from-pcap", write(tmp_path / "a.pcap", HTTP.segments))
    assert said.status == 2
    assert "10.0.0.2:80: an HTTP request, not FastCGI" in said.err
    assert "tcpdump" in said.err


def test_another_protocol_beside_it_is_a_remark(tmp_path: Path) -> None:
    segments = [*Talk().whole().segments, *HTTP.segments]
    said = sigscope("fcgi", "--from-pcap", write(tmp_path / "a.pcap", segments), "--buffer", "2k")
    assert said.status == 0
    assert "a connection to 10.0.0.2:80: an HTTP request, not FastCGI" in said.err
    assert "1 requests, 0 failed" in said.err


def test_packets_that_are_no_tcp_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, linktype=101)
        udp = dpkt.ip.IP(src=bytes(4), dst=bytes(4), p=17, data=dpkt.udp.UDP(data=b"x"))
        for data in (bytes(udp), b"", b"\x45", bytes(40), bytes.fromhex("60") + bytes(50)):
            writer.writepkt(data, 1.0)
        for one in Talk().whole().segments:
            writer.writepkt(packet(one), one.time)
    said = sigscope("fcgi", "--from-pcap", path, "--buffer", "2k")
    assert "5 packets are no TCP" in said.err
    assert said.status == 0


def pcapng(segments: Sequence[Segment]) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + size + body + size

    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack("<HHI", 101, 0, 0))
    for one in segments:
        wire, ticks = packet(one), int(one.time * 1e6)
        head = struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(wire), len(wire))
        data += block(6, head + wire)
    return data


def test_pcapng_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(pcapng(Talk().whole().segments))
    said = sigscope("fcgi", "--from-pcap", path, "--buffer", "1k", "--json")
    one = json.loads(said.out)
    # In pieces of 100 bytes, a millisecond apart: nginx may read each, or all of them at once.
    assert one["front_ends"][0]["says"] == "200 or 502"
    assert one["started"].startswith("2023-11-14T22:13:20")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no capture"),
        (b"no capture at all, but a text", "is no capture"),
        (b"\xd4\xc3\xb2\xa1", "is no capture"),
        (struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 147), "link type 147"),
        (pcapng([])[:28], "is no capture"),
    ],
)
def test_a_file_that_is_no_capture(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(data)
    ran = sigscope("fcgi", "--from-pcap", path)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_a_file_that_is_not_there_or_a_directory(tmp_path: Path) -> None:
    assert sigscope("fcgi", "--from-pcap", tmp_path / "none").status == 2
    assert sigscope("fcgi", "--from-pcap", tmp_path).status == 2
    assert sigscope("fcgi", "--from-pcap", "/dev/null", "--simulate").status == 2


def test_a_capture_that_is_cut_off_tells_what_it_has(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pcap", Talk().whole().segments)
    path.write_bytes(path.read_bytes() + struct.pack("<IIII", 0, 0, 0x7FFFFFFF, 9) + b"x")
    said = sigscope("fcgi", "--from-pcap", path, "--buffer", "2k")
    assert said.status == 0
    assert "is cut off or damaged after" in said.err


@given(st.data())
def test_any_bytes_in_a_capture_are_survived(data: st.DataObject) -> None:
    whole = pcapng(Talk().whole().segments) if data.draw(st.booleans()) else CLASSIC
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = SCRATCH / "damaged"
    path.write_bytes(damaged)
    talks = Dialogues()
    with contextlib.suppress(UsageError), Capture(str(path)) as capture:
        for segment in capture.segments():
            talks.take(segment)
    talks.end()


@pytest.fixture(scope="module", autouse=True)
def _scratch(tmp_path_factory: pytest.TempPathFactory) -> None:
    global SCRATCH, CLASSIC
    SCRATCH = tmp_path_factory.mktemp("captures")
    CLASSIC = write(SCRATCH / "classic", Talk().whole().segments).read_bytes()


SCRATCH, CLASSIC = Path(), b""
