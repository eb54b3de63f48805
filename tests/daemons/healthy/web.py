"""Web servers, proxies and what runs behind them."""

from __future__ import annotations

from tests.daemons.healthy.clients import fastcgi, get, up
from tests.daemons.healthy.service import Healthy, Place, Service, root, unprivileged
from tests.harness.build import required
from tests.harness.webservers import apache_modules, nginx_temporary

NGINX = f"""\
daemon off; pid %D/pid; error_log stderr; worker_processes 2; user nobody nogroup;
events {{}}
http {{
    access_log off;
    {nginx_temporary("%D")}
    server {{ listen 127.0.0.1:%P; location / {{ return 200 well; }} }}
}}
"""
APACHE = """\
ServerName localhost
Listen 127.0.0.1:%P
PidFile %D/pid
Mutex posixsem
ErrorLog /dev/stderr
DocumentRoot %D
User nobody
Group nogroup
{modules}
StartServers 2
"""
LIGHTTPD = """\
server.bind = "127.0.0.1"
server.port = %P
server.document-root = "%D"
server.max-worker = 2
"""
HAPROXY = """\
global
    nbthread 2
defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s
frontend all
    bind 127.0.0.1:%P
    http-request return status 200
"""
PHP = """\
[global]
error_log = /dev/stderr
daemonize = no
[www]
user = nobody
group = nogroup
listen = 127.0.0.1:%P
pm = static
pm.max_children = 2
"""
VARNISH = """\
vcl 4.1;
backend none none;
sub vcl_recv { return (synth(200)); }
"""


def nginx(place: Place) -> Service:
    program = required("nginx", "nginx-light")
    command = [program, "-e", "stderr", "-p", str(place.directory)]
    request = get(place.port)
    return Service([*command, "-c", place.file("nginx.conf", NGINX)], up(request), request)


def apache(mpm: str) -> Healthy:
    def describe(place: Place) -> Service:
        program = required("apache2", "apache2-bin")
        root()
        modules = apache_modules(f"mpm_{mpm}", "authz_core")
        configuration = place.file("apache.conf", APACHE.format(modules=modules))
        request = get(place.port)
        return Service([program, "-D", "FOREGROUND", "-f", configuration], up(request), request)

    return Healthy(f"apache2-{mpm}", describe)


def lighttpd(place: Place) -> Service:
    program = required("lighttpd", "lighttpd")
    configuration = place.file("lighttpd.conf", LIGHTTPD)
    request = get(place.port)
    return Service(unprivileged(program, "-D", "-f", configuration), up(request), request)


def haproxy(place: Place) -> Service:
    program = required("haproxy", "haproxy")
    configuration = place.file("haproxy.cfg", HAPROXY)
    request = get(place.port)
    return Service(unprivileged(program, "-W", "-db", "-f", configuration), up(request), request)


def varnish(place: Place) -> Service:
    program = required("varnishd", "varnish")
    required("gcc", "gcc")
    vcl = place.file("default.vcl", VARNISH)
    command = [program, "-F", "-f", vcl, "-n", place.folder("work"), "-s", "malloc,8m"]
    command += ["-j", "none", "-a", f"127.0.0.1:{place.port}"]
    request = get(place.port)
    return Service(unprivileged(*command), up(request), request)


def php_fpm(place: Place) -> Service:
    program = required("php-fpm8.2", "php8.2-fpm")
    root()
    script = place.file("index.php", "<?php usleep(50000); echo 'well';")
    configuration = place.file("fpm.conf", PHP)
    request = fastcgi(place.port, script)
    return Service([program, "-F", "-n", "-y", configuration], up(request), request)


WEB = (
    Healthy("nginx", nginx),
    apache("event"),
    apache("prefork"),
    Healthy("lighttpd", lighttpd),
    Healthy("haproxy", haproxy),
    Healthy("varnish", varnish),
    Healthy("php-fpm", php_fpm),
)
