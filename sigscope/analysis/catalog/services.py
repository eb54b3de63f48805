"""sshd, cron, rsyslogd, dnsmasq, supervisord, dockerd.

Tried: tests/daemons/test_services_signals.py.
"""

from __future__ import annotations

from sigscope.analysis.catalog.entry import on
from sigscope.model.catalog import Program, Taken

_SUPERVISOR = "supervisord(1), Signal Handlers"
_RSYSLOGD = "rsyslogd(8), SIGNALS"
_DNSMASQ = "dnsmasq(8), NOTES"
_DOCKERD = "Docker Engine, dockerd"

_SSHD = (
    on(
        "HUP",
        "executes itself anew, and so reads its configuration; sessions go on",
        "sshd(8), DESCRIPTION",
    ),
    on("TERM QUIT", "ends alone: nobody can log in any more, but sessions go on", "sshd.c"),
    on("KILL", "ends alone: sessions go on", "signal(7)", taken=Taken.ANY),
)

_SSH_SESSION = (
    on(
        "TERM HUP INT KILL",
        "ends this session; other sessions and the listener go on",
        "signal(7)",
        loses="the session",
        taken=Taken.ANY,
    ),
)

_CRON = (
    on("HUP", "closes its log; it reads changed crontabs by itself, every minute", "cron.c"),
    on(
        "TERM INT QUIT KILL",
        "ends alone: jobs that it has started go on",
        "signal(7)",
        taken=Taken.DEFAULT,
    ),
)

_SYSLOG = (
    on(
        "HUP",
        "closes all open files, and so opens its logs anew; it reads no configuration",
        _RSYSLOGD,
    ),
    on("TERM", "ends in order", _RSYSLOGD),
    on(
        "INT QUIT USR1",
        "takes no notice, unless it runs in debug mode (-d)",
        "tools/rsyslogd.c; rsyslogd(8) says that INT and QUIT end it",
        taken=Taken.IGNORED,
    ),
)

_DNS = (
    on(
        "HUP",
        "clears its cache, and reads /etc/hosts and the files of its hosts anew, but not its"
        " configuration",
        _DNSMASQ,
        loses="the cache",
    ),
    on("USR1", "writes statistics to its log", _DNSMASQ),
    on("USR2", "reopens its log file, if it logs to a file", _DNSMASQ),
    on("TERM", "ends", "src/dnsmasq.c"),
    on(
        "INT",
        "does not end (unless it runs with --no-daemon): it begins to check times in DNSSEC, if it"
        " was started with --dnssec-no-timecheck",
        "dnsmasq(8), --dnssec-no-timecheck",
    ),
)

_SUPERVISORD = (
    on(
        "TERM INT QUIT",
        "stops all its programs, each with its own stopsignal and up to stopwaitsecs, and ends",
        _SUPERVISOR,
        loses="all its programs",
    ),
    on(
        "HUP",
        "stops all its programs, reads its configuration, and starts them all again",
        _SUPERVISOR,
        loses="what its programs are doing",
    ),
    on("USR2", "reopens its own log and those of its programs", _SUPERVISOR),
    on("KILL", "ends alone: its programs live on as orphans", "signal(7)", taken=Taken.ANY),
)

_DOCKER = (
    on(
        "TERM INT",
        "shuts down, and stops all containers first, unless live-restore is on",
        f"{_DOCKERD}, live-restore",
        loses="all containers, without live-restore",
    ),
    on("HUP", "reads its configuration file anew; containers go on", f"{_DOCKERD}, --config-file"),
    on(
        "USR1",
        "writes the stacks of all goroutines to a file, and names it in its log",
        "Docker Engine, Read the daemon logs, Force a stack trace to be logged",
    ),
)

_JOB_TITLES = r"^sshd: .*(@| \[(priv|net|accepted|preauth)\])"

PROGRAMS = (
    Program("sshd", "session", r"sshd|sshd-session|sshd-auth", _SSH_SESSION, title=_JOB_TITLES),
    Program("sshd", "listener", "sshd", _SSHD),
    Program("cron", "", r"crond?", _CRON, below=False),
    Program("rsyslogd", "", "rsyslogd|rs:main.*", _SYSLOG),
    Program("dnsmasq", "", "dnsmasq", _DNS),
    Program("supervisord", "", "supervisord", _SUPERVISORD),
    Program("dockerd", "", "dockerd", _DOCKER),
)
