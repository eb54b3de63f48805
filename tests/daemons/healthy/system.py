"""What keeps a host going: cron, sshd, the bus, the log, mail, supervisors."""

from __future__ import annotations

import os
import subprocess

from tests.daemons.healthy.clients import datagram, talk, up
from tests.daemons.healthy.service import (
    Healthy,
    Place,
    Service,
    below,
    root,
    secluded,
    unprivileged,
)
from tests.harness.build import required

SSHD = """\
Port %P
ListenAddress 127.0.0.1
HostKey %D/host
AuthorizedKeysFile %D/user.pub
StrictModes no
UsePAM no
PidFile none
"""
DBUS = """\
<busconfig>
  <type>session</type>
  <listen>unix:path=%D/bus</listen>
  <policy context="default"><allow send_destination="*"/><allow own="*"/></policy>
</busconfig>
"""
RSYSLOG = """\
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="%D/log")
*.* action(type="omfile" file="%D/messages")
"""
EXIM = """\
primary_hostname = localhost
daemon_smtp_ports = %P
local_interfaces = 127.0.0.1
spool_directory = %D/spool
log_file_path = %D/spool/%slog
pid_file_path = %D/pid
tls_advertise_hosts =
keep_environment =
"""
SUPERVISOR = """\
[supervisord]
nodaemon = true
logfile = /dev/null
logfile_maxbytes = 0
pidfile = %D/pid
[program:one]
command = sleep 600
[program:two]
command = sh -c "sleep 600; true"
"""


def cron(place: Place) -> Service:
    program = required("cron", "cron")
    job = place.file("crontab", "@reboot root sleep 600\n@reboot nobody cd /; sleep 600; true\n")
    place.folder("none")
    bind = f"mount --bind {job} /etc/crontab"
    for directory in ("/etc/cron.d", "/var/spool/cron"):
        bind += f"; mount --bind {place.path('none')} {directory}"
    place.folder("none/crontabs")
    return Service(secluded(bind, program, "-f"), below(sleep=2))


def sshd(place: Place) -> Service:
    program = required("sshd", "openssh-server")
    client = required("ssh", "openssh-client")
    for key in ("host", "user"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place.path(key)]
        subprocess.run(keygen, check=True, timeout=20)
    command = [program, "-D", "-e", "-f", place.file("sshd_config", SSHD)]
    login = [client, "-F", "none", "-i", place.path("user"), "-p", str(place.port)]
    login += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    login += ["-o", "BatchMode=yes", "root@127.0.0.1"]

    def request() -> bool:
        ran = subprocess.run([*login, "sleep 0.2"], capture_output=True, timeout=20)
        return ran.returncode == 0

    return Service(secluded("mkdir /run/sshd", *command), up(request), request)


def dbus(place: Place) -> Service:
    program = required("dbus-daemon", "dbus-daemon")
    configuration = place.file("bus.conf", DBUS)
    command = [program, f"--config-file={configuration}", "--nofork", "--nopidfile"]
    user = str(os.geteuid()).encode().hex().encode()
    request = talk(place.path("bus"), b"\0AUTH EXTERNAL " + user + b"\r\n", b"OK ")
    return Service(command, up(request), request)


def rsyslogd(place: Place) -> Service:
    program = required("rsyslogd", "rsyslog")
    configuration = place.file("rsyslog.conf", RSYSLOG)
    command = [program, "-n", "-f", configuration, "-i", place.path("pid")]
    request = datagram(place.path("log"), b"<14>test: well")

    def ready(keeper: int) -> bool:
        return up(request)(keeper) and os.path.exists(place.path("messages"))

    return Service(unprivileged(*command), ready, request)


def exim(place: Place) -> Service:
    program = required("exim4", "exim4-daemon-light")
    root()
    place.folder("spool")
    configuration = place.file("exim.conf", EXIM)
    request = talk(place.port, b"", b"220 ")
    return Service([program, "-bdf", "-C", configuration], up(request), request)


def supervisord(place: Place) -> Service:
    program = required("supervisord", "supervisor")
    configuration = place.file("supervisord.conf", SUPERVISOR)
    return Service([program, "-n", "-c", configuration], below(supervisord=1, sleep=2))


def runit(place: Place) -> Service:
    program = required("runsvdir", "runit")
    place.file("services/web/run", "#!/bin/sh\nexec 2>&1\nexec sleep 600\n", 0o755)
    place.folder("log")
    place.file("services/web/log/run", "#!/bin/sh\nexec svlogd -t %D/log\n", 0o755)
    return Service([program, place.path("services")], below(runsv=1, sleep=1, svlogd=1))


def s6(place: Place) -> Service:
    program = required("s6-svscan", "s6")
    place.file("services/web/run", "#!/bin/sh\nexec sleep 600\n", 0o755)
    return Service([program, place.path("services")], below(s6_svscan=1, s6_supervise=1, sleep=1))


SYSTEM = (
    Healthy("cron", cron),
    Healthy("sshd", sshd),
    Healthy("dbus-daemon", dbus),
    Healthy("rsyslogd", rsyslogd),
    Healthy("exim4", exim),
    Healthy("supervisord", supervisord),
    Healthy("runit", runit),
    Healthy("s6", s6),
)
