"""Which locations of a front end lead to a worker."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sigscope.model.fcgi import FastcgiPass

_ANY = frozenset(("0.0.0.0", "[::]"))  # noqa: S104  nothing is bound here


def leading_to(passes: Iterable[FastcgiPass], listens: Collection[str]) -> list[FastcgiPass]:
    """Those that point at one of these addresses; a listener on all addresses matches by port.

    >>> one = FastcgiPass("location /", "127.0.0.1:9000", 4096, "default")
    >>> leading_to([one], ["0.0.0.0:9000"]) == [one], leading_to([one], ["/run/php.sock"])
    (True, [])
    """
    ports = {text.rpartition(":")[2] for text in listens if text.rpartition(":")[0] in _ANY}
    return [one for one in passes if one.address in listens or _port(one.address) in ports]


def _port(address: str) -> str | None:
    return None if address.startswith("/") else address.rpartition(":")[2]
