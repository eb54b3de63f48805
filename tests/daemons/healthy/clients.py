"""One small request to each kind of server; a false answer, or an OSError, while it is not up."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
from collections.abc import Callable

TIMEOUT = 5.0

Request = Callable[[], bool]


def up(request: Request) -> Callable[[int], bool]:
    """Is it serving? That is, does this request get its answer?"""

    def ready(keeper: int) -> bool:
        try:
            return request()
        except (OSError, http.client.HTTPException):
            return False

    return ready


def get(port: int, path: str = "/") -> Request:
    """An HTTP request; any answer below 500 will do."""

    def request() -> bool:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, TIMEOUT)) as client:
            client.request("GET", path)
            answer = client.getresponse()
            answer.read()
            return answer.status < 500

    return request


def talk(place: int | str, say: bytes, expect: bytes) -> Request:
    """Send bytes to a TCP port, or a Unix socket; the answer must contain `expect`."""

    def request() -> bool:
        family = socket.AF_INET if isinstance(place, int) else socket.AF_UNIX
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.settimeout(TIMEOUT)
            client.connect(("127.0.0.1", place) if isinstance(place, int) else place)
            client.sendall(say)
            heard = b""
            while expect not in heard:
                data = client.recv(4096)
                if not data:
                    return False
                heard += data
            return True

    return request


def resolve(port: int, name: str) -> Request:
    """A DNS question for an A record over UDP; an answer of any kind will do."""
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split("."))
    question = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)

    def request() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.5)
            client.connect(("127.0.0.1", port))
            client.send(question)
            return client.recv(512)[:2] == question[:2]

    return request


def fastcgi(port: int, script: str) -> Request:
    """A FastCGI request for a script, which must answer with "well"."""
    parameters = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_FILENAME": script,
        "SCRIPT_NAME": "/",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    pairs = b"".join(
        bytes((len(key), len(value))) + key.encode() + value.encode()
        for key, value in parameters.items()
    )

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("!BBHHBx", 1, kind, 1, len(body), 0) + body

    begin = record(1, struct.pack("!HB5x", 1, 0))
    return talk(port, begin + record(4, pairs) + record(4, b"") + record(5, b""), b"well")


def datagram(path: str, line: bytes) -> Request:
    """One datagram to a Unix socket, as syslog(3) sends it."""

    def request() -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.sendto(line, path)
            return True

    return request
