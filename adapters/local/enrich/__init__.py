"""What is learned about an event on its way in: device, place, source, channel, visitor, page.

Pure, synchronous functions over plain values; the tables behind them are loaded by the first call or by `warm()`.
"""


def warm() -> None:
    """Load every table now (about half a second), so that the first event does not wait for them."""
    from adapters import domain
    from adapters.local.enrich import agent, bots, referrer, sources

    for module in (agent, bots, domain, referrer, sources):
        module.warm()
