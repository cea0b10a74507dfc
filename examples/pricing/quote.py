"""The arithmetic of quote.machine.yaml, as PL/Python functions inside Postgres.

Positional parameters are fields of the context, keyword-only ones fields of the event and `now`.
It is plain Python: import it, test it, without a database.
"""

from datetime import timedelta
from decimal import Decimal

# from this subtotal on, this discount; the largest first
DISCOUNTS = ((Decimal(1000), Decimal("0.10")), (Decimal(250), Decimal("0.05")))


def price(lines):
    """What the lines come to."""
    subtotal = sum((amount(line) for line in lines), Decimal(0))
    discount = next((rate for least, rate in DISCOUNTS if subtotal >= least), Decimal(0))
    total = (subtotal * (1 - discount)).quantize(Decimal("0.01"))
    return {"subtotal": subtotal, "discount": discount, "total": total}


def amount(line):
    """The price of one line. Prices are text in JSON, so that no digit goes through a float."""
    return Decimal(line["price"]) * line["quantity"]


def complete(lines, total):
    """Whether there is something to offer."""
    return bool(lines) and total > 0 and all(line["quantity"] > 0 for line in lines)


def promise(*, days, now):
    """Until when the offer stands."""
    return {"valid_until": now + timedelta(days=days)}
