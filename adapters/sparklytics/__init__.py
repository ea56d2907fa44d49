"""Sparklytics, a self-hosted backend."""

from typing import cast

from pydantic import BaseModel

from adapters.base import Adapter, Backend, Context
from adapters.sparklytics.adapter import SparklyticsAdapter
from adapters.sparklytics.capabilities import SPARKLYTICS
from adapters.sparklytics.options import SparklyticsCredential, SparklyticsOptions


def _open(options: BaseModel, credential: BaseModel | None, context: Context) -> Adapter:
    return SparklyticsAdapter(
        cast(SparklyticsOptions, options), cast(SparklyticsCredential | None, credential), context
    )


BACKEND = Backend(
    name="sparklytics",
    title="Sparklytics",
    options=SparklyticsOptions,
    credential=SparklyticsCredential,
    editions={"": SPARKLYTICS},
    edition_of=lambda options: "",
    base_url_of=lambda options: cast(SparklyticsOptions, options).base_url,
    open=_open,
)
