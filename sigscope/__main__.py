"""``python -m sigscope``."""

from __future__ import annotations

import sys

from sigscope.cli import main

if __name__ == "__main__":
    sys.exit(main())
