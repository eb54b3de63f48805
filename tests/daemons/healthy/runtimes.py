"""Language runtimes that bring signal habits of their own: Java, Node, Go, Python, uWSGI."""

from __future__ import annotations

import json
import sys

from tests.daemons.healthy.clients import get, talk, up
from tests.daemons.healthy.service import Healthy, Place, Service, unprivileged
from tests.harness.build import required

NODE = """\
const {Worker} = require("worker_threads");
const {spawn} = require("child_process");
new Worker("setInterval(() => {}, 50)", {eval: true});
spawn("sleep", ["600"]);
require("http").createServer((request, answer) => {
    spawn("sleep", ["0.05"]).on("exit", () => answer.end("well"));
}).listen(%P, "127.0.0.1");
"""
WSGI = """\
import subprocess
def application(environment, start):
    subprocess.run(["sleep", "0.05"])
    start("200 OK", [("Content-Length", "4")])
    return [b"well"]
"""
POOL = """\
import subprocess
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        subprocess.run(["sleep", "0.05"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
class Server(HTTPServer):
    pool = ThreadPoolExecutor(4)
    def process_request(self, request, client):
        self.pool.submit(self.serve, request, client)
    def serve(self, request, client):
        self.finish_request(request, client)
        self.shutdown_request(request)
Server(("127.0.0.1", %P), Handler).serve_forever()
"""
LOOP = """\
import asyncio, signal
async def serve(reader, writer):
    child = await asyncio.create_subprocess_exec("sleep", "0.05")
    await child.wait()
    writer.write(b"well")
    writer.close()
async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
    async with await asyncio.start_server(serve, "127.0.0.1", %P) as server:
        await server.serve_forever()
asyncio.run(main())
"""


def java(place: Place) -> Service:
    """rmiregistry is the one server that a runtime without a compiler brings along."""
    program = required("rmiregistry", "default-jre-headless")
    command = [program, "-J-Xmx32m", "-J-Xshare:auto", str(place.port)]
    request = talk(place.port, b"JRMI\0\2\x4b", b"N")
    return Service(unprivileged(*command), up(request), request)


def node(place: Place) -> Service:
    program = required("node", "nodejs")
    request = get(place.port)
    return Service([program, place.file("server.js", NODE)], up(request), request)


def webhook(place: Place) -> Service:
    """A daemon in Go, which starts a program for each request."""
    program = required("webhook", "webhook")
    sleep = required("sleep", "coreutils")
    hook = {
        "id": "well",
        "execute-command": sleep,
        "pass-arguments-to-command": [{"source": "string", "name": "0.05"}],
        "include-command-output-in-response": True,
    }
    hooks = place.file("hooks.json", json.dumps([hook]))
    command = [program, "-hooks", hooks, "-ip", "127.0.0.1", "-port", str(place.port)]
    request = get(place.port, "/hooks/well")
    return Service(unprivileged(*command), up(request), request)


def gunicorn(*options: str) -> Healthy:
    def describe(place: Place) -> Service:
        program = required("gunicorn", "gunicorn")
        place.file("well.py", WSGI)
        command = [program, "--workers", "2", "--bind", f"127.0.0.1:{place.port}", *options]
        command += ["--chdir", str(place.directory), "--worker-tmp-dir", str(place.directory)]
        request = get(place.port)
        return Service([*command, "well:application"], up(request), request)

    return Healthy("gunicorn-threads" if options else "gunicorn", describe)


def uwsgi(place: Place) -> Service:
    """Without threads: with them it is no longer healthy."""
    program = required("uwsgi_python3", "uwsgi-core uwsgi-plugin-python3")
    command = [program, "--http-socket", f"127.0.0.1:{place.port}", "--need-app", "--master"]
    command += ["--processes", "2", "--die-on-term", "--wsgi-file", place.file("well.py", WSGI)]
    request = get(place.port)
    return Service(unprivileged(*command), up(request), request)


def pool(place: Place) -> Service:
    request = get(place.port)
    return Service([sys.executable, place.file("pool.py", POOL)], up(request), request)


def asyncio(place: Place) -> Service:
    request = talk(place.port, b"", b"well")
    return Service([sys.executable, place.file("loop.py", LOOP)], up(request), request)


RUNTIMES = (
    Healthy("java", java),
    Healthy("node", node),
    Healthy("webhook-go", webhook),
    gunicorn(),
    gunicorn("--threads", "3"),
    Healthy("uwsgi", uwsgi),
    Healthy("python-pool", pool),
    Healthy("python-asyncio", asyncio),
)
