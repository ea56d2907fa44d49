"""Revenue as Plausible writes it: the amount with a long and a short text (contracts: Plausible 4.4)."""

from typing import Any

from models.result import Money, Value

SYMBOLS = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "KRW": "₩", "BRL": "R$", "AUD": "A$",
    "CAD": "CA$", "NZD": "NZ$", "HKD": "HK$", "MXN": "MX$", "ILS": "₪", "VND": "₫", "TWD": "NT$", "PHP": "₱",
    "XAF": "FCFA", "XOF": "F\u202fCFA",
}  # fmt: skip
NO_CENTS = frozenset(
    ["JPY", "KRW", "VND", "CLP", "ISK", "PYG", "UGX", "XAF", "XOF", "RWF", "KMF", "GNF", "DJF", "BIF", "VUV"]
)
SHORT = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K"))


def revenue(value: Value) -> dict[str, Any] | None:
    """`{"currency","long","short","value"}`, or null where there is no currency."""
    if not isinstance(value, Money):
        return None
    places = 0 if value.currency in NO_CENTS else 2
    return {
        "currency": value.currency,
        "long": f"{_sign(value)}{abs(value.amount):,.{places}f}",
        "short": _short(value),
        "value": value.amount,
    }


def _sign(value: Money) -> str:
    symbol = SYMBOLS.get(value.currency, f"{value.currency}\u00a0")
    return f"-{symbol}" if value.amount < 0 else symbol


def _short(value: Money) -> str:
    amount = abs(value.amount)
    for size, letter in SHORT:
        if amount >= size:
            return f"{_sign(value)}{amount / size:.1f}{letter}"
    places = 0 if value.currency in NO_CENTS else 1
    return f"{_sign(value)}{amount:,.{places}f}"
