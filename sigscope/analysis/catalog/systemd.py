"""systemd, as manager of the system and of a user: systemd(1), SIGNALS."""

from __future__ import annotations

from sigscope.analysis.catalog.entry import on
from sigscope.model.catalog import Documented, Program, Taken

_MANUAL = "systemd(1), SIGNALS (systemd 252)"
_SOURCE = "src/core/manager.c, manager_dispatch_signal_fd()"
_CRASH = "src/core/crash-handler.c, crash() and freeze_or_exit_or_reboot()"


def _unit(number: int, target: str, does: str) -> Documented:
    return _on(f"RTMIN+{number}" if number else "RTMIN", f"{does}: it starts {target}")


def _on(names: str, does: str, source: str = _MANUAL) -> Documented:
    """It reads all of its signals from a signalfd, but those of a crash."""
    return on(names, does, source, taken=Taken.ANY)


_BOTH = (
    _on("HUP", "reads all unit files anew (daemon-reload)"),
    _on("USR1", "tries to connect to the D-Bus again"),
    _on("USR2", "writes its complete state to its log"),
    _on("RTMIN+20", "begins to show status messages on the console"),
    _on("RTMIN+21", "shows no more status messages on the console"),
    _on("RTMIN+22", "sets its log level to debug"),
    _on("RTMIN+23", "sets its log level back to what is configured"),
    _on("RTMIN+25", "executes itself anew (daemon-reexec); services go on"),
    _on("RTMIN+26", "sets its log target back to what is configured"),
    _on("RTMIN+27", "logs to the console"),
    _on("RTMIN+28", "logs to the kernel's log"),
)

_SYSTEM = (
    _on("TERM", "does not end: it executes itself anew (daemon-reexec); services go on"),
    _on(
        "INT",
        "starts ctrl-alt-del.target, which usually reboots; more than 7 times in 2 s it reboots at"
        " once",
    ),
    _on("WINCH", "starts kbrequest.target"),
    _on("PWR", "starts sigpwr.target"),
    on(
        "QUIT ABRT SEGV BUS FPE ILL",
        "takes it for its own crash: it dumps core, and then freezes, or does what --crash-shell"
        " and --crash-reboot say; in a container it ends",
        _CRASH,
        loses="the control of all services",
    ),
    _unit(0, "default.target", "enters the default mode"),
    _unit(1, "rescue.target", "enters the rescue mode"),
    _unit(2, "emergency.service", "enters the emergency mode"),
    _unit(3, "halt.target", "halts the machine"),
    _unit(4, "poweroff.target", "powers the machine off"),
    _unit(5, "reboot.target", "reboots the machine"),
    _unit(6, "kexec.target", "reboots the machine by kexec"),
    _on(
        "RTMIN+7",
        "restarts user space alone: it starts soft-reboot.target (from systemd 254 on)",
        _SOURCE,
    ),
    _on("RTMIN+13", "halts the machine at once, without stopping services"),
    _on("RTMIN+14", "powers the machine off at once, without stopping services"),
    _on("RTMIN+15", "reboots the machine at once, without stopping services"),
    _on("RTMIN+16", "reboots the machine by kexec at once, without stopping services"),
    _on(
        "RTMIN+17",
        "restarts user space at once, without stopping services (from systemd 254 on)",
        _SOURCE,
    ),
    _on("RTMIN+24", "takes no notice", _SOURCE),
    *_BOTH,
)

_USER = (
    _on("TERM INT", "starts exit.target: it stops the services of this user, and ends"),
    _on("WINCH PWR", "takes no notice", _SOURCE),
    _on("RTMIN+24", "ends at once"),
    *_BOTH,
)

# What a user manager has no entry for, the system manager must not answer.
_NOT_USER = r"^(?!.* --user\b)(.*systemd|/sbin/init)"

PROGRAMS = (
    Program("systemd", "user manager", "systemd", _USER, title=r" --user\b"),
    Program("systemd", "system manager", "systemd|init", _SYSTEM, title=_NOT_USER),
)
