"""Column types of inserts, where the client library's own way of writing them takes most of an import's time.

Imported when the store is first written to: the client library takes a while to load.
"""

from array import array
from collections.abc import Sequence
from typing import Any

from clickhouse_connect.datatypes.base import ClickHouseType, TypeDef
from clickhouse_connect.datatypes.container import Map
from clickhouse_connect.datatypes.numeric import Decimal
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.datatypes.string import String
from clickhouse_connect.driver.common import write_uint64
from clickhouse_connect.driver.insert import InsertContext

from adapters.local.store.coded import Coded, Thousandths
from adapters.local.store.schema import MONEY, NAME, PROPS

OWN_KEYS, WITH_SIZE = 1 << 9, 1 << 10
"""Flags of the native format: the block brings its dictionary, and says how large it is."""
WIDTHS = {1: 0, 2: 1, 4: 2}
"""How the native format names the bytes of a code."""


class Names(String, registered=False):
    """LowCardinality(String): a dictionary of the block's values, and for each row its place in it.

    Layout: ClickHouse's native format, as `ClickHouseType` of the client library writes it.
    """

    def write_column_data(self, column: Sequence[Any], dest: bytearray, ctx: InsertContext) -> None:
        if not column:
            return
        coded = column if isinstance(column, Coded) else Coded.of(column)
        write_uint64(OWN_KEYS | WITH_SIZE | WIDTHS[coded.width], dest)
        write_uint64(len(coded.values), dest)
        self._write_column_binary(coded.values, dest, ctx)
        write_uint64(len(coded), dest)
        dest += coded.codes


class Money(Decimal, registered=False):
    """Nullable(Decimal(18, 3)), which takes amounts in thousandths as they are."""

    def write_column_data(self, column: Sequence[Any], dest: bytearray, ctx: InsertContext) -> None:
        if not isinstance(column, Thousandths):
            super().write_column_data(column, dest, ctx)
            return
        dest += bytes([amount is None for amount in column])
        dest += array("q", [amount or 0 for amount in column]).tobytes()


def _names(_kind: str = NAME) -> ClickHouseType:
    return Names(TypeDef(("LowCardinality",), (), ()))


def _money(_kind: str) -> ClickHouseType:
    return Money(TypeDef(("Nullable",), (), (18, 3)), 18, 64, 3)


def _props(kind: str) -> ClickHouseType:
    written = get_from_name(kind)
    if isinstance(written, Map):
        written.key_type = _names()
    return written


_OURS = {NAME: _names, MONEY: _money, PROPS: _props}


def column_type(kind: str) -> ClickHouseType:
    """The type that writes a column of this kind."""
    return _OURS.get(kind, get_from_name)(kind)
