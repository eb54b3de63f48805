"""Apache's parent: stop, restart, and their graceful forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemons.serving_signals import (
    Behind,
    Server,
    Trial,
    changed,
    deaf,
    ended,
    orphaned,
    renewed,
    tried,
)
from tests.harness.build import required
from tests.harness.webservers import apache_modules


def _command(directory: Path, port: int, behind: Behind) -> list[str]:
    program = required("apache2", "apache2-bin")
    loads = apache_modules("mpm_event", "authz_core", "proxy", "proxy_http")
    (directory / "apache.conf").write_text(
        f"ServerRoot {directory}\nPidFile {directory}/pid\nServerName localhost\n"
        f"ErrorLog {directory}/log\n{loads}\nListen 127.0.0.1:{port}\nUser www-data\n"
        f"Group www-data\nStartServers 1\nProxyPass / http://127.0.0.1:{behind.port}/\n"
    )
    return [program, "-f", str(directory / "apache.conf"), "-DFOREGROUND"]


TRIALS = (
    Trial("TERM", True, ended),
    Trial("INT", True, ended),
    Trial("HUP", True, renewed),
    Trial("USR1", False, renewed, sign=changed),
    Trial("WINCH", False, ended, sign=deaf),
    Trial("QUIT", False, orphaned, sign=orphaned),
    Trial("KILL", False, orphaned, sign=orphaned),
)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.label)
def test_only_what_is_called_graceful_spares_the_request(trial: Trial) -> None:
    (said,) = tried(Server(_command), trial)
    assert bool(said.loses) == trial.lost
