"""Settings of running programs: what their files say, where, and what is not known."""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigscope.decode.settings import (
    apache,
    gunicorn,
    haproxy,
    nginx,
    php_fpm,
    redis,
    uwsgi,
)
from sigscope.decode.settings.choosing import seconds
from sigscope.decode.settings.directives import MOST_FILES
from sigscope.kernel.settings import READERS, read_settings
from sigscope.model.catalog import Setting, Settings
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from tests.analysis.makers import process
from tests.harness import proc
from tests.harness.daemons import Daemon
from tests.harness.targets import PATIENCE


class Texts:
    """Files that are only text."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str) -> bytes | Gap:
        return self._files.get(path, Gap(path, "no such file"))

    def matching(self, pattern: str) -> tuple[str, ...] | Gap:
        base = pattern.partition("*")[0]
        return tuple(sorted(name for name in self._files if name.startswith(base)))


def said(
    reader: Callable[..., object], argv: str | tuple[str, ...], **files: str
) -> dict[str, str]:
    """The setting's sentence or the gap's reason, by name; ``a_b`` is the file /a/b."""
    texts = Texts({f"/{name.replace('_', '/')}": text.encode() for name, text in files.items()})
    words = tuple(argv.split()) if isinstance(argv, str) else argv
    found = reader(words, texts)
    assert not isinstance(found, str)
    return {
        one.name if isinstance(one, Setting) else one.what: (
            str(one).partition(" is ")[2] if isinstance(one, Setting) else f"? {one.why}"
        )
        for one in found  # type: ignore[attr-defined]
    }


FPM = "php-fpm: master process (/c)"


@pytest.mark.parametrize(
    ("argv", "files", "expected"),
    [
        (FPM, {"c": "[global]\nprocess_control_timeout = 10s ; yes"}, "10 s (/c:2)"),
        (FPM, {"c": "process_control_timeout=2m"}, "120 s (/c:1)"),
        (FPM, {"c": "[global]\n;process_control_timeout = 10s"}, "0 (default)"),
        (FPM, {"c": "[www]\nprocess_control_timeout = 10"}, "0 (default)"),
        (FPM, {"c": "include=/d/*", "d_x": "[global]\nprocess_control_timeout=3"}, "3 s (/d/x:2)"),
        (FPM, {"c": "[global]\nprocess_control_timeout=soon"}, "? /c:2: not understood: 'soon'"),
        (FPM, {}, "? /c: no such file"),
        ("php-fpm8.2 -F -y /c", {"c": "process_control_timeout=7"}, "7 s (/c:1)"),
    ],
)  # fmt: skip
def test_php_fpm(argv: str, files: dict[str, str], expected: str) -> None:
    assert said(php_fpm.settings, argv, **files) == {"process_control_timeout": expected}


def test_a_file_that_includes_itself_is_a_gap_and_no_hang() -> None:
    found = said(php_fpm.settings, FPM, c="include=/c")
    assert found == {"process_control_timeout": "? /c: included too deeply"}


TITLE = "nginx: master process nginx"
NGINX = f"{TITLE} -c /c"
ON, LIMIT = "on (default)", "worker_shutdown_timeout"


@pytest.mark.parametrize(
    ("argv", "files", "timeout", "daemon"),
    [
        (NGINX, {"c": "worker_shutdown_timeout 10s;\ndaemon off;"}, "10 s (/c:1)", "off (/c:2)"),
        (NGINX, {"c": "# worker_shutdown_timeout 1s;\nhttp { }"}, "0 (default)", "on (default)"),
        (NGINX, {"c": "http { worker_shutdown_timeout 1s; }"}, "0 (default)", ON),
        (NGINX + " -g daemon off;", {"c": ""}, "0 (default)", "off (command line -g:1)"),
        (NGINX, {"c": "include m/*;", "m_a": f"\n{LIMIT} 1m 30s;"}, "90 s (/m/a:2)", ON),
        (f"{TITLE} -p /p -c c", {"p_c": "daemon on;"}, "0 (default)", "on (/p/c:1)"),
        (TITLE, {"etc_nginx_nginx.conf": "user a;"}, "0 (default)", ON),
    ],
)  # fmt: skip
def test_nginx(argv: str, files: dict[str, str], timeout: str, daemon: str) -> None:
    found = said(nginx.settings, argv, **files)
    assert found == {"worker_shutdown_timeout": timeout, "daemon": daemon}


def test_haproxy() -> None:
    text = "global\n  hard-stop-after 30s\n  master-worker\ndefaults\n  hard-stop-after 1"
    assert said(haproxy.settings, "haproxy -f /c", c=text) == {
        "master-worker": "on (/c:3)",
        "hard-stop-after": "30 s (/c:2)",
    }
    assert said(haproxy.settings, "haproxy -Ws -f /c", c="global\n hard-stop-after 500") == {
        "master-worker": "on (command line)",
        "hard-stop-after": "0.5 s (/c:2)",
    }
    assert said(haproxy.settings, "haproxy -f /c", c="")["master-worker"] == "off (default)"
    assert said(haproxy.settings, "haproxy")["master-worker"].startswith("? configuration")


def test_apache() -> None:
    name = "GracefulShutdownTimeout"
    text = "Include conf/*.conf\n"
    found = said(apache.settings, "apache2 -f /c", c=text, **{"conf_a.conf": f"{name} 5"})
    assert found == {name: "5 s (/conf/a.conf:1)"}
    assert said(apache.settings, "apache2 -f /c", c="") == {name: "0 (default)"}
    inner = said(apache.settings, "apache2 -f /c", c=f"<IfDefine A>\n{name} 5\n</IfDefine>")
    assert inner == {name: "? /c:2: it stands in a block that may not apply"}


@pytest.mark.parametrize(
    ("argv", "files", "expected"),
    [
        ("uwsgi --http :1", {}, "off (default)"),
        ("uwsgi --die-on-term", {}, "on (command line:1)"),
        ("uwsgi --ini /c", {"c": "[uwsgi]\ndie-on-term = true"}, "on (/c:2)"),
        ("uwsgi --ini=/c", {"c": "[uwsgi]\ndie-on-term = false"}, "off (/c:2)"),
        ("uwsgi --ini /c", {"c": "[other]\ndie-on-term = true"}, "off (default)"),
        ("uwsgi --ini /c:other", {"c": "[other]\ndie-on-term = true"}, "on (/c:2)"),
        ("uwsgi --ini /c", {"c": "[uwsgi]\nini = /d", "d": "[uwsgi]\ndie-on-term=1"}, "on (/d:2)"),
        ("uwsgi --yaml /c", {"c": "uwsgi:\n  die-on-term: true # a"}, "on (/c:2)"),
        ("uwsgi /c.xml", {"c.xml": "<uwsgi>\n<die-on-term/>\n</uwsgi>"}, "on (/c.xml:2)"),
        ("uwsgi --json /c", {}, "? /c: json is not read"),
        ("uwsgi --ini /c", {}, "? /c: no such file"),
    ],
)
def test_uwsgi(argv: str, files: dict[str, str], expected: str) -> None:
    assert said(uwsgi.settings, argv, **files) == {"die-on-term": expected}


def test_gunicorn() -> None:
    name = "graceful_timeout"
    assert said(gunicorn.settings, "python gunicorn a:b") == {name: "30 s (default)"}
    given = said(gunicorn.settings, "python gunicorn --graceful-timeout=5 -c /c")
    assert given == {name: "5 s (command line)"}
    assert said(gunicorn.settings, "python gunicorn -c /c") == {name: "? python config, not read"}
    assert said(gunicorn.settings, "gunicorn: master [a]")[name].startswith("? the server has")


def test_redis() -> None:
    text = 'save ""\nappendonly yes\nshutdown-timeout 20'
    assert said(redis.settings, "redis-server /c", c=text) == {
        "save": "off (/c:1)",
        "appendonly": "on (/c:2)",
        "shutdown-timeout": "20 s (/c:3)",
    }
    given = said(redis.settings, "redis-server --save 60 1000 --appendonly no")
    assert given["save"] == "on (command line:1)"
    assert all(
        "written over" in why for why in said(redis.settings, ("redis-server *:6379",)).values()
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("10", 10), ("10s", 10), ("1h", 3600), ("1d", 86400), ("1m30s", 90), ("250ms", 0.25)],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "-1", "1x", "ten", "1.5", "٣", "9" * 400])
def test_what_is_no_duration(text: str) -> None:
    assert seconds(text) is None


ARGV = {
    r"php-fpm[\d.]*": ("php-fpm8.2", "-y", "/c"),
    r"nginx": ("nginx: master process nginx -c /c",),
    r"apache2|httpd": ("apache2", "-f", "/c"),
    r"haproxy": ("haproxy", "-f", "/c"),
    r"uwsgi.*": ("uwsgi", "--ini", "/c", "--yaml", "/c", "--xml", "/c"),
    r"gunicorn3?|gunicorn: .*": ("python3", "gunicorn", "-c", "/c"),
    r"(redis|valkey)-(server|sentinel)": ("redis-server", "/c"),
}
READER = {
    pattern: importlib.import_module(f"sigscope.decode.settings.{module}").settings
    for pattern, module in READERS
}
each_reader = pytest.mark.parametrize(
    ("argv", "reader"), [(argv, READER[name]) for name, argv in ARGV.items()], ids=list(ARGV)
)
SHARDS = st.lists(
    st.sampled_from(
        "[global] [uwsgi] include=/c include /c; { } ; # \" ' \\ <IfModule> </x> \n = : / * global"
        " save process_control_timeout=1 hard-stop-after die-on-term <die-on-term> 10s daemon"
        " off; on; GracefulShutdownTimeout \t \x00 é uwsgi:".split(" ")
    ),
    max_size=40,
).map(lambda words: " ".join(words).encode())


@each_reader
@given(text=st.one_of(st.binary(max_size=200), SHARDS), more=st.text(max_size=20))
@settings(deadline=None, max_examples=60)
def test_any_text_is_settings_or_gaps(
    argv: tuple[str, ...], reader: Callable[..., object], text: bytes, more: str
) -> None:
    found = list(reader((*argv, more), Texts({"/c": text})))  # type: ignore[call-overload]
    assert found
    assert all(isinstance(one, (Setting, Gap)) and len(str(one)) < 600 for one in found)


FLOODS = ('"', '"\\', "'", "{", ";", "\n", "#", "<a", "[x]\n", "a=b\n", "a b;", "include=/x\n", " ")


@each_reader
@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_takes_time_that_grows_with_its_length(
    argv: tuple[str, ...], reader: Callable[..., object], flood: str
) -> None:
    text = (flood * (1 << 18))[: 1 << 18].encode()
    begun = time.process_time()
    list(reader(argv, Texts({"/c": text})))  # type: ignore[call-overload]
    assert time.process_time() - begun < 5


@contextlib.contextmanager
def called(title: str) -> Iterator[Process]:
    """A shell that was started under this name, in the place of PHP-FPM."""
    with Daemon(["/bin/bash", "-c", f'exec -a "{title}" bash -c "sleep 1000; true"']) as daemon:
        cmdline = Path(f"/proc/{daemon.pid}/cmdline")
        proc.eventually(lambda: cmdline.read_bytes().startswith(title.encode()), PATIENCE, title)
        yield process(daemon.pid, comm="php-fpm8.2")


def test_the_files_are_those_of_the_running_process(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("[global]\nprocess_control_timeout = 5\n")
    with called(f"php-fpm: master process ({tmp_path}/c)") as master:
        found = read_settings(master)
    assert found.gaps == ()
    assert [str(one) for one in found.found] == [f"process_control_timeout is 5 s ({tmp_path}/c:2)"]


def test_what_cannot_be_read_is_a_gap_with_a_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with called(f"php-fpm: master process ({tmp_path}/fifo)") as master:
        gap = read_settings(master).gap("process_control_timeout")
    assert gap is not None
    assert gap.why.endswith("fifo: not a regular file")


def test_more_files_than_sensible_are_not_read(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 10):
        (tmp_path / f"{number:04}.inc").write_text("# nothing\n")
    (tmp_path / "c").write_text(f"include={tmp_path}/*.inc\n")
    with called(f"php-fpm: master process ({tmp_path}/c)") as master:
        gap = read_settings(master).gap("process_control_timeout")
    assert gap is not None
    assert "more configuration" in gap.why


def test_a_program_without_settings_and_a_process_that_is_gone() -> None:
    assert read_settings(process(1, comm="sleep")) == Settings()
    (gap,) = read_settings(process(2**22 + 1, comm="nginx")).gaps
    assert gap.what == "settings"
