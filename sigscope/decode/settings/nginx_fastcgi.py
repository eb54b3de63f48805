"""nginx: every fastcgi_pass, with the fastcgi_buffer_size that holds there.

Directives of ngx_http_fastcgi_module and ngx_http_upstream_module: a location inherits the size
of its server, and that of http, whichever comes first in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sigscope.decode.settings.choosing import below, directory, size
from sigscope.decode.settings.directives import Directive, Files, gather, nested
from sigscope.decode.settings.nginx import configuration
from sigscope.model.fcgi import FastcgiPass
from sigscope.model.gap import Gap

PAGE = 4096
"""ngx_pagesize, which is the default of fastcgi_buffer_size."""
_SIZE, _PASS, _CACHE = "fastcgi_buffer_size", "fastcgi_pass", "fastcgi_cache"
_LOOPBACK = {"localhost": "127.0.0.1"}
_DEEPEST = 64


@dataclass(slots=True)
class _Block:
    """A block: what it says itself, and what stands in it."""

    words: tuple[str, ...]
    above: _Block | None
    said: list[Directive] = field(default_factory=list)
    inside: list[_Block] = field(default_factory=list)

    def last(self, name: str) -> Directive | None:
        """The statement that holds here, of this block or of one around it."""
        own = [one for one in self.said if one.name == name and len(one.words) > 1]
        if own:
            return own[-1]
        return None if self.above is None else self.above.last(name)


def fastcgi_passes(argv: tuple[str, ...], files: Files) -> Iterator[FastcgiPass | Gap]:
    """From nginx's command line and its files; what cannot be read or told is a gap."""
    path = configuration(argv, files)
    base = directory(path)

    def includes(one: Directive) -> str | None:
        return below(base, one.value) if one.name == "include" else None

    top = here = _Block((), None)
    depth = 0
    for one in gather(files, path, nested, includes):
        if isinstance(one, Gap):
            yield one
        elif one.words[-1] == "{":
            depth += 1
            block = _Block(one.words[:-1], here)
            if depth > _DEEPEST:
                yield Gap(one.where, "blocks within blocks, more deeply than sigscope reads")
                return
            here.inside.append(block)
            here = block
        elif one.words == ("}",):
            depth = max(0, depth - 1)
            here = here.above or top
        else:
            here.said.append(one)
    yield from _passes(top, _upstreams(top))


def _upstreams(block: _Block) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for inner in block.inside:
        if inner.words[:1] == ("upstream",) and len(inner.words) > 1:
            servers = [one.words[1] for one in inner.said if one.name == "server" and one.value]
            found[inner.words[1]] = servers
        else:
            found.update(_upstreams(inner))
    return found


def _passes(block: _Block, upstreams: dict[str, list[str]]) -> Iterator[FastcgiPass | Gap]:
    for one in block.said:
        if one.name == _PASS and one.value:
            yield from _pass(block, one, upstreams)
    for inner in block.inside:
        yield from _passes(inner, upstreams)


def _pass(
    block: _Block, one: Directive, upstreams: dict[str, list[str]]
) -> Iterator[FastcgiPass | Gap]:
    target = one.words[1]
    if "$" in target:
        yield Gap(one.where, f"fastcgi_pass {target} depends on the request")
        return
    said = block.last(_SIZE)
    buffer, where = PAGE, "default"
    if said is not None:
        meant = size(said.words[1])
        if not meant:
            yield Gap(said.where, f"not understood: {said.value[:40]!r}")
            return
        buffer, where = meant, said.where
    cache = block.last(_CACHE)
    cached = cache is not None and cache.words[1] != "off"
    for address in upstreams.get(target, [target]):
        yield FastcgiPass(_label(block), normal(address), buffer, where, cached)


def _label(block: _Block) -> str:
    """``server_name`` and the location's own words."""
    names, at = "", block
    while at.above is not None:
        if at.words[:1] == ("server",):
            said = [one for one in at.said if one.name == "server_name" and one.value]
            names = said[-1].words[1] if said else ""
        at = at.above
    words = " ".join(block.words) or "main"
    return f"{names} {words}".strip()


def normal(address: str) -> str:
    """``unix:/run/x.sock`` as its path, ``localhost:9000`` with the number of localhost.

    >>> normal("unix:/run/php.sock"), normal("localhost:9000")
    ('/run/php.sock', '127.0.0.1:9000')
    """
    if address.startswith("unix:"):
        return address[5:].rstrip(":")
    host, colon, port = address.rpartition(":")
    return f"{_LOOPBACK.get(host, host)}{colon}{port}"
