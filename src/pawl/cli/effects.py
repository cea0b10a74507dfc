"""`pawl effects`: what becomes of each effect, and taking it into one's own hands."""

from collections.abc import Sequence
from typing import Any, LiteralString

import rich_click as click
from psycopg import sql

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.client.payload import from_json, to_json

STATES = (
    "ready",
    "no handler",
    "backing off",
    "rate-limited",
    "waiting for a slot",
    "running",
    "done",
    "failed",
    "cancelled",
)
ENDED = ("done", "failed", "cancelled")
COLUMNS = (
    "effect_id",
    "machine",
    "id",
    "effect",
    "state",
    "next_at",
    "attempt",
    "attempts",
    "worker",
    "created_at",
    "reason",
)

LIST = """\
select effect_id, machine, id, effect, state, next_at, attempt, attempts, worker, created_at, reason
from {view}
where (%(machine)s::text is null or machine = %(machine)s)
  and (%(id)s::text is null or id = %(id)s)
  and (%(effect)s::text is null or effect = %(effect)s)
  and state = any (%(states)s)
order by effect_id
limit %(limit)s
"""
SHOW = """\
select s.effect_id, s.machine, s.id, s.version, s.effect, s.invoke_id, s.state, s.next_at, s.reason,
  s.attempt, s.attempts, s.worker, s.created_at, o.input, o.trace, r.at as ended_at, r.output,
  r.error
from pawl.effect_status as s
join pawl.outbox as o on o.effect_id = s.effect_id
left join pawl.effect_result as r on r.effect_id = s.effect_id
where s.effect_id = %s
"""


@click.group()
def effects() -> None:
    """Effects that transitions asked for: which wait, for what, and who performs them."""


@effects.command(name="list")
@click.option("--machine", metavar="NAME", help="Only those of this machine.")
@click.option("--id", metavar="ID", help="Only those of the instance of this name.")
@click.option("--effect", metavar="NAME", help="Only this effect.")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option(
    "--all", "ended", is_flag=True, help="Those that ended, too: reads all that are kept."
)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@dsn_option
@json_option
@click.pass_obj
def list_(
    output: Output,
    machine: str | None,
    id: str | None,
    effect: str | None,
    state: str | None,
    ended: bool,
    limit: int,
    dsn: str | None,
) -> None:
    """List the effects that have not ended, the oldest first."""
    states = [state] if state else [s for s in STATES if ended or s not in ENDED]
    view = "effect_status" if {*states} & {*ENDED} else "open_effect_status"
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        query = sql.SQL(LIST).format(view=sql.Identifier("pawl", view))
        rows = connection.execute(
            query,
            {"machine": machine, "id": id, "effect": effect, "states": states, "limit": limit},
        ).fetchall()
    output.table(COLUMNS, rows)


@effects.command()
@click.argument("effect_id", type=int)
@dsn_option
@json_option
@click.pass_obj
def show(output: Output, effect_id: int, dsn: str | None) -> None:
    """Show all that is known of an effect: input, attempts, output or error."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        cursor = connection.execute(SHOW, (effect_id,))
        row = cursor.fetchone()
        if row is None:
            connection.execute("select pawl.raise_unknown_effect(%s)", (effect_id,))
            raise AssertionError("pawl.raise_unknown_effect always raises")
        names = [column.name for column in cursor.description or ()]
    facts = dict(zip(names, row, strict=True))
    if output.json:
        output.data(facts)
        return
    output.table(("field", "value"), [item for item in facts.items() if item[1] is not None])


@effects.command()
@click.argument("effect_id", type=int)
@dsn_option
@json_option
@click.pass_obj
def retry(output: Output, effect_id: int, dsn: str | None) -> None:
    """Make the next attempt now, without waiting for the backoff."""
    _call(output, dsn, "select pawl.retry_effect(%s)", (effect_id,))
    output.table(("effect_id", "outcome"), [(effect_id, "retried")])


@effects.command()
@click.argument("effect_id", type=int)
@click.option("--output", "text", metavar="JSON", help="What a handler would have returned.")
@dsn_option
@json_option
@click.pass_obj
def complete(output: Output, effect_id: int, text: str | None, dsn: str | None) -> None:
    """End an effect as if a handler had done it."""
    given = None if text is None else to_json(_json(text))
    outcome = _call(output, dsn, "select pawl.complete_by_hand(%s, %s::jsonb)", (effect_id, given))
    output.table(("effect_id", "outcome"), [(effect_id, outcome)])


@effects.command()
@click.argument("effect_id", type=int)
@click.option("--reason", metavar="TEXT", help="Kept in the journal, and told to the machine.")
@dsn_option
@json_option
@click.pass_obj
def cancel(output: Output, effect_id: int, reason: str | None, dsn: str | None) -> None:
    """End an effect without performing it; who waits for it gets the error `cancelled`."""
    outcome = _call(output, dsn, "select pawl.cancel_effect(%s, %s)", (effect_id, reason))
    output.table(("effect_id", "outcome"), [(effect_id, outcome)])


def _call(output: Output, dsn: str | None, query: LiteralString, values: Sequence[Any]) -> Any:
    """Call one of the operators' functions; return what it does."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        row = connection.execute(query, values).fetchone()
    return None if row is None else row[0]


def _json(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError as error:
        raise click.UsageError(f"--output is not JSON: {error}") from None
