"""`pawl timers`: what is due when, and firing what is."""

import rich_click as click

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output

# A timer whose instance no longer has it under its seq is void: it will be consumed in silence.
LIST = """\
select t.timer_id, t.machine, r.id, t.name,
  coalesce(r.timers ->> t.name = t.seq::text, false) as live,
  t.due_at, t.due_at <= pawl.now() as due, t.attempts, t.last_error
from pawl.timer as t
left join lateral (
  select i.id, i.timers from ({instances}) as i
  where i.machine = t.machine and i.iid = t.iid
) as r on true
where (%(machine)s::text is null or t.machine = %(machine)s)
  and (%(due)s is false or t.due_at <= pawl.now())
order by t.due_at, t.timer_id
limit %(limit)s
"""


@click.group()
def timers() -> None:
    """Durable timers, which fire when `pawl.fire_due_timers()` is called."""


@timers.command(name="list")
@click.option("--machine", metavar="NAME", help="Only those of this machine.")
@click.option("--due", is_flag=True, help="Only those that are due.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@dsn_option
@json_option
@click.pass_obj
def list_(output: Output, machine: str | None, due: bool, limit: int, dsn: str | None) -> None:
    """List the timers that are set, the earliest first.

    One whose state was left since is not live any more: it is consumed in silence when it is due.
    """
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        query = LIST.replace("{instances}", connect.all_instances(connection))
        rows = connection.execute(
            query.encode(), {"machine": machine, "due": due, "limit": limit}
        ).fetchall()
    output.table(
        ("timer_id", "machine", "id", "name", "live", "due_at", "due", "attempts", "last_error"),
        rows,
    )


@timers.command()
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@dsn_option
@json_option
@click.pass_obj
def fire(output: Output, limit: int, dsn: str | None) -> None:
    """Fire the timers that are due."""
    with connect.connected(connect.find(dsn, output)) as connection:
        row = connection.execute("select pawl.fire_due_timers(%s)", (limit,)).fetchone()
    output.table(("fired",), [row or (0,)])
