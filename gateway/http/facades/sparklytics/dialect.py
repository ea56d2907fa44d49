"""How Sparklytics' API is spoken: a key of ours as the Bearer, and errors of its own shape."""

from gateway.http.dialect import Dialect, plain_ask
from gateway.http.facades.sparklytics.wording import FAILED, worded
from gateway.http.server.auth import key_holder

SPARKLYTICS = Dialect(key_holder, plain_ask, worded, FAILED)
