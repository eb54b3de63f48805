"""Real processes for tests: started on purpose, awaited, checked against /proc, cleared away.

| module | what |
|---|---|
| `build` | compiles `tests/targets/NAME.c`, once per session |
| `targets` | `start(NAME, ...)`: one process in one known situation |
| `proc` | the oracle: what /proc itself says, and `eventually` |
| `daemons` | `Daemon`: a real service of which nothing is left afterwards |
| `uwsgi` | the service whose children never get SIGALRM |
| `laundry` | with which mask and dispositions does a program start its children? |
"""

from tests.harness.build import build, required
from tests.harness.daemons import Daemon
from tests.harness.proc import Masks, eventually, masks, status, tids, wait_syscall
from tests.harness.targets import Target, start

__all__ = [
    "Daemon",
    "Masks",
    "Target",
    "build",
    "eventually",
    "masks",
    "required",
    "start",
    "status",
    "tids",
    "wait_syscall",
]
