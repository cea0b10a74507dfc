"""`create`, `send`, `show`, `list`, `history`, `simulate`: instances from the command line."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, get_args

import rich_click as click
from psycopg import sql

from pawl.cli import connect, options
from pawl.cli.options import caller_options, dsn_option, json_option
from pawl.cli.output import Output
from pawl.client import Client, Instance
from pawl.client.results import Kept
from pawl.deploy.install import installed_api_schema
from pawl.errors import MalformedPayload

LIST = """\
select id, version, state, status, seq, updated_at
from {}
where (%(state)s::text is null or pawl.in_state(state, %(state)s))
  and (%(status)s::text is null or status = %(status)s)
order by updated_at desc, id
limit %(limit)s
"""


@contextmanager
def _client(
    output: Output, dsn: str | None, role: str | None = None, claims: str | None = None
) -> Iterator[Client]:
    """A client of the chosen database, acting as the caller of `--role` and `--claims`."""
    caller = options.caller(role, claims)
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        schema = installed_api_schema(connection) or "public"
    with Client(database.dsn, schema=schema, caller=caller) as client:
        yield client


def _show(output: Output, instance: Instance) -> None:
    """Print an instance: two columns, the context's fields among them."""
    if output.json:
        output.data(instance.as_json())
        return
    facts: list[tuple[str, Any]] = [
        ("instance", f"{instance.machine} {instance.id} (version {instance.version})"),
        ("state", instance.state),
        ("status", instance.status),
        ("seq", instance.seq),
        ("handled", instance.handled),
    ]
    if instance.tags:
        facts.append(("tags", instance.tags))
    if instance.output is not None:
        facts.append(("output", instance.output))
    facts.extend((f"context.{name}", value) for name, value in instance.context.items())
    output.table(("field", "value"), facts)


@click.command()
@click.argument("machine")
@click.argument("id")
@click.argument("pairs", nargs=-1, metavar="[key=value]...")
@click.option("--input", "text", metavar="JSON", help="The input as a JSON object.")
@caller_options
@dsn_option
@json_option
@click.pass_obj
def create(
    output: Output,
    machine: str,
    id: str,
    pairs: tuple[str, ...],
    text: str | None,
    role: str | None,
    claims: str | None,
    dsn: str | None,
) -> None:
    """Create the instance ID of MACHINE.

    In key=value a whole number, true, false, null, [...], {...} and "..." are read as JSON, and
    anything else as text. Text that looks like a number is quoted: 'zip="8001"'.
    """
    values = options.payload(pairs, text)
    with _client(output, dsn, role, claims) as client, _telling_numbers(values):
        _show(output, client.create(machine, id, values))


@click.command()
@click.argument("machine")
@click.argument("id")
@click.argument("event", metavar="EVENT|JSON")
@click.argument("pairs", nargs=-1, metavar="[key=value]...")
@click.option("--event-id", metavar="KEY", help="Sent again, the first answer comes again.")
@click.option("--expected-seq", type=int, metavar="N", help="Refuse if the instance moved on.")
@caller_options
@dsn_option
@json_option
@click.pass_obj
def send(
    output: Output,
    machine: str,
    id: str,
    event: str,
    pairs: tuple[str, ...],
    event_id: str | None,
    expected_seq: int | None,
    role: str | None,
    claims: str | None,
    dsn: str | None,
) -> None:
    """Send EVENT to an instance: a type with key=value, or a JSON object with `type`.

    In key=value a whole number, true, false, null, [...], {...} and "..." are read as JSON, and
    anything else as text. Text that looks like a number is quoted: 'zip="8001"'.
    """
    sent = _event(event, pairs)
    with _client(output, dsn, role, claims) as client, _telling_numbers(sent):
        answer = client.send(machine, id, sent, event_id=event_id, expected_seq=expected_seq)
        _show(output, answer)


@click.command()
@click.argument("machine")
@click.argument("id")
@click.argument("event", metavar="EVENT|JSON")
@click.argument("pairs", nargs=-1, metavar="[key=value]...")
@caller_options
@dsn_option
@json_option
@click.pass_obj
def simulate(
    output: Output,
    machine: str,
    id: str,
    event: str,
    pairs: tuple[str, ...],
    role: str | None,
    claims: str | None,
    dsn: str | None,
) -> None:
    """Show what EVENT would do to an instance; nothing is written."""
    sent = _event(event, pairs)
    with _client(output, dsn, role, claims) as client, _telling_numbers(sent):
        _show(output, client.simulate(machine, id, sent))


def _event(event: str, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Read the event argument: a type, or a JSON object."""
    if event.lstrip().startswith("{"):
        return {**options.json_object(event, "the event"), **options.payload(pairs)}
    return {"type": event, **options.payload(pairs)}


@contextmanager
def _telling_numbers(sent: Mapping[str, Any]) -> Iterator[None]:
    """Say how text is written where `key=7` sent a number, and the field takes none."""
    try:
        yield
    except MalformedPayload as error:
        field = error.detail.get("field")
        value = sent.get(field) if isinstance(field, str) else None
        if error.detail.get("problem") == "type" and isinstance(value, bool | int):
            written = json.dumps(value)
            error.hint = f"{field}={written} is JSON; as text it is written '{field}=\"{written}\"'"
        raise


@click.command()
@click.argument("machine")
@click.argument("id")
@caller_options
@dsn_option
@json_option
@click.pass_obj
def show(
    output: Output, machine: str, id: str, role: str | None, claims: str | None, dsn: str | None
) -> None:
    """Show an instance, and the events that it could take now."""
    with _client(output, dsn, role, claims) as client:
        instance = client.get(machine, id)
        enabled = client.enabled(machine, id)
    if output.json:
        output.data({**instance.as_json(), "enabled_events": enabled})
        return
    _show(output, instance)
    output.line(f"can take: {', '.join(enabled) or 'no event'}")


@click.command(name="list")
@click.argument("machine")
@click.option("--state", metavar="PATH", help="Only those in this state, or inside it.")
@click.option("--status", type=click.Choice(get_args(Kept)), help="Only those of this status.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@dsn_option
@json_option
@click.pass_obj
def list_(
    output: Output,
    machine: str,
    state: str | None,
    status: str | None,
    limit: int,
    dsn: str | None,
) -> None:
    """List the instances of MACHINE, the last changed first."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        table = sql.Identifier(connect.machine_schema(connection, machine), "instance")
        rows = connection.execute(
            sql.SQL(LIST).format(table), {"state": state, "status": status, "limit": limit}
        ).fetchall()
    output.table(("id", "version", "state", "status", "seq", "updated_at"), rows)


@click.command()
@click.argument("machine")
@click.argument("id")
@caller_options
@dsn_option
@json_option
@click.pass_obj
def history(
    output: Output, machine: str, id: str, role: str | None, claims: str | None, dsn: str | None
) -> None:
    """Show an instance's journal, oldest first."""
    with _client(output, dsn, role, claims) as client:
        entries = client.history(machine, id)
    if output.json:
        output.data([asdict(entry) for entry in entries])
        return
    output.table(
        ("seq", "at", "event", "payload", "state", "caller", "log"),
        [
            (e.seq, e.at, e.event["type"], _payload(e.event), e.state, e.sub or e.caller, e.log)
            for e in entries
        ],
    )


def _payload(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an event carries beside its type; None for nothing."""
    return {key: value for key, value in event.items() if key != "type"} or None
