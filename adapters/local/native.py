"""Column types of inserts, where the client library's own way of writing them takes most of an import's time.

Imported when the store is first written to: the client library takes a while to load.
"""

from array import array
from collections.abc import Sequence
from itertools import count
from typing import Any

from clickhouse_connect.datatypes.base import ClickHouseType, TypeDef
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.datatypes.string import String
from clickhouse_connect.driver.common import write_uint64
from clickhouse_connect.driver.insert import InsertContext

from adapters.local.schema import NAME

OWN_KEYS, WITH_SIZE = 1 << 9, 1 << 10
"""Flags of the native format: the block brings its dictionary, and says how large it is."""


class Names(String, registered=False):
    """LowCardinality(String): a dictionary of the block's values, and for each row its place in it.

    Layout: ClickHouse's native format, as `ClickHouseType` of the client library writes it.
    """

    def write_column_data(self, column: Sequence[Any], dest: bytearray, ctx: InsertContext) -> None:
        if not column:
            return
        places = dict(zip(dict.fromkeys(column), count(), strict=False))
        width = 0 if len(places) <= 1 << 8 else 1 if len(places) <= 1 << 16 else 2
        write_uint64(OWN_KEYS | WITH_SIZE | width, dest)
        write_uint64(len(places), dest)
        self._write_column_binary(list(places), dest, ctx)
        write_uint64(len(column), dest)
        dest += array("BHI"[width], map(places.__getitem__, column)).tobytes()


def column_type(kind: str) -> ClickHouseType:
    """The type that writes a column of this kind."""
    return Names(TypeDef(("LowCardinality",), (), ())) if kind == NAME else get_from_name(kind)
