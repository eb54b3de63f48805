"""Captures of a FastCGI connection, written packet by packet."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dpkt

from sigscope.decode.fastcgi import encode
from sigscope.model.fcgi import Record, RecordType
from sigscope.model.segment import Segment, TcpFlag
from tests.harness.fastcgi import question

FRONT, WORKER = "10.0.0.1:4000", "10.0.0.2:9000"
ANSWER = (
    encode(Record(RecordType.STDERR, 1, 937, 7, b"e" * 937))
    + encode(Record(RecordType.STDOUT, 1, 70, 2, b"X: " + b"y" * 61 + b"\r\n\r\nok"))
    + encode(Record(RecordType.END_REQUEST, 1, 8, 0, bytes(8)))
)
ASK = question(Path("/srv/page.php"), "a=1")


class Talk:
    """Segments of one connection, numbered as TCP numbers them."""

    def __init__(self, front: str = FRONT, worker: str = WORKER, first: int = 1000) -> None:
        self.ends = (front, worker)
        self.seqs = {front: first, worker: 5_000}
        self.segments: list[Segment] = []

    def send(self, asks: bool, data: bytes = b"", flags: TcpFlag = TcpFlag.NONE) -> Talk:
        source, target = self.ends if asks else self.ends[::-1]
        when = 1.7e9 + len(self.segments) / 1000
        seq = self.seqs[source] % (1 << 32)
        self.segments.append(Segment(when, source, target, flags, seq, len(data), data))
        self.seqs[source] += len(data) + bool(flags & TcpFlag.SYN)
        return self

    def opened(self) -> Talk:
        return self.send(True, flags=TcpFlag.SYN).send(False, flags=TcpFlag.SYN)

    def whole(self, size: int = 100) -> Talk:
        self.opened().send(True, ASK)
        for place in range(0, len(ANSWER), size):
            self.send(False, ANSWER[place : place + size])
        return self.send(False, flags=TcpFlag.FIN)


def write(path: Path, segments: Sequence[Segment], cut: int = 1 << 20) -> Path:
    """A classic pcap of raw IP."""
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, linktype=101)
        for one in segments:
            writer.writepkt(packet(one)[:cut], one.time)
    return path


def packet(one: Segment) -> bytes:
    bits = {TcpFlag.SYN: 2, TcpFlag.FIN: 1, TcpFlag.RST: 4}
    flags = sum(bit for flag, bit in bits.items() if flag in one.flags) | 16
    (source, sport), (target, dport) = one.source.rsplit(":", 1), one.target.rsplit(":", 1)
    tcp = dpkt.tcp.TCP(sport=int(sport), dport=int(dport), seq=one.seq, flags=flags, data=one.data)
    ip: Any = dpkt.ip.IP(src=socket.inet_aton(source), dst=socket.inet_aton(target), p=6, data=tcp)
    ip.len = 20 + 20 + len(one.data)
    return bytes(ip)
