"""Columns as inserts take them fastest: names by code, amounts in thousandths. Pure, and quick to import."""

from array import array
from collections.abc import Sequence
from itertools import count
from typing import overload

TYPECODES = {1: "B", 2: "H", 4: "I"}
"""Array types by the bytes of an item, in the order of the machine: the engine runs on little-endian ones only, too."""


class Coded(Sequence[str]):
    """A column by its different values: row i is `values[code i]`; a code takes `width` bytes, the lowest first."""

    __slots__ = ("codes", "values", "width")

    def __init__(self, values: Sequence[str], codes: bytes | bytearray) -> None:
        self.values, self.codes, self.width = values, codes, width_of(len(values))

    @classmethod
    def of(cls, column: Sequence[str]) -> "Coded":
        """The same column, coded."""
        places = dict(zip(dict.fromkeys(column), count(), strict=False))
        if len(places) == 1:
            return cls(list(places), bytes(len(column)))
        return cls(list(places), array(TYPECODES[width_of(len(places))], map(places.__getitem__, column)).tobytes())

    def plain(self) -> list[str]:
        """The same column, a value for each row."""
        return list(map(self.values.__getitem__, array(TYPECODES[self.width], self.codes)))

    def __len__(self) -> int:
        return len(self.codes) // self.width

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index] * self.width
        return self.values[int.from_bytes(self.codes[place : place + self.width], "little")]


class Thousandths(list[int | None]):
    """A column of amounts in thousandths; None where there is none."""


def width_of(different: int) -> int:
    """Bytes of a code for so many different values."""
    return 1 if different <= 1 << 8 else 2 if different <= 1 << 16 else 4
