"""What a worker says to Postgres, and what it reads."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from pawl.worker.queue import Queue, configure
from pawl.worker.task import Claim
from tests.worker.conftest import Parcels

LEASE = timedelta(seconds=30)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_claim_has_each_column_in_its_place(parcels: Parcels) -> None:
    async def claimed() -> list[Claim]:
        pool = AsyncConnectionPool(parcels.dsn, min_size=1, open=False, configure=configure)
        async with pool:
            return await Queue(pool.connection, "one", ["print_label"]).claim(1, LEASE)

    heartbeat = timedelta(seconds=6)
    parcels.connection.execute("update pawl.effect_policy set heartbeat = %s", (heartbeat,))
    parcels.connection.execute("select set_config('pawl.traceparent', %s, false)", (TRACE,))
    parcels.create("p-1")
    [claim] = asyncio.run(claimed())
    told = parcels.connection.cursor(row_factory=dict_row).execute(
        "select * from pawl.taken_effects(%s)", ([claim.effect_id],)
    )
    assert claim._asdict() | {"input": None} == (told.fetchone() or {}) | {"input": None}
    assert (claim.heartbeat, claim.trace) == (heartbeat, TRACE)
    assert claim.input["parcel"] == "p-1"
