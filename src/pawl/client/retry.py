"""How long to wait before trying again, and when to give up.

A serialization failure (40001) or a deadlock (40P01) has rolled everything back, so the same call
may simply be made again. No other error is retried: after a lost connection nobody knows whether
the event was taken, and only an `event_id` makes a second send safe.
"""

import random
from collections.abc import Iterator

import psycopg
from psycopg import errors

ATTEMPTS = 6
FIRST = 0.01  # seconds before the second attempt, at most; doubled each time
LONGEST = 0.5  # seconds
AWAY = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
"""Ended by an administrator or a crash, not started yet, idle for too long."""


def pauses() -> Iterator[float]:
    """Yield the seconds to wait before each further attempt, with full jitter: at most 0.31 s in
    all for six attempts."""
    for attempt in range(ATTEMPTS - 1):
        yield random.uniform(0, min(LONGEST, FIRST * 2**attempt))


def retryable(error: psycopg.Error) -> bool:
    """Say whether Postgres rolled back for a reason that may be gone in a moment."""
    return isinstance(error, (errors.SerializationFailure, errors.DeadlockDetected))


def gone(error: psycopg.Error) -> bool:
    """Say whether Postgres was not reached, or went away and may have done the call or not.

    >>> gone(errors.AdminShutdown()), gone(errors.UniqueViolation())
    (True, False)
    """
    state = error.sqlstate
    return state is None or state.startswith("08") or state in AWAY
