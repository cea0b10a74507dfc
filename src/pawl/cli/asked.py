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
    """Say which handlers nobody asks for: a name is misspelt, or this is another database."""
    for name in handled:
        if name not in known:
            hint = did_you_mean(name, known) or "is this the right database?"
            reason = f"no machine that is deployed has this effect: {hint}"
            say("not_asked_for", logging.WARNING, effect=name, reason=reason)
