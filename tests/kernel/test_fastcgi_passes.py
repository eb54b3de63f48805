"""nginx's configuration: which locations lead to a worker, with which buffer."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.analysis.fcgi.locations import leading_to
from sigscope.decode.net import decode_tcp, decode_unix
from sigscope.decode.settings.nginx_fastcgi import fastcgi_passes
from sigscope.kernel.frontends import read_passes
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.sockets import listening, read_sockets
from sigscope.model.fcgi import FastcgiPass
from sigscope.model.gap import Gap
from tests.harness.fastcgi import Pool, shop
from tests.kernel.test_settings import Texts

ARGV = ("nginx: master process nginx -c /etc/nginx.conf",)


def passes(text: str, **files: str) -> list[tuple[str, str, int] | str]:
    """(location, address, buffer), or the reason of a gap."""
    content = {"/etc/nginx.conf": text.encode()}
    content |= {f"/{name.replace('_', '/')}": other.encode() for name, other in files.items()}
    found = fastcgi_passes(ARGV, Texts(content))
    return [
        one.why if isinstance(one, Gap) else (one.location, one.address, one.buffer)
        for one in found
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "http { server { location / { fastcgi_pass unix:/run/a.sock; } } }",
            [("location /", "/run/a.sock", 4096)],
        ),
        (
            "http { server { server_name shop.example; location ~ \\.php$ {"
            " fastcgi_pass localhost:9000; } fastcgi_buffer_size 8k; } }",
            [("shop.example location ~ \\.php$", "127.0.0.1:9000", 8192)],
        ),
        (
            "http { fastcgi_buffer_size 1k; server { location /a { fastcgi_pass a:1; }"
            " location /b { fastcgi_buffer_size 2k; fastcgi_pass b:2; } } }",
            [("location /a", "a:1", 1024), ("location /b", "b:2", 2048)],
        ),
        (
            "http { upstream php { server unix:/run/1.sock; server 127.0.0.1:9001 backup; }"
            " server { location / { if ($x) { fastcgi_pass php; } } } }",
            [("if ($x)", "/run/1.sock", 4096), ("if ($x)", "127.0.0.1:9001", 4096)],
        ),
        (
            "http { server { location / { fastcgi_pass $backend; } } }",
            ["fastcgi_pass $backend depends on the request"],
        ),
        (
            "http { server { fastcgi_buffer_size huge; location / { fastcgi_pass a:1; } } }",
            ["not understood: 'huge'"],
        ),
        ("http { server { location / { return 200; } } }", []),
        ("} } http {{{ fastcgi_pass", []),
    ],
)
def test_the_size_that_holds_for_a_location(text: str, expected: list[object]) -> None:
    assert passes(text) == expected


def test_included_files_stand_in_the_place_of_the_include() -> None:
    found = passes(
        "http { include /etc/sites/*; fastcgi_buffer_size 16k; }",
        etc_sites_one="server { location / { include /etc/php; } }",
        etc_php="fastcgi_pass unix:/run/a.sock; fastcgi_cache zone;",
    )
    assert found == [("location /", "/run/a.sock", 16384)]


def test_a_file_that_cannot_be_read_is_a_gap() -> None:
    (gap,) = fastcgi_passes(ARGV, Texts({}))
    assert isinstance(gap, Gap)
    assert (gap.what, gap.why) == ("/etc/nginx.conf", "no such file")


@given(st.text(st.sampled_from("{};\"' \n#a$"), max_size=80))
def test_any_text_is_a_configuration(text: str) -> None:
    passes(f"http {{ {text} fastcgi_pass a:1; {text}")


def test_a_deep_configuration_has_an_end() -> None:
    (said,) = passes("a {" * 5000)
    assert "more deeply" in str(said)


def test_the_running_nginx_and_the_sockets_of_a_real_worker() -> None:
    with shop([Pool("unix"), Pool("tcp", tcp=True)], ("1k", "8k")) as real:
        found, gaps = read_passes(ProcFS())
        own = [one for one in found if one.where.startswith(str(real.home))]
        assert not [gap for gap in gaps if str(real.home) in gap.what]
        for name in ("unix", "tcp"):
            listens = listening(read_sockets(real.worker(name)))
            assert listens == (real.listens[name],)
            leading = leading_to(own, listens)
            assert [(one.location, one.buffer) for one in leading] == [
                (f"location /{name}/1k", 1024),
                (f"location /{name}/8k", 8192),
            ]


def test_a_listener_on_all_addresses_is_found_by_its_port() -> None:
    one = FastcgiPass("location /", "10.1.2.3:9000", 4096, "default")
    assert leading_to([one], ["[::]:9000"]) == [one]
    assert leading_to([one], ["[::]:9001", "10.1.2.3:900"]) == []


@contextlib.contextmanager
def _pair(family: socket.AddressFamily, address: object) -> Iterator[tuple[int, int, str]]:
    with socket.socket(family) as listener:
        listener.bind(address)  # type: ignore[arg-type]
        listener.listen(1)
        with socket.socket(family) as client:
            client.connect(listener.getsockname())
            served, peer = listener.accept()
            with served:
                said = str(peer[1]) if isinstance(peer, tuple) else ""
                yield listener.fileno(), served.fileno(), said


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
def test_own_sockets_are_read_as_they_are(family: socket.AddressFamily, tmp_path: Path) -> None:
    address: object = str(tmp_path / "s")
    if family is not socket.AF_UNIX:
        address = ("::1" if family is socket.AF_INET6 else "127.0.0.1", 0)
    with _pair(family, address) as (listener, served, port):
        found = read_sockets(os.getpid())
        assert found[listener].listens
        assert found[served].connected
        assert not found[served].listens
        assert found[served].remote.rpartition(":")[2] == port


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_passed_over(data: bytes) -> None:
    decode_unix(data)
    decode_tcp(data)
