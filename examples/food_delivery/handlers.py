"""The effects of an order, for `pawl worker examples/food_delivery/handlers.py`.

A real shop would ring the restaurant's tablet and ask its own tables for couriers. Here both are
played: every restaurant has a tablet that is off now and then, and there are three couriers.

One worker performs the effects of all versions: what a version does not send has a default.
"""

import logging
import os
import random
from decimal import Decimal
from uuid import UUID

from pawl import Fatal, Task, Worker

app = Worker()
log = logging.getLogger("shop")

COURIERS = tuple(UUID(f"c0000000-0000-4000-8000-00000000000{n}") for n in (1, 2, 3))
OFF = float(os.environ.get("TABLET_OFF", "0"))
"""How often a tablet does not answer, from 0 to 1: TABLET_OFF=0.5 shows the retries."""


@app.effect("offer_to_restaurant")
async def offer_to_restaurant(task: Task, order_id: str, total: Decimal) -> None:
    """Show the order on the restaurant's tablet; its answer comes as an event, not from here.

    What raises is tried again: five times, as the machine says, then the order is rejected.
    """
    if random.random() < OFF:
        raise ConnectionError("the tablet is off")
    log.info(f"offered {order_id} for {total}, attempt {task.attempt}")


@app.effect("find_courier")
def find_courier(
    task: Task, order_id: str, exclude: list[UUID], buys: bool = False
) -> dict[str, UUID]:
    """Find a courier who was not asked yet. Not async: it runs in a thread, and may block.

    Since version 2 it may be one who buys, which the last of the three does not do.
    """
    able = COURIERS[:-1] if buys else COURIERS
    free = [courier for courier in able if courier not in exclude]
    if not free:
        raise Fatal(f"nobody is left to ask for {order_id}", code="no_courier")
    return {"courier_id": free[0]}


@app.effect("offer_to_courier")
async def offer_to_courier(task: Task, order_id: str, courier_id: UUID) -> None:
    """Tell the courier; the key makes a repeated attempt the same message."""
    log.info(f"asked {courier_id} to bring {order_id}, message {task.idempotency_key}")


@app.effect("issue_card")
async def issue_card(task: Task, order_id: str, courier_id: UUID, most: Decimal) -> None:
    """Let the courier pay at the counter; only versions since 2 ask for it."""
    log.info(f"{courier_id} may spend {most} on {order_id}, card {task.idempotency_key}")
