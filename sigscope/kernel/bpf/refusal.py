"""Why the kernel's own structures may not be read here, and what would change that."""

from __future__ import annotations

import errno

from sigscope.errors import SigscopeError
from sigscope.kernel.access import bpf
from sigscope.kernel.bpf.syscall import VerifierError
from sigscope.kernel.place import here


def explain(error: OSError | SigscopeError) -> tuple[str, str]:
    """What is missing, and what helps, if anything does: for a Gap or an error."""
    if isinstance(error, SigscopeError):
        return error.message, error.hint
    if isinstance(error, VerifierError):
        return f"the kernel does not take the program: {error.log}", "report this kernel"
    if error.errno in (errno.EPERM, errno.EACCES):
        return _refused()
    if error.errno == errno.ENOSYS:
        return "this kernel has no bpf(2), or its number on this machine is not known", ""
    if error.errno == errno.ENOENT:
        return f"this kernel shows no BTF: {error.filename}", "it needs CONFIG_DEBUG_INFO_BTF"
    return f"bpf(2): {error.strerror or error}", ""


def _refused() -> tuple[str, str]:
    """EPERM: which of the reasons is it?"""
    said = bpf(here())
    if said is not None:
        return said.why, said.hint
    return (
        "bpf(2) is refused in spite of the capabilities: by a security module, or a sandbox",
        "run it on the host itself",
    )
