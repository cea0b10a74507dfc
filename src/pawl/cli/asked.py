"""Which effects the deployed machines ask for, and which handlers nobody needs."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg

from pawl.worker.logs import say
from pawlc.suggest import did_you_mean


def effects(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """The effects of all deployed versions."""
    rows = connection.execute("select distinct effect from pawl.effect_policy order by 1")
    return tuple(name for (name,) in rows)


def warn(handled: Sequence[str], known: Sequence[str]) -> None:
    """Say which handlers nobody asks for: a name is misspelt, or this is another database.

    One whose name is like no effect that is left may be for a version that is to come.
    """
    left = [name for name in known if name not in handled]
    unasked = [name for name in handled if name not in known]
    for name in unasked:
        hint = did_you_mean(name, left)
        if hint is None and len(unasked) == len(handled):
            hint = "is this the right database?"
        if hint is not None:
            reason = f"no machine that is deployed has this effect: {hint}"
            say("not_asked_for", logging.WARNING, effect=name, reason=reason)
