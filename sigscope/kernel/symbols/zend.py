"""The handlers behind PHP's own: what zend_signal_handler_defer calls when it is safe.

PHP keeps them in zend_signal_globals (Zend/zend_signal.h), which its programs export. Its
layout has not changed from PHP 7.1 to 8.4; the size of the variable confirms it, and what stands
in it must make sense.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

from sigscope.kernel.symbols.elf import Elf
from sigscope.model.sigaction import SIG_DFL, SIG_IGN

VARIABLE = "zend_signal_globals"
_SIGNALS = 65
_HEAD = struct.Struct("=4i??6x")
"""depth, blocked, running, active, check, reset."""
_ENTRY = struct.Struct("=i4xQ")
_QUEUE = 64 * 32 + 3 * 8
_SIZE = _HEAD.size + _SIGNALS * _ENTRY.size + _QUEUE
_DEEPEST = 1000


def read_deferred(
    elf: Elf, memory: int, bias: int, executable: Callable[[int], bool]
) -> dict[int, int]:
    """Signal -> address of the handler behind; {} where the layout cannot be confirmed.

    ``bias`` is what the loader added to the file's addresses.
    """
    variable = elf.variable(".dynsym", VARIABLE)
    if variable is None or variable.size != _SIZE or not elf.wide:
        return {}
    try:
        data = os.pread(memory, _HEAD.size + _SIGNALS * _ENTRY.size, bias + variable.begin)
    except OSError:
        return {}
    if len(data) < _HEAD.size + _SIGNALS * _ENTRY.size:
        return {}
    depth, blocked, running, active, _, _ = _HEAD.unpack_from(data)
    entries = [
        _ENTRY.unpack_from(data, _HEAD.size + number * _ENTRY.size)[1] for number in range(64)
    ]
    sensible = 0 <= depth < _DEEPEST and all(one in (0, 1) for one in (blocked, running, active))
    if not sensible or not all(one in (SIG_DFL, SIG_IGN) or executable(one) for one in entries):
        return {}
    return {number + 1: address for number, address in enumerate(entries)}
