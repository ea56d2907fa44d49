"""Plausible: its cloud, and the Community Edition with stats v2 or only v1."""

from types import MappingProxyType

from adapters.base import Backend
from adapters.plausible.adapter import (
    EDITIONS,
    PlausibleCredential,
    PlausibleOptions,
    base_url_of,
    edition_of,
    open_adapter,
)

BACKEND = Backend(
    name="plausible",
    title="Plausible",
    options=PlausibleOptions,
    credential=PlausibleCredential,
    editions=MappingProxyType(EDITIONS),
    edition_of=edition_of,
    base_url_of=base_url_of,
    open=open_adapter,
)
