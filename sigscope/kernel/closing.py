"""What is closed at the end of a ``with``, however that ends."""

from __future__ import annotations

from typing import TypeVar

C = TypeVar("C", bound="Closing")


class Closing:
    """Whoever holds something of the kernel's says in ``close`` how it is given back.

    >>> class Held(Closing):
    ...     def close(self) -> None:
    ...         print("given back")
    >>> with Held():
    ...     pass
    given back
    """

    def close(self) -> None:
        """Nothing, unless a class says otherwise."""

    def __enter__(self: C) -> C:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
