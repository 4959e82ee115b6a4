"""What `bench.feel` evaluates: two expressions and three tables, with their values."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape

from procession.feel import Date

COMPARISON: Final = 'amount > 1000 and customer.tier = "gold"'
LOOP: Final = "sum(for i in items return i.price * i.qty)"
ORDER: Final[dict[str, object]] = {"amount": 1500, "customer": {"tier": "gold"}}
ORDER_EXACT: Final[dict[str, object]] = {"amount": Decimal("1500.50"), "customer": {"tier": "gold"}}
ITEMS: Final[dict[str, object]] = {"items": [{"price": Decimal(f"12.{n:02}"), "qty": n + 1} for n in range(20)]}

DISCOUNT: Final = (
    ('"gold"', ">= 1000", '"EU"', "0.20"),
    ('"gold"', ">= 1000", '"US"', "0.18"),
    ('"gold"', "[500..1000)", '"EU"', "0.15"),
    ('"gold"', "< 500", "-", "0.10"),
    ('"silver"', ">= 1000", '"EU"', "0.12"),
    ('"silver"', ">= 1000", '"US"', "0.11"),
    ('"silver"', "[500..1000)", "-", "0.08"),
    ('"silver"', "< 500", '"EU", "US"', "0.05"),
    ('"bronze"', "-", "-", "0.02"),
    ("-", "-", "-", "0"),
)
"""Ten rules of three inputs; `CUSTOMER` hits the eighth."""
CUSTOMER: Final[dict[str, object]] = {"tier": "silver", "amount": 300, "region": "EU"}
RATES: Final = tuple((f'"zone {n % 100}"', f"[{n // 100 * 100}..{n // 100 * 100 + 100})", str(n)) for n in range(1_000))
"""A thousand rules: a hundred zones, ten weights each. `PARCEL` hits rule 651."""
SEASONS: Final = tuple(
    (f'"room {n % 100}"', f'[date("20{n // 100 + 20}-01-01")..date("20{n // 100 + 21}-01-01"))', str(n))
    for n in range(1_000)
)
"""A thousand rules of dates: a hundred rooms, ten years each. `NIGHT` hits rule 651."""
NIGHT: Final[dict[str, object]] = {"room": "room 50", "night": Date(2026, 11, 25)}
PARCEL: Final[dict[str, object]] = {"zone": "zone 50", "weight": Decimal("650.5")}


def document() -> bytes:
    """The tables as one DMN document: `discount` has the hit policy FIRST, the others UNIQUE."""
    discount = _table("FIRST", (("tier", "string"), ("amount", "number"), ("region", "string")), DISCOUNT)
    rate = _table("UNIQUE", (("zone", "string"), ("weight", "number")), RATES)
    body = f'<decision id="discount" name="discount">{discount}</decision>'
    body += f'<decision id="rate" name="rate">{rate}</decision>'
    season = _table("UNIQUE", (("room", "string"), ("night", "date")), SEASONS)
    body += f'<decision id="season" name="season">{season}</decision>'
    space = "https://www.omg.org/spec/DMN/20230324/MODEL/"
    return f'<definitions xmlns="{space}" id="bench" name="bench" namespace="bench">{body}</definitions>'.encode()


def _table(policy: str, inputs: tuple[tuple[str, str], ...], rules: tuple[tuple[str, ...], ...]) -> str:
    columns = "".join(
        f'<input><inputExpression typeRef="{kind}"><text>{name}</text></inputExpression></input>'
        for name, kind in inputs
    )
    rows = "".join(
        "<rule>"
        + "".join(f"<inputEntry><text>{escape(cell)}</text></inputEntry>" for cell in rule[:-1])
        + f"<outputEntry><text>{rule[-1]}</text></outputEntry></rule>"
        for rule in rules
    )
    return f'<decisionTable hitPolicy="{policy}">{columns}<output name="out" typeRef="number"/>{rows}</decisionTable>'
