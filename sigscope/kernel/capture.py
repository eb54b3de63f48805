"""Captures that tcpdump wrote: pcap and pcapng files, as TCP segments.

The formats are read by dpkt, which is imported only here. A capture is whatever somebody hands
us: each read is bounded, and what is damaged ends the capture and is said, as is what is no TCP.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from sigscope.errors import NotSupported, UsageError
from sigscope.kernel.closing import Closing
from sigscope.model.segment import Segment, TcpFlag

LARGEST_PACKET = 1 << 20
_LINKS = {0: "loopback", 108: "loopback", 1: "ethernet", 113: "sll", 276: "sll2"}
_RAW = frozenset((12, 14, 101, 228, 229))
_CLASSES = {"loopback": "Loopback", "ethernet": "Ethernet", "sll": "SLL", "sll2": "SLL2"}
_DEEPEST = 5
_TRY = "record one with: tcpdump -i any -s 0 -w FILE port 9000"
_FIN, _SYN, _RST = 1, 2, 4


class Capture(Closing):
    """An open capture; use it in ``with``. UsageError if it cannot be read, or is none.

    ``remarks`` grows while the segments are read: what was left out, and why.
    """

    def __init__(self, path: str) -> None:
        try:
            import dpkt
        except ImportError:
            hint = "install it: pip install dpkt"
            raise NotSupported("dpkt, which reads captures, is not installed", hint) from None
        self._dpkt: Any = dpkt
        self.path = path
        self.others = 0
        """Packets that are no TCP, or parts of one."""
        self.remarks: list[str] = []
        try:
            self._file = open(path, "rb")  # noqa: SIM115  __exit__ closes it
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}", _TRY) from None
        try:
            self._reader = dpkt.pcap.UniversalReader(_Bounded(self._file))
            self._open = self._opener(self._reader.datalink())
        except BaseException as error:
            self._file.close()
            if isinstance(error, OSError):
                raise UsageError(f"cannot read {path}: {error.strerror}", _TRY) from None
            if isinstance(error, (ValueError, struct.error, dpkt.Error)):
                raise UsageError(f"{path} is no capture", _TRY) from None
            raise

    def close(self) -> None:
        """May be called twice."""
        self._file.close()

    def _opener(self, link: int) -> Any:
        if link in _RAW:
            return None
        if link not in _LINKS:
            raise UsageError(f"{self.path}: link type {link} is not read here", _TRY)
        import importlib

        name = _LINKS[link]
        return getattr(importlib.import_module(f"dpkt.{name}"), _CLASSES[name])

    def segments(self) -> Iterator[Segment]:
        """In the order of the file; a damaged file ends here, with a remark."""
        packets = iter(self._reader)
        count = 0
        while True:
            try:
                when, packet = next(packets)
            except StopIteration:
                return
            except (ValueError, struct.error, self._dpkt.Error, OverflowError):
                self.remarks.append(f"{self.path} is cut off or damaged after {count} packets")
                return
            count += 1
            try:
                found = self._segment(float(when), packet)
            except (ValueError, struct.error, self._dpkt.Error, IndexError, AttributeError):
                found = None  # a packet that is damaged
            if found is None:
                self.others += 1
            else:
                yield found

    def _segment(self, when: float, packet: bytes) -> Segment | None:
        network: Any = self._network(packet)
        tcp = getattr(network, "data", None)
        if network is None or not isinstance(tcp, self._dpkt.tcp.TCP):
            return None
        if isinstance(network, self._dpkt.ip.IP):
            family = socket.AF_INET
            if network.offset or network.mf:
                return None
            length = network.len - 4 * network.hl - 4 * tcp.off if network.len else len(tcp.data)
        else:
            family = socket.AF_INET6
            headers = sum(one.length for one in network.all_extension_headers)
            length = network.plen - headers - 4 * tcp.off if network.plen else len(tcp.data)
        data = bytes(tcp.data)[: max(0, length)]
        return Segment(
            when,
            _end(family, network.src, tcp.sport),
            _end(family, network.dst, tcp.dport),
            _flags(tcp.flags),
            tcp.seq,
            max(0, length),
            data,
        )

    def _network(self, packet: bytes) -> Any:
        dpkt = self._dpkt
        if self._open is None:
            if not packet:
                return None
            return (dpkt.ip6.IP6 if packet[0] >> 4 == 6 else dpkt.ip.IP)(packet)
        layer = self._open(packet)
        for _ in range(_DEEPEST):
            if isinstance(layer, (dpkt.ip.IP, dpkt.ip6.IP6)):
                return layer
            layer = getattr(layer, "data", None)
        return None


class _Bounded:
    """A file that gives no more at once than a packet may have."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_PACKET:
            raise ValueError(f"a block of {size} bytes")
        return self._file.read(size)

    def seek(self, place: int) -> None:
        self._file.seek(place)


def _end(family: socket.AddressFamily, address: bytes, port: int) -> str:
    text = socket.inet_ntop(family, address)
    return f"[{text}]:{port}" if family == socket.AF_INET6 else f"{text}:{port}"


def _flags(bits: int) -> TcpFlag:
    found = TcpFlag.NONE
    for bit, flag in ((_SYN, TcpFlag.SYN), (_FIN, TcpFlag.FIN), (_RST, TcpFlag.RST)):
        if bits & bit:
            found |= flag
    return found
