"""C++ and Rust names as one reads them, if the package that knows how is there."""

from __future__ import annotations

_PREFIXES = ("_Z", "_R", "__Z")
_LONGEST = 8192


def demangled(symbol: str) -> str:
    """The name in the source; the symbol itself if it is not mangled, or cannot be read.

    >>> demangled("ngx_signal_handler")
    'ngx_signal_handler'
    """
    if symbol.endswith(".abi0"):  # Go's assembly functions; its tracebacks do not show this
        return symbol.removesuffix(".abi0")
    if not symbol.startswith(_PREFIXES) or len(symbol) > _LONGEST:
        return symbol
    try:
        import demangle
    except ImportError:  # it needs Python 3.11
        return symbol
    try:
        return str(demangle.demangle(symbol)) or symbol
    except (demangle.DemanglingError, RecursionError, ValueError):
        return symbol
