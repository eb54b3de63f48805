"""An ordinary Python program that waits: the interpreter ignores PIPE and XFSZ by itself."""

from __future__ import annotations

import json
import os
import signal
import sys


def main() -> None:
    truth = {"pid": os.getpid(), "tids": {"main": os.getpid()}, "python": sys.version_info[:2]}
    with os.fdopen(int(os.environ["READY_FD"]), "w") as ready:
        ready.write(json.dumps({**truth, "in": {"main": "pause"}}) + "\n")
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
