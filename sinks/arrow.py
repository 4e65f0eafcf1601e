"""Columns of Python values as one Arrow stream: ClickHouse takes each in as it is. Pure."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from sinks.columns import INSTANT, Columns, Values

Types = Mapping[str, pa.DataType]
"""Column -> as which its values are sent."""
WORD = pa.dictionary(pa.int32(), pa.string())
KINDS = {
    "String": pa.string(),
    "DateTime64(6, 'UTC')": INSTANT,
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Int64": pa.int64(),
    "Float64": pa.float64(),
}


def arrow_type(declared: str) -> pa.DataType:
    """For a column as ClickHouse describes it; KeyError for one of a kind that no table here has."""
    if declared.startswith("Array("):
        return pa.list_(pa.string())
    if declared.startswith("LowCardinality("):
        return WORD
    return KINDS[declared.removeprefix("Nullable(").removesuffix(")") if declared.startswith("Nullable(") else declared]


class ArrowRows:
    """Rows of one table, taken in piece by piece."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._pieces: dict[str, list[pa.Array]] = {}
        self.count = 0

    def add(self, columns: Columns) -> None:
        """What does not fit a column's type is an error of pyarrow's, whose text may quote it."""
        for name, values in columns.items():
            self._pieces.setdefault(name, []).append(_array(values, self._types[name]))
        self.count += len(next(iter(columns.values())))

    def stream(self, same: Mapping[str, Any]) -> bytes:
        """All of them. ``same``: further columns, with one value in all rows."""
        first = pa.repeat(pa.scalar(0, pa.int32()), self.count)
        arrays = {name: pa.chunked_array(pieces) for name, pieces in self._pieces.items()}
        arrays |= {name: _array([value], self._types[name]).take(first) for name, value in same.items()}
        table = pa.table({name: _encoded(array, self._types[name]) for name, array in arrays.items()}).combine_chunks()
        written = pa.BufferOutputStream()
        with pa.ipc.new_stream(written, table.schema) as stream:
            stream.write_table(table)
        return bytes(written.getvalue())


def _array(values: Values, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, pa.string() if kind == WORD else kind)


def _encoded(array: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    return array.dictionary_encode() if kind == WORD else array
