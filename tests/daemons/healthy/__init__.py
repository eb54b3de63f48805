"""Healthy software, each program as one function that sets it up: what may not raise an alarm.

| module | what |
|---|---|
| service.py | what a healthy daemon is, and starting one |
| clients.py | one small request to each kind of server |
| web.py, stores.py, system.py, runtimes.py, commands.py | the daemons |
| looks.py | the real command, several times, at rest and under load |
| judged.py | of each note that they raise: is it worth telling? |

``python -m tests.daemons.healthy [NAME...]`` prints what is said of them.
"""

from __future__ import annotations

from tests.daemons.healthy.commands import COMMANDS
from tests.daemons.healthy.runtimes import RUNTIMES
from tests.daemons.healthy.service import Healthy
from tests.daemons.healthy.stores import STORES
from tests.daemons.healthy.system import SYSTEM
from tests.daemons.healthy.web import WEB

ALL: tuple[Healthy, ...] = (*WEB, *STORES, *SYSTEM, *RUNTIMES, *COMMANDS)
