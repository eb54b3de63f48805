"""sigscope in one file: python3 sigscope.pyz --help. This part is read by any Python there is."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  for whoever tries an older one
    sys.stderr.write(
        "sigscope: needs Python 3.10 or newer, and this is %d.%d\n"  # noqa: UP031
        "  ls /usr/bin/python3.* /usr/local/bin/python3.*\n" % sys.version_info[:2]
    )
    sys.exit(5)

import sigscope_boot

sigscope_boot.begin(sys.path[0])
