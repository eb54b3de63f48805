"""sshd, cron, rsyslogd, dnsmasq, supervisord, dockerd, containerd-shim.

Tried: tests/daemons/test_services_signals.py.
"""

from __future__ import annotations

from sigscope.analysis.catalog.entry import on
from sigscope.model.catalog import Program, Taken

_SUPERVISOR = "supervisord(1), Signal Handlers"
_RSYSLOGD = "rsyslogd(8), SIGNALS"
_DNSMASQ = "dnsmasq(8), NOTES"
_DOCKER_ENDS = (
    "moby, Trap() of cmd/dockerd/trap/trap.go, ShutdownTimeout() and Shutdown() of daemon/daemon.go"
)
_DOCKER_RELOAD = "moby, setupConfigReloadTrap() and reloadConfig() of cmd/dockerd"
_DOCKER_STACKS = "moby, setupDumpStackTrap() of daemon/debugtrap_unix.go"
_DOCKER_RESTORE = "moby, restore() of daemon/daemon.go"
_SHIM_SOURCE = "containerd, runtime/v2/shim/shim.go and shim_unix.go"
_SHIM_GUIDE = "containerd, runtime/v2/README.md, on the command delete of a shim"

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
        "shuts down, and stops all containers first, unless live-restore is on; it waits for them"
        " up to the longest of their stop timeouts and 5 s, at least shutdown-timeout; after three"
        " of these signals the next ends it at once",
        _DOCKER_ENDS,
        loses="all containers, without live-restore",
    ),
    on(
        "HUP",
        "reads its configuration file anew, and takes over those options that may change while it"
        " runs; containers go on (it ends if an authorization plugin is not valid)",
        _DOCKER_RELOAD,
    ),
    on(
        "USR1",
        "writes the stacks of all goroutines to a file in its exec-root, and that file's name to"
        " its log",
        _DOCKER_STACKS,
    ),
    on(
        "KILL",
        "ends alone: containers go on, until it starts again and stops them, unless live-restore"
        " is on",
        _DOCKER_RESTORE,
        loses="all containers at its next start, without live-restore",
        taken=Taken.ANY,
    ),
)

_SHIM = (
    on(
        "TERM INT",
        "ends (old versions take no notice); containerd then removes its containers",
        f"{_SHIM_SOURCE}; {_SHIM_GUIDE}",
        loses="its containers",
    ),
    on("USR1", "writes the stacks of all goroutines to the log of containerd", _SHIM_SOURCE),
    on(
        "KILL",
        "ends; containerd sees that it is gone, and removes its containers",
        _SHIM_GUIDE,
        loses="its containers",
        taken=Taken.ANY,
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
    Program("containerd-shim", "", "containerd-shim.*", _SHIM),
)
