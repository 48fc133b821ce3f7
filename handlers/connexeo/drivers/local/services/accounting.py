"""What tiles of a service take, and what they cost its owner."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from connexeo.drivers.local.jobs.billing import Billing, usage_of
from connexeo.drivers.local.state.tables import services
from connexeo.generated.errors import PaymentRequired

DIGITS = 8
"""After the point, of costs: a tile costs very little."""


def check_budget(service: RowMapping) -> None:
    """Refuse to draw for a service whose budget is spent; tiles that were drawn before can be seen still.

    Args:
        service: ``budget`` and ``costs``.

    Raises:
        PaymentRequired: when it is.
    """
    budget, costs = service["budget"], service["costs"]
    if budget is not None and costs is not None and costs >= budget:
        raise PaymentRequired("The budget of this service is spent. Its owner can raise it.")


def charge(connection: Connection, service_id: str, cpu: float, tiles: int, billing: Billing) -> None:
    """Add to what a service has used and cost, by its plan of now; nothing happens when it is gone.

    Args:
        connection: A transaction that writes.
        service_id: The service.
        cpu: Seconds of processors.
        tiles: How many were drawn.
        billing: Plans and prices.
    """
    columns = (services.c.usage, services.c.costs, services.c.plan)
    query = select(*columns).where(services.c.id == service_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        return
    costs = billing.costs_of(usage_of(cpu, 0), row["plan"], digits=DIGITS)
    values: dict[str, Any] = {
        "usage": {
            "cpu": {"value": round(_used(row, "cpu") + cpu, 3), "unit": "cpu-seconds"},
            "tiles": {"value": int(_used(row, "tiles")) + tiles, "unit": "tiles"},
        }
    }
    if costs is not None:
        values["costs"] = round((row["costs"] or 0.0) + costs, DIGITS)
    connection.execute(update(services).where(services.c.id == service_id).values(values))


def _used(row: RowMapping, name: str) -> float:
    return float(((row["usage"] or {}).get(name) or {"value": 0})["value"])
