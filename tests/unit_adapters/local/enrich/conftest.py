"""Tiny MMDB files for the tests: the format of https://maxmind.github.io/MaxMind-DB/, enough of it to be read."""

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

MARKER = b"\xab\xcd\xefMaxMind.com"
UINT16, UINT32, UINT64 = 5, 6, 9
MmdbFile = Callable[..., Path]


def _head(kind: int, size: int) -> bytes:
    low, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    assert size < 285
    return (bytes([kind << 5 | low]) if kind < 8 else bytes([low, kind - 7])) + more


def _data(value: Any) -> bytes:
    match value:
        case str():
            text = value.encode()
            return _head(2, len(text)) + text
        case bool():
            return _head(14, int(value))
        case int():
            return _data((UINT32, value))
        case (int(kind), int(value)):
            number = value.to_bytes((value.bit_length() + 7) // 8, "big")
            return _head(kind, len(number)) + number
        case list():
            return _head(11, len(value)) + b"".join(map(_data, value))
        case dict():
            return _head(7, len(value)) + b"".join(_data(key) + _data(item) for key, item in value.items())
        case _:
            raise TypeError(f"{value!r} has no place in these files")


def _tree(records: Mapping[str, Any]) -> tuple[int, bytes]:
    """Node count of an IPv6 file; its search tree, separator and data section."""
    nodes: list[list[int | None]] = [[None, None]]
    leaves: list[tuple[int, int, int]] = []
    data = b""
    for text, record in records.items():
        network = ip_network(text)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        bits = f"{int(network.network_address):0128b}"[:length]
        node = 0
        for bit in map(int, bits[:-1]):
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit] or 0
        leaves.append((node, int(bits[-1]), len(data)))
        data += _data(record)
    for node, bit, offset in leaves:
        nodes[node][bit] = len(nodes) + 16 + offset
    full = [[len(nodes) if record is None else record for record in node] for node in nodes]
    tree = b"".join(record.to_bytes(3, "big") for node in full for record in node)
    return len(nodes), tree + bytes(16) + data


@pytest.fixture
def mmdb_file(tmp_path: Path) -> MmdbFile:
    """Writes `mmdb_file({"10.0.0.0/8": record}, name=..., database_type=..., description=...)` and gives the path."""

    def write(
        records: Mapping[str, Any], *, name: str = "places.mmdb", database_type: str = "test", description: str = ""
    ) -> Path:
        node_count, tree = _tree(records)
        metadata = {
            "node_count": node_count,
            "record_size": (UINT16, 24),
            "ip_version": (UINT16, 6),
            "database_type": database_type,
            "languages": ["en"],
            "binary_format_major_version": (UINT16, 2),
            "binary_format_minor_version": (UINT16, 0),
            "build_epoch": (UINT64, 1_781_000_000),
            "description": {"en": description},
        }
        path = tmp_path / name
        path.write_bytes(tree + MARKER + _data(metadata))
        return path

    return write
