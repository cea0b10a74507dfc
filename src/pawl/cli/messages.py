"""`pawl messages`: events of instances for others that have not arrived, and why."""

import rich_click as click

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output

COLUMNS = ("message_id", "from", "to", "event", "state", "next_at", "attempts", "reason")

# `behind`: the first of the earlier ones between the same two, which goes before it.
STATUS = """\
select m.message_id, concat_ws(' ', m.sender_machine, m.sender_id),
  concat_ws(' ', m.machine, m.id), m.event ->> 'type',
  case
    when b.behind is not null then 'behind ' || b.behind
    when m.due_at > pawl.now() then 'backing off'
    else 'ready'
  end,
  case when m.due_at > pawl.now() then m.due_at end, m.attempts, m.last_error
"""
FROM = """\
from pawl.message as m
cross join lateral (
  select min(e.message_id) as behind
  from pawl.message as e
  where e.machine = m.machine and e.id = m.id and e.sender_machine = m.sender_machine
    and e.sender_iid = m.sender_iid and e.message_id < m.message_id
) as b
"""
LIST = f"""\
{STATUS}{FROM}where (%(machine)s::text is null or m.machine = %(machine)s)
  and (%(id)s::text is null or m.id = %(id)s)
  and (%(sender)s::text is null or m.sender_machine = %(sender)s)
order by m.message_id
limit %(limit)s
"""
SHOW = f"{STATUS}, m.event, m.send_id, m.sender_seq, m.kin\n{FROM}where m.message_id = %s"


@click.group()
def messages() -> None:
    """Messages between instances that have not arrived: which wait, and for what."""


@messages.command(name="list")
@click.option("--machine", metavar="NAME", help="Only those to instances of this machine.")
@click.option("--id", metavar="ID", help="Only those to the instance of this name.")
@click.option("--from", "sender", metavar="NAME", help="Only those from instances of this machine.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@dsn_option
@json_option
@click.pass_obj
def list_(
    output: Output,
    machine: str | None,
    id: str | None,
    sender: str | None,
    limit: int,
    dsn: str | None,
) -> None:
    """List the messages on their way, the oldest first."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        rows = connection.execute(
            LIST.encode(), {"machine": machine, "id": id, "sender": sender, "limit": limit}
        ).fetchall()
    output.table(COLUMNS, rows)


@messages.command()
@click.argument("message_id", type=int)
@dsn_option
@json_option
@click.pass_obj
def show(output: Output, message_id: int, dsn: str | None) -> None:
    """Show all that is known of a message: its event, and who is told when it cannot arrive."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        row = connection.execute(SHOW.encode(), (message_id,)).fetchone()
        if row is None:
            connection.execute("select pawl.raise_unknown_message(%s)", (message_id,))
            raise AssertionError("pawl.raise_unknown_message always raises")
    names = (*COLUMNS, "payload", "send_id", "sender_seq", "kin")
    facts = dict(zip(names, row, strict=True))
    if output.json:
        output.data(facts)
        return
    output.table(("field", "value"), [item for item in facts.items() if item[1] is not None])


@messages.command()
@click.argument("message_id", type=int)
@dsn_option
@json_option
@click.pass_obj
def retry(output: Output, message_id: int, dsn: str | None) -> None:
    """Deliver it now, without waiting for the backoff; what was sent before it goes first."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        connection.execute("select pawl.retry_message(%s)", (message_id,))
    output.table(("message_id", "outcome"), [(message_id, "retried")])
