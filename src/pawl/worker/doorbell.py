"""The session that listens: how a worker sleeps, and is woken by a sender's commit.

NOTIFY takes a cluster-wide lock at commit, so senders ring only when nobody is awake: a worker that
looks for work holds an advisory lock, and lets go of it before its last look (`sql/README.md`).
"""

import asyncio
import secrets
from typing import Any

import psycopg

from pawl.worker.queue import Connection, Queue

CHANNEL = "pawl"
NAME = "pawl worker, listening"  # as pg_stat_activity shows it
TRIES = 60  # a millisecond apart, for senders in their commit to end
ANSWER = 30.0  # seconds; a session that is silent for longer hangs, and another one is opened
SELF_TEST = 2.0  # seconds in which our own NOTIFY must come back
ALIVE: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


class Deaf(Exception):
    """The session opened, but our own notification did not arrive: a pooler is between, say."""


class Doorbell:
    """One connection that listens. Used by one task at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, dsn: str, queue: Queue) -> "Doorbell":
        """Listen, and send ourselves a notification through the other connections.

        Raises `Deaf` if it does not arrive, psycopg's errors if there is no connection.
        """
        given = psycopg.conninfo.conninfo_to_dict(dsn)
        connection = await psycopg.AsyncConnection.connect(
            autocommit=True,
            **{"connect_timeout": 10, "application_name": NAME, **ALIVE, **given},
        )
        try:
            async with asyncio.timeout(ANSWER):
                await connection.execute(f"listen {CHANNEL}".encode())
            payload = f"self-test {secrets.token_hex(8)}"
            await queue.notify(CHANNEL, payload)
            async for heard in connection.notifies(timeout=SELF_TEST):
                if heard.payload == payload:
                    return cls(connection)
            raise Deaf("what we sent ourselves did not arrive")
        except BaseException:
            await connection.close()
            raise

    async def close(self) -> None:
        await self._connection.close()

    async def stay_awake(self) -> None:
        """Let senders know that nobody need ring."""
        async with asyncio.timeout(ANSWER):
            await self._connection.execute("select pawl.stay_awake()")

    async def rest(self) -> None:
        """Let senders ring from now on, and wait for those that are in the middle of a commit.

        Without luck within `TRIES` the next look may miss one of them, who then may not have rung:
        the poll finds its work.
        """
        async with asyncio.timeout(ANSWER):
            await self._connection.execute("select pawl.rest()")
            for _ in range(TRIES):
                answer = await self._connection.execute("select pawl.nobody_is_sending()")
                if await answer.fetchone() == (True,):
                    return
                await asyncio.sleep(0.001)

    async def wait(self, seconds: float) -> bool:
        """Sleep until it rings, at most so long. Returns whether it rang."""
        async for _ in self._connection.notifies(timeout=seconds, stop_after=1):
            return True
        return False
