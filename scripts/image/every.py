"""every.py SECONDS ARGUMENT...: sigscope ARGUMENT..., again and again until SIGTERM.

What a DaemonSet runs. As PID 1 of a container it would ignore SIGTERM without a handler.
"""

import signal
import subprocess
import sys
import time


def leave(*_: object) -> None:
    """Whatever runs ends with the container."""
    sys.exit(0)


signal.signal(signal.SIGTERM, leave)
while True:
    subprocess.run([sys.executable, "-m", "sigscope", *sys.argv[2:]], check=False)
    time.sleep(float(sys.argv[1]))
