"""Where in a process's code an address lies: the file, and the function if a table names it."""

from __future__ import annotations

from typing import NamedTuple

ANONYMOUS = "JIT or generated code in anonymous memory"
STRIPPED = "stripped: no table of symbols has it"
STRIPPED_GO = "a Go program, stripped"


class Clues(NamedTuple):
    """What the code of a function refers to: by this a program's author knows it again.

    ``calls`` are exported and imported functions that it calls, or that are called one level
    below; ``uses`` exported variables; ``text`` the texts that it refers to and ``data`` other
    constants, 32 bytes in hex each. ``rows`` are the three words before each pointer to it
    in the program's static data: a number, or the text that the word points to.
    """

    calls: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    text: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    rows: tuple[tuple[int | str, ...], ...] = ()


class Location(NamedTuple):
    """``address`` is the process's own, ``offset`` the same as the file's symbols count it.

    ``symbol`` is the function's name in the table ``table`` (symtab, dynsym, a debug file),
    ``function`` the same as one reads it (demangled), ``into`` how far behind its beginning the
    address lies, ``also`` are other names of the same place. Without a name, ``why`` says
    why there is none, and ``clues`` what the code shows of itself.

    >>> place = Location(0x55d0004f8b4, "/usr/sbin/nginx", 0x4f8b4, why=STRIPPED)
    >>> place.text
    '/usr/sbin/nginx+0x4f8b4'
    >>> place._replace(symbol="ngx_signal_handler", function="ngx_signal_handler", into=4).text
    'ngx_signal_handler+0x4'
    """

    address: int
    module: str = ""
    offset: int | None = None
    symbol: str = ""
    function: str = ""
    into: int = 0
    table: str = ""
    also: tuple[str, ...] = ()
    why: str = ""
    clues: Clues | None = None

    @property
    def module_name(self) -> str:
        """The last part of the module's path."""
        return self.module.rpartition("/")[2]

    @property
    def text(self) -> str:
        """The function, or the module and the address as that counts it, or the address."""
        if self.function:
            return f"{self.function}+{self.into:#x}" if self.into else self.function
        if self.module and self.offset is not None:
            return f"{self.module}+{self.offset:#x}"
        return f"{self.address:#x}, in {self.module}" if self.module else f"{self.address:#x}"
