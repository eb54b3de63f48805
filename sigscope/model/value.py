"""``dataclass`` for the values of this house: frozen, with slots, and cheap to define.

The one of the standard library writes and compiles six methods for each class. That takes half
a millisecond, and forty classes made a third of what ``sigscope pid`` needs to start. Here
``__init__`` is compiled, and the other methods are one and the same for all classes. In all
else these are dataclasses: ``fields``, ``replace``, ``asdict`` and ``match`` know them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")


def _as_value(cls: type[T]) -> type[T]:
    """The class with its slots, and the methods of a frozen dataclass, unless it has its own."""
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    methods = {
        "__init__": _initializer(made),
        "__repr__": _repr,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
        "__reduce__": _reduce,
        **_comparisons(made),
    }
    for name, method in methods.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made  # type: ignore[no-any-return]


def _initializer(cls: Any) -> Any:
    """The only method that knows names and defaults: each slot is set by its own descriptor."""
    scope: dict[str, object] = {"unset": dataclasses.MISSING}
    parameters, body = ["self"], []
    for field in dataclasses.fields(cls):
        name, value = field.name, field.name
        scope[f"set_{name}"] = cls.__dict__[name].__set__
        if field.default is not dataclasses.MISSING:
            scope[f"default_{name}"] = field.default
            parameters.append(f"{name}=default_{name}")
        elif field.default_factory is not dataclasses.MISSING:
            scope[f"make_{name}"] = field.default_factory
            parameters.append(f"{name}=unset")
            value = f"make_{name}() if {name} is unset else {name}"
        else:
            parameters.append(name)
        body.append(f"    set_{name}(self, {value})")
    source = "\n".join((f"def __init__({', '.join(parameters)}):", *body))
    exec(source, scope)  # noqa: S102  (its text is made of the names of our own fields)
    return scope["__init__"]


def _comparisons(cls: Any) -> dict[str, Callable[..., object]]:
    """Equal are values of one class whose fields are equal."""
    fields = attrgetter(*cls.__match_args__)

    def equal(self: Any, other: Any) -> bool:
        return fields(self) == fields(other) if other.__class__ is cls else NotImplemented

    def hashed(self: Any) -> int:
        return hash(fields(self))

    # A class that says what is equal also says what is a key, or that nothing is.
    return {} if "__eq__" in cls.__dict__ else {"__eq__": equal, "__hash__": hashed}


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{type(self).__qualname__}({shown})"


def _refuse(_: Any, name: str, *__: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot change the field {name!r}")


def _reduce(self: Any) -> tuple[object, ...]:
    """How a copy is made, and a pickle: by setting no field of what is there already."""
    return type(self), tuple(getattr(self, name) for name in self.__match_args__)


if TYPE_CHECKING:  # a checker sees the real one, and knows all about it
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, slots: bool) -> Callable[[type[T]], type[T]]:
        """``@dataclass(frozen=True, slots=True)`` as in the standard library, and nothing else.

        >>> @dataclass(frozen=True, slots=True)
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> Point(1), Point(1) == Point(1, 0), dataclasses.replace(Point(1), y=2)
        (Point(x=1, y=0), True, Point(x=1, y=2))
        """
        if not (frozen and slots):
            raise TypeError("values are frozen, and have slots; others: dataclasses.dataclass")
        return _as_value
