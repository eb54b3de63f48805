"""``python -m sigscope``, and what the installed ``sigscope`` runs."""

from __future__ import annotations

import gc
import sys

TYPE_CHECKING = False
"""As typing has it, which would be loaded for this alone."""
if TYPE_CHECKING:
    from typing import NoReturn

INTERRUPTED = 130
MOST_GARBAGE = 50_000
"""Objects before the collector looks. What a command loads and reads is no garbage: to look
through it again and again, and once more at the end, was a tenth of a short answer's time."""

BARE = ["run", "--"]
"""The usual call of ``sigscope run``: no option has to be understood."""


def run() -> NoReturn:
    """One command, from the loading of it to its exit status."""
    gc.set_threshold(MOST_GARBAGE)
    try:
        if sys.argv[1:3] == BARE and len(sys.argv) > len(BARE) + 1:
            from sigscope.cli.bare_run import become

            status = become(sys.argv[3:])
        else:
            from sigscope.cli.main import main

            status = main()
    except KeyboardInterrupt:  # while it was loaded: nobody is there yet who could say more
        status = INTERRUPTED
    gc.freeze()
    sys.exit(status)


if __name__ == "__main__":
    run()
