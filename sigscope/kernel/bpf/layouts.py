"""Where the fields of this kernel's structures lie: from its BTF, or as an earlier run found them.

Reading the BTF takes longer than all the rest, so the result is kept (``kernel.bpf.cache``)
under the build id of the running kernel. A field that moves from kernel to kernel is found by
its name, one that was renamed by any of its names, and one that is absent is None.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

from sigscope.decode.btf import FUNCTION, TYPEDEF, Btf, Field
from sigscope.errors import DecodeError, NotSupported
from sigscope.kernel.bpf import cache
from sigscope.model.value import dataclass

VMLINUX = "/sys/kernel/btf/vmlinux"
TRACEPOINT = "btf_trace_"
"""How the types of tracepoints are named in BTF: a pointer to a function with its arguments."""
LARGEST_BTF = 1 << 26
LARGEST_OFFSET = 1 << 20
"""No struct of the kernel is a megabyte long: a cache that says so is damaged."""
LARGEST_ID = 1 << 24


@dataclass(frozen=True, slots=True)
class Table:
    """What a program wants to know of the kernel.

    ``fields`` as in :meth:`Btf.field`; behind "|" stand the names that the last part has in
    other kernels. ``values`` are names of enums, or ``"function()"`` for the number of its
    parameters; ``functions`` are those that programs attach to, or ``"btf_trace_NAME"`` for a
    tracepoint.
    """

    fields: tuple[str, ...]
    functions: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Names the cache of this table: another version may want other fields."""
        text = "\n".join((*self.fields, "", *self.functions, "", *self.values))
        return f"{zlib.crc32(text.encode()):08x}"


class Layout:
    """The answers to a :class:`Table`, under the first of the names of each field.

    >>> Layout({"task_struct.pid": Field(1264, 4)}, {}, {}).at("task_struct.pid").offset
    1264
    """

    def __init__(
        self,
        fields: Mapping[str, Field | None],
        functions: Mapping[str, int | None],
        values: Mapping[str, int | None],
        cached: bool = False,
    ) -> None:
        self.fields = fields
        self.functions = functions
        self.values = values
        self.cached = cached

    def find(self, name: str) -> Field | None:
        """None where this kernel has no such field."""
        return self.fields[name]

    def at(self, name: str) -> Field:
        """A field without which nothing works; NotSupported where it is absent."""
        field = self.fields[name]
        if field is None:
            raise NotSupported(f"this kernel's BTF has no {name}", "use --engine proc")
        return field

    def has(self, *names: str) -> bool:
        """Are all of these there?"""
        return all(self.fields[name] is not None for name in names)

    def function(self, name: str) -> int:
        """The BTF id of a function; NotSupported where it is absent."""
        number = self.functions[name]
        if number is None:
            raise NotSupported(f"this kernel's BTF has no function {name}", "use --engine proc")
        return number


def read_layout(table: Table, path: str = VMLINUX, fresh: bool = False) -> Layout:
    """The layout of this kernel; OSError where it shows no BTF, DecodeError for a damaged one.

    ``fresh`` does not trust the cache, and writes it anew. Another ``path`` is never cached.
    """
    place = cache.place(f"layout-{table.digest}") if path == VMLINUX else None
    if place is not None and not fresh:
        kept = _decode(place.read(), table)
        if kept is not None:
            return kept
    with open(path, "rb") as file:
        data = file.read(LARGEST_BTF)
    layout = layout_of(data, table)
    if place is not None:
        place.write(_encode(layout))
    return layout


def layout_of(data: bytes, table: Table) -> Layout:
    """The same from the bytes of a BTF file."""
    structs = {path.removesuffix("()").partition(".")[0] for path in (*table.fields, *table.values)}
    btf = Btf(data, sorted({*structs, *table.functions}))
    return Layout(
        {first_name(path): _field(btf, path) for path in table.fields},
        {name: btf.id_of(name, _kind(name)) for name in table.functions},
        {name: _value(btf, name) for name in table.values},
    )


def first_name(path: str) -> str:
    """Under which a field is known here: the first of its names."""
    return path.partition("|")[0]


def _kind(name: str) -> int:
    return TYPEDEF if name.startswith(TRACEPOINT) else FUNCTION


def _value(btf: Btf, name: str) -> int | None:
    if not name.endswith("()"):
        return btf.enumerator(name)
    return btf.parameters(name[:-2], _kind(name))


def _field(btf: Btf, path: str) -> Field | None:
    first, *others = path.split("|")
    above = first.rpartition(".")[0]
    for name in (first, *(f"{above}.{other}" for other in others)):
        field = btf.field(name)
        if field is not None:
            return field
    return None


def _encode(layout: Layout) -> bytes:
    content = {
        "fields": layout.fields,
        "functions": layout.functions,
        "values": layout.values,
    }
    return json.dumps(content).encode()


def _decode(data: bytes | None, table: Table) -> Layout | None:
    """None for anything that is not just what this table asks for."""
    if data is None:
        return None
    try:
        content = json.loads(data)
        fields = {name: _decoded(one) for name, one in content["fields"].items()}
        functions, values = (
            {name: _number(one, LARGEST_ID) for name, one in content[key].items()}
            for key in ("functions", "values")
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, DecodeError):
        return None
    wanted = {first_name(path) for path in table.fields}
    right = set(fields) == wanted and set(functions) == set(table.functions)
    if not right or set(values) != set(table.values):
        return None
    return Layout(fields, functions, values, cached=True)


def _decoded(content: object) -> Field | None:
    if content is None:
        return None
    if not isinstance(content, list):
        raise DecodeError("btf", "no field")
    offset, size, bit = content
    return Field(
        _number(offset, LARGEST_OFFSET) or 0, _number(size, LARGEST_OFFSET) or 0, _number(bit, 8)
    )


def _number(content: object, limit: int) -> int | None:
    if content is None:
        return None
    if not isinstance(content, int) or not 0 <= content < limit:
        raise DecodeError("btf", "no number")
    return content
