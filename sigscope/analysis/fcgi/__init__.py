"""What a front end makes of a FastCGI worker's answer.

``header`` reads an HTTP header as nginx does, ``decision`` finds the byte at which nginx knows
its status, ``reader`` the reads that get it there or fill the buffer before, ``php`` writes what
PHP would write, ``sweep`` asks for many lengths, ``cause`` says why a request failed.
"""

from sigscope.analysis.fcgi.reader import front_end

__all__ = ["front_end"]
