"""C++ names (and Rust's older ones, which look the same) as one reads them."""

from __future__ import annotations

import re

_PREFIX = "_Z"
_ANONYMOUS = "_GLOBAL__N_1"
_HASH = re.compile(r"::h[0-9a-f]{16}$")
"""With it rustc tells apart what is compiled several times."""
_LONGEST = 1024
_MOST_REFERENCES = 24
"""S_ and T_ stand for something earlier: by nesting them, a short name can mean megabytes."""


def demangled(symbol: str) -> str:
    """The name in the source; the symbol itself if it is not mangled, or cannot be read.

    >>> demangled("_ZN7service6Worker4stopEi"), demangled("ngx_signal_handler")
    ('service::Worker::stop(int)', 'ngx_signal_handler')
    >>> demangled("_ZN5tokio6signal17h0123456789abcdefE"), demangled("_ZN12_GLOBAL__N_14stopEi")
    ('tokio::signal', '(anonymous namespace)::stop(int)')
    """
    if symbol.endswith(".abi0"):  # Go's assembly functions; its tracebacks do not show this
        return symbol.removesuffix(".abi0")
    if not symbol.startswith(_PREFIX) or len(symbol) > _LONGEST:
        return symbol
    if symbol.count("S") + symbol.count("T") > _MOST_REFERENCES:
        return symbol
    try:
        import itanium_demangler
    except ImportError:  # sigscope run from a bare copy of its files
        return symbol
    try:
        text = str(itanium_demangler.parse(symbol) or symbol)
    except Exception:  # a lambda, which it does not know; a hostile name, for which it is not made
        return symbol
    return _HASH.sub("", text.replace(_ANONYMOUS, "(anonymous namespace)"))
