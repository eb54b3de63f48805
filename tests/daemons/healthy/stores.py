"""Databases, caches and brokers."""

from __future__ import annotations

import glob
import subprocess

import pytest

from tests.daemons.healthy.clients import resolve, talk, up
from tests.daemons.healthy.service import Healthy, Place, Service, unprivileged
from tests.harness.build import required

MOSQUITTO = "listener %P 127.0.0.1\nallow_anonymous true\n"
MQTT_CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04well"
MQTT_CONNACK = b"\x20\x02\x00\x00"
UNBOUND = """\
server:
    interface: 127.0.0.1@%P
    do-daemonize: no
    chroot: ""
    username: ""
    directory: "%D"
    pidfile: ""
    use-syslog: no
    num-threads: 2
    local-zone: "example.test" static
    local-data: "example.test A 127.0.0.1"
remote-control:
    control-enable: no
"""


def redis(place: Place) -> Service:
    program = required("redis-server", "redis-server")
    command = [program, "--bind", "127.0.0.1", "--port", str(place.port)]
    command += ["--dir", str(place.directory), "--save", "", "--appendonly", "yes"]
    request = talk(place.port, b"INCR well\r\n", b":")
    return Service(unprivileged(*command), up(request), request)


def memcached(place: Place) -> Service:
    program = required("memcached", "memcached")
    command = unprivileged(program, "-l", "127.0.0.1", "-p", str(place.port), "-m", "8")
    request = talk(place.port, b"set a 0 0 4\r\nwell\r\nget a\r\n", b"END\r\n")
    return Service(command, up(request), request)


def postgresql(place: Place) -> Service:
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    if not found:
        pytest.skip("postgres is not installed: apt-get install postgresql")
    data = f"{place.folder('data')}/main"
    initdb = [found[-1].removesuffix("postgres") + "initdb", "--no-sync"]
    initdb += ["-U", "postgres", "-A", "trust", "--no-instructions", "-D", data]
    made = subprocess.run(
        unprivileged(*initdb), capture_output=True, text=True, cwd=place.directory, timeout=60
    )
    assert made.returncode == 0, made.stderr
    command = [found[-1], "-D", data, "-F", "-h", "127.0.0.1", "-p", str(place.port)]
    command += ["-k", str(place.directory)]
    words = b"user\0postgres\0database\0postgres\0\0"
    hello = (len(words) + 8).to_bytes(4, "big") + b"\0\3\0\0" + words
    query = b"select pg_sleep(0.05), 'well'\0"
    ask = hello + b"Q" + (len(query) + 4).to_bytes(4, "big") + query
    request = talk(place.port, ask, b"SELECT 1")
    return Service(unprivileged(*command), up(request), request)


def mariadb(place: Place) -> Service:
    program = required("mariadbd", "mariadb-server-core")
    data = place.folder("data")
    place.folder("data/mysql")
    command = [program, "--no-defaults", f"--datadir={data}", "--skip-grant-tables"]
    command += ["--bind-address=127.0.0.1", f"--port={place.port}", "--skip-slave-start"]
    command += [f"--socket={place.path('socket')}", f"--pid-file={place.path('pid')}"]
    command += ["--innodb-log-file-size=4M", "--innodb-data-file-path=ibdata1:4M:autoextend"]
    command += ["--innodb-fast-shutdown=2", "--innodb-flush-method=nosync"]
    request = talk(place.port, b"", b"mysql_native_password")
    return Service(unprivileged(*command), up(request), request)


def mosquitto(place: Place) -> Service:
    program = required("mosquitto", "mosquitto")
    configuration = place.file("mosquitto.conf", MOSQUITTO)
    request = talk(place.port, MQTT_CONNECT, MQTT_CONNACK)
    return Service(unprivileged(program, "-c", configuration), up(request), request)


def dnsmasq(place: Place) -> Service:
    program = required("dnsmasq", "dnsmasq-base")
    command = [program, "--keep-in-foreground", f"--port={place.port}", "--conf-file=/dev/null"]
    command += ["--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts"]
    command += ["--address=/example.test/127.0.0.1", "--pid-file=", "--user=nobody"]
    request = resolve(place.port, "example.test")
    return Service(unprivileged(*command), up(request), request)


def unbound(place: Place) -> Service:
    program = required("unbound", "unbound")
    configuration = place.file("unbound.conf", UNBOUND)
    request = resolve(place.port, "example.test")
    return Service(unprivileged(program, "-d", "-c", configuration), up(request), request)


STORES = (
    Healthy("redis", redis),
    Healthy("memcached", memcached),
    Healthy("postgresql", postgresql),
    Healthy("mariadb", mariadb),
    Healthy("mosquitto", mosquitto),
    Healthy("dnsmasq", dnsmasq),
    Healthy("unbound", unbound),
)
