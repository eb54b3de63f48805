"""Values are dataclasses: what the standard library's do, these do, too."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import Any

import pytest

from sigscope.model.signals import SignalSet
from sigscope.model.value import dataclass as value


class Plain:
    """A body that both kinds of dataclass are made of."""

    pid: int
    comm: str = "sh"
    tids: list[int] = dataclasses.field(default_factory=list)


@value(frozen=True, slots=True)
class Pair:
    """At the top of a module, where pickle finds it."""

    left: int
    right: int = 2


@value(frozen=True, slots=True)
class Other:
    """The same fields, and another thing."""

    left: int
    right: int = 2


def both(**members: object) -> tuple[Any, Any]:
    """One class body made by us, and by the standard library."""

    def made(decorator: Any) -> Any:
        namespace = {name: what for name, what in vars(Plain).items() if name[0] != "_"}
        namespace["__annotations__"] = dict(Plain.__annotations__)
        return decorator(frozen=True, slots=True)(type("Plain", (), {**namespace, **members}))

    return made(value), made(dataclasses.dataclass)


ARGUMENTS = [
    ((1,), {}),
    ((1, "bash"), {}),
    ((1, "bash", [7]), {}),
    ((), {"pid": 1, "tids": [7]}),
    ((1,), {"comm": "a\nb"}),
]


@pytest.mark.parametrize(("words", "named"), ARGUMENTS)
def test_a_value_says_what_a_dataclass_says(words: Any, named: Any) -> None:
    ours, theirs = both()
    made, expected = ours(*words, **named), theirs(*words, **named)
    assert repr(made) == repr(expected)
    assert dataclasses.asdict(made) == dataclasses.asdict(expected)
    assert dataclasses.asdict(dataclasses.replace(made, pid=9)) == {
        **dataclasses.asdict(expected),
        "pid": 9,
    }
    assert made == ours(*words, **named)
    assert made != dataclasses.replace(made, pid=9)


def test_names_order_and_defaults_are_those_of_a_dataclass() -> None:
    ours, theirs = both()
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    assert ours.__match_args__ == theirs.__match_args__
    assert ours.__slots__ == theirs.__slots__
    assert [field.name for field in dataclasses.fields(ours)] == ["pid", "comm", "tids"]
    assert ours(1).tids is not ours(1).tids


@pytest.mark.parametrize(
    ("words", "named"), [((), {}), ((1, "a", [], 4), {}), ((1,), {"pid": 1}), ((1,), {"tid": 2})]
)
def test_wrong_arguments_are_refused(words: Any, named: Any) -> None:
    for made in both():
        with pytest.raises(TypeError):
            made(*words, **named)


def test_nothing_can_be_changed_added_or_deleted() -> None:
    pair = Pair(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        pair.left = 5  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del pair.left
    with pytest.raises(dataclasses.FrozenInstanceError):
        pair.middle = 5  # type: ignore[attr-defined]
    assert pair == Pair(1, 2)
    assert not hasattr(pair, "__dict__")


def test_equal_are_values_of_one_class_only() -> None:
    assert Pair(1) == Pair(1, 2)
    assert hash(Pair(1)) == hash(Pair(1, 2))
    others: list[object] = [Other(1), (1, 2)]
    assert Pair(1) not in others
    assert len({Pair(1), Pair(1, 2), Pair(2, 1), Other(1)}) == 3
    assert {SignalSet(4): "kept"}[SignalSet.of("SIGQUIT")] == "kept"


def test_copies_and_pickles_are_equal() -> None:
    for made in (copy.copy(Pair(1)), copy.deepcopy(Pair(1)), pickle.loads(pickle.dumps(Pair(1)))):
        assert made == Pair(1)


def test_a_method_that_the_class_has_itself_stays() -> None:
    ours, _ = both(__repr__=lambda _: "mine", __eq__=lambda *_: True, __hash__=None)
    assert repr(ours(1)) == "mine"
    assert ours(1) == ours(2)
    with pytest.raises(TypeError):
        hash(ours(1))


def test_it_can_be_matched() -> None:
    match Pair(1, 3):
        case Pair(left, right=three):
            assert (left, three) == (1, 3)
        case _:
            pytest.fail("no match")


def test_other_kinds_are_left_to_the_standard_library() -> None:
    with pytest.raises(TypeError, match="frozen"):
        value(frozen=False, slots=True)
