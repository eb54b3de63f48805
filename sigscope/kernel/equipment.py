"""What is installed here: kernel configuration, Python, packages. For a person to read."""

from __future__ import annotations

import gzip
import io
import os
import platform
import zlib
from importlib import metadata

from sigscope.decode.surroundings import decode_kernel_options
from sigscope.model.gap import Gap
from sigscope.model.place import Equipment

PACKAGES = tuple("click psutil python-ptrace tabulate pyelftools itanium-demangler dpkt".split())
"""setup.cfg asks for them."""
OPTIONS = frozenset(
    "BPF_SYSCALL DEBUG_INFO_BTF PROC_CHILDREN CHECKPOINT_RESTORE SCHED_DEBUG SECCOMP_FILTER"
    " SECURITY_YAMA SECURITY_LOCKDOWN_LSM FTRACE_SYSCALLS USER_NS HAVE_ARCH_TRACEHOOK".split()
)
"""What is shown depends on these."""
_LARGEST = 1 << 21


def read_equipment(root: str = "") -> Equipment:
    """Never fails; what could not be read is a gap."""
    machine = os.uname()
    gaps: list[Gap] = []
    found, source = _kernel(root, machine.release)
    if source is None:
        what = "kernel configuration"
        gaps.append(Gap(what, "neither /proc/config.gz nor /boot/config-RELEASE is readable"))
    return Equipment(
        machine=machine.machine,
        release=machine.release,
        python=platform.python_version(),
        packages=tuple((name, _version(name)) for name in PACKAGES),
        kernel=found,
        kernel_from=source,
        gaps=tuple(gaps),
    )


def _kernel(root: str, release: str) -> tuple[tuple[tuple[str, str], ...], str | None]:
    for name in ("proc/config.gz", f"boot/config-{release}"):
        try:
            with open(f"{root}/{name}", "rb") as file:
                data = file.read(_LARGEST)
            if name.endswith(".gz"):
                with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                    data = packed.read(_LARGEST)
        except (OSError, EOFError, zlib.error):
            continue
        return decode_kernel_options(data, OPTIONS), f"/{name}"
    return (), None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
