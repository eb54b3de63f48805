"""A real php-fpm behind a real nginx, with one location for each size of its buffer."""

from __future__ import annotations

import contextlib
import functools
import http.client
import os
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sigscope.analysis.fcgi.php import Do, Step
from sigscope.decode.fastcgi import decode_all, encode_all, encode_params
from sigscope.model.fcgi import Record, RecordType
from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon, free_port
from tests.harness.targets import PATIENCE

SIZES = ("1k", "2k", "4k", "8k")
WORDS = {Do.MESSAGE: "m", Do.OUTPUT: "o", Do.FLUSH: "f"}
Shape = Callable[[int], list[Step]]
SHAPES: dict[str, Shape] = {
    "one": lambda length: [Step(Do.MESSAGE, length), Step(Do.OUTPUT, 2)],
    "several": lambda length: [
        *(Step(Do.MESSAGE, part) for part in (length // 3, length // 3, length - length // 3 * 2)),
        Step(Do.OUTPUT, 2),
    ],
    "before": lambda length: [
        Step(Do.OUTPUT, 300),
        Step(Do.MESSAGE, length),
        Step(Do.OUTPUT, 2),
    ],
    "flushed": lambda length: [
        Step(Do.MESSAGE, length),
        Step(Do.FLUSH),
        Step(Do.MESSAGE, 40),
        Step(Do.OUTPUT, 2),
    ],
}
"""Scripts that log a message of some length, each in its own way."""
SCRIPT = """\
<?php
foreach (explode(';', $_SERVER['QUERY_STRING']) as $step) {
    [$do, $length] = explode(':', $step . ':');
    if ($do === 'm') error_log(str_repeat('a', (int) $length));
    elseif ($do === 'o') echo str_repeat('x', (int) $length);
    elseif ($do === 'f') flush();
    elseif ($do === 'h') header('X-Long: ' . str_repeat('h', (int) $length));
    elseif ($do === 'r') http_response_code((int) $length);
    elseif ($do === 's') usleep(1000 * (int) $length);
    elseif ($do === 'w') file_get_contents("http://127.0.0.1:$length/");
}
"""
FPM = """\
[global]
error_log = {home}/fpm.log
daemonize = no
log_limit = {limit}
[www]
user = {user}
listen = {listen}
listen.mode = 0666
pm = static
pm.max_children = {workers}
pm.max_requests = {recycled}
request_terminate_timeout = {terminate}
php_admin_value[opcache.enable] = 0
"""
NGINX = """\
daemon off; pid {home}/nginx.pid; error_log {home}/nginx.log; worker_processes 1;
user {user} {group};
events {{}}
http {{
    access_log off; keepalive_requests 1000000;
    client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
    uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
    server {{
        listen 127.0.0.1:{port};
        fastcgi_param SCRIPT_FILENAME {home}/steps.php; fastcgi_param SCRIPT_NAME /steps.php;
        fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param REQUEST_URI $request_uri; fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param HTTP_COOKIE $http_cookie;
{locations}
    }}
}}
"""
LOCATION = """\
        location /{name}/{size} {{
            fastcgi_pass {listen};
            fastcgi_buffer_size {size}; fastcgi_buffers 4 {size};
            fastcgi_busy_buffers_size {double};
        }}
"""


@dataclass(frozen=True)
class Pool:
    """One php-fpm: its name in nginx's locations, and its settings."""

    name: str
    limit: int = 1024
    tcp: bool = False
    workers: int = 1
    recycled: int = 0
    terminate: int = 0


@dataclass
class Shop:
    """nginx, and the php-fpm masters behind it."""

    home: Path
    nginx: Daemon
    masters: dict[str, Daemon]
    listens: dict[str, str]
    port: int
    _connection: http.client.HTTPConnection | None = None

    def status(self, pool: str, size: str, query: str) -> int:
        """The status of one request, over a connection that is kept.

        0 if there was none: the connection was closed before the header had been sent.
        """
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self._connection.request("GET", f"/{pool}/{size}?{query}")
        try:
            answer = self._connection.getresponse()
        except http.client.RemoteDisconnected:
            self._connection.close()
            return 0
        # A body may be cut off behind a status that has been sent.
        try:
            answer.read()
        except (http.client.IncompleteRead, ConnectionError):
            self._connection.close()
        return answer.status

    def hang_up(self) -> None:
        """Close the connection that is kept."""
        if self._connection is not None:
            self._connection.close()

    def worker(self, pool: str) -> int:
        """The pid of the only worker; the pool listens before it is forked."""
        master = self.masters[pool].pid
        (worker,) = proc.eventually(lambda: proc.descendants(master), PATIENCE)
        return worker

    def log(self) -> str:
        """nginx's error log so far."""
        return (self.home / "nginx.log").read_text(errors="replace")

    def records(self, pool: str, query: str) -> list[Record]:
        """The worker's answer itself, asked without nginx."""
        with connected(self.listens[pool]) as peer:
            peer.sendall(question(self.home / "steps.php", query))
            data = b"".join(iter(lambda: peer.recv(1 << 20), b""))
        return decode_all(data)


def query(steps: Iterable[Step]) -> str:
    """The steps in the words of the script."""
    return ";".join(f"{WORDS[step.do]}:{step.length}" for step in steps)


def question(script: Path, text: str, keep: bool = False) -> bytes:
    """A whole FastCGI request for the script."""
    pairs = {
        "SCRIPT_FILENAME": str(script),
        "SCRIPT_NAME": "/steps.php",
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": text,
        "REQUEST_URI": f"/steps.php?{text}",
    }
    params = encode_params((name.encode(), value.encode()) for name, value in pairs.items())
    parts = (
        (RecordType.BEGIN_REQUEST, bytes((0, 1, int(keep), 0, 0, 0, 0, 0))),
        (RecordType.PARAMS, params),
        (RecordType.PARAMS, b""),
        (RecordType.STDIN, b""),
    )
    return encode_all(Record(kind, 1, len(content), 0, content) for kind, content in parts)


def connected(listen: str) -> socket.socket:
    """A connection to where a pool listens."""
    if listen.startswith("/"):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE)
        try:
            peer.connect(listen)
        except OSError:
            peer.close()
            raise
        return peer
    host, _, port = listen.rpartition(":")
    return socket.create_connection((host, int(port)), PATIENCE)


@contextlib.contextmanager
def shop(
    pools: Sequence[Pool], sizes: Sequence[str] = SIZES, puppet: bool = False
) -> Iterator[Shop]:
    """Started, and answering; skips the test where one of the two is not installed.

    With ``puppet`` nginx has locations /puppet/SIZE, too, for a worker at HOME/puppet.sock.
    """
    nginx = required("nginx", "nginx-light")
    fpm = required("php-fpm8.2", "php8.2-fpm") if pools else ""
    user, group = ("nobody", "nogroup") if os.geteuid() == 0 else ("", "")
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sigscope-fcgi-")))
        home.chmod(0o755)
        (home / "steps.php").write_text(SCRIPT)
        listens, masters, locations = dict[str, str](), dict[str, Daemon](), ""
        for pool in pools:
            port = free_port()
            listen = f"127.0.0.1:{port}" if pool.tcp else str(home / f"{pool.name}.sock")
            listens[pool.name] = listen
            conf = home / f"{pool.name}.conf"
            conf.write_text(
                FPM.format(
                    home=home,
                    limit=pool.limit,
                    listen=listen,
                    user=user or os.environ.get("USER", "nobody"),
                    workers=pool.workers,
                    recycled=pool.recycled,
                    terminate=pool.terminate,
                )
            )
            command = [fpm, "-F", "-n", "-y", str(conf)]
            masters[pool.name] = stack.enter_context(Daemon(command, directory=str(home)))
            locations += _locations(pool.name, listen, sizes)
        if puppet:
            locations += _locations("puppet", str(home / "puppet.sock"), sizes)
        port = free_port()
        conf = home / "nginx.conf"
        conf.write_text(
            NGINX.format(home=home, port=port, locations=locations, user=user, group=group)
            if user
            else NGINX.replace("user {user} {group};", "").format(
                home=home, port=port, locations=locations
            )
        )
        front = Daemon([nginx, "-p", str(home), "-c", str(conf)], directory=str(home))
        stack.enter_context(front)
        made = Shop(home, front, masters, listens, port)
        for listen in (*listens.values(), f"127.0.0.1:{port}"):
            proc.eventually(functools.partial(_answers, listen), PATIENCE, f"{listen} answers")
        try:
            yield made
        finally:
            made.hang_up()


def _locations(name: str, listen: str, sizes: Sequence[str]) -> str:
    said = f"unix:{listen}" if listen.startswith("/") else listen
    return "".join(
        LOCATION.format(name=name, size=size, double=f"{2 * int(size[:-1])}k", listen=said)
        for size in sizes
    )


def _answers(listen: str) -> bool:
    try:
        connected(listen).close()
    except OSError:
        return False
    return True
